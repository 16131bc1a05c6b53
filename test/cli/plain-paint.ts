import type { Paint } from '../../cli/terminal/paint.ts';

const asIs = (text: string) => text;

/** No colours. */
export const plain: Paint = { bold: asIs, dim: asIs, red: asIs, green: asIs, yellow: asIs, cyan: asIs };
