import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];
type Brush = (text: string) => string;

/** Colours for one stream; plain text if it is no terminal or NO_COLOR is set. */
export interface Paint {
  bold: Brush;
  dim: Brush;
  red: Brush;
  green: Brush;
  yellow: Brush;
  cyan: Brush;
}

export function paintFor(stream: NodeJS.WriteStream): Paint {
  const brush = (style: Style) => (text: string) => styleText(style, text, { stream });
  return {
    bold: brush('bold'),
    dim: brush('dim'),
    red: brush('red'),
    green: brush('green'),
    yellow: brush('yellow'),
    cyan: brush('cyan'),
  };
}
