/**
 * Draws a picture of a terminal: reads text with colour codes from stdin and writes SVG to stdout.
 *
 *   tmux capture-pane -e -p -t SESSION | node scripts/terminal-picture.ts > docs/terminal.svg
 */
import { text } from 'node:stream/consumers';

interface Style {
  bold: boolean;
  dim: boolean;
  color: string | undefined;
}

interface Run extends Style {
  /** Column of the first character. */
  at: number;
  text: string;
}

const COLORS: Readonly<Record<number, string>> = {
  31: '#ff7b72',
  32: '#56d364',
  33: '#e3b341',
  36: '#56d4dd',
};
const BACKGROUND = '#0d1117';
const FOREGROUND = '#e6edf3';
const FAINT = '#8b949e';

const FONT_SIZE = 14;
const CELL = { width: 8.43, height: 20 };
const MARGIN = 20;
const BAR_HEIGHT = 30;

const PLAIN: Style = { bold: false, dim: false, color: undefined };

function withCode(style: Style, code: number): Style {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code === 39) return { ...style, color: undefined };
  return { ...style, color: COLORS[code] ?? style.color };
}

/** Splits the text into runs per line. A style lasts until it is changed, also across lines. */
function runsOf(input: string): Run[][] {
  let style = PLAIN;
  return input.split('\n').map((line) => {
    const runs: Run[] = [];
    let at = 0;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes begin with one
    for (const [piece, codes] of line.matchAll(/\u001b\[([\d;]*)m|[^\u001b]+/g)) {
      if (codes !== undefined) {
        style = codes.split(';').map(Number).reduce(withCode, style);
        continue;
      }
      runs.push({ ...style, at, text: piece });
      at += Array.from(piece).length;
    }
    return runs;
  });
}

function elementOf({ at, text: characters, bold, dim, color }: Run): string {
  if (characters.trim() === '') return '';
  const leading = characters.length - characters.trimStart().length;
  const shown = characters.trim();
  const length = Array.from(shown).length * CELL.width;
  const x = MARGIN + (at + leading) * CELL.width;
  const fill = color ?? (dim ? FAINT : undefined);
  const attributes = [
    `x="${x.toFixed(1)}"`,
    // Fix each run's position, so that columns align in any font.
    `textLength="${length.toFixed(1)}"`,
    ...(fill === undefined ? [] : [`fill="${fill}"`]),
    ...(bold ? ['font-weight="bold"'] : []),
  ];
  return `<tspan ${attributes.join(' ')}>${escaped(shown)}</tspan>`;
}

const escaped = (characters: string) =>
  characters.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const lines = runsOf((await text(process.stdin)).trimEnd());
const columns = Math.max(
  ...lines.map((runs) => runs.reduce((end, run) => Math.max(end, run.at + run.text.trimEnd().length), 0)),
);
const width = Math.ceil(columns * CELL.width + 2 * MARGIN);
const height = lines.length * CELL.height + MARGIN + BAR_HEIGHT + 8;
const rows = lines.map((runs, n) => {
  const y = BAR_HEIGHT + CELL.height * (n + 1);
  const elements = runs.map(elementOf).join('');
  return elements === '' ? '' : `<text y="${y}">${elements}</text>\n`;
});
const buttons = ['#ff5f57', '#febc2e', '#28c840'].map(
  (fill, n) => `<circle cx="${MARGIN + n * 18}" cy="18" r="5.5" fill="${fill}"/>`,
);

process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="A terminal that shows a load by Plimsoll">
<rect width="100%" height="100%" rx="8" fill="${BACKGROUND}"/>
${buttons.join('')}
<g fill="${FOREGROUND}" font-size="${FONT_SIZE}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" xml:space="preserve">
${rows.join('')}</g>
</svg>
`);
