import { chance, type Drawing, grain, mix, mottle, round, sheet, times } from './drawing.ts';

export function drawFabrics(): Drawing[] {
  return [
    tartan('tartan-red', 600, 600, '#a31621', [
      ['#16233f', 46],
      ['#0f3d2e', 30],
      ['#f2c230', 4],
      ['#f4efe6', 4],
    ]),
    tartan('tartan-green', 640, 480, '#1d4d3a', [
      ['#14284b', 52],
      ['#0d1b2a', 24],
      ['#d8c27a', 4],
      ['#b3292e', 5],
    ]),
    tartan('tartan-sand', 480, 640, '#d6c3a1', [
      ['#7a4a2b', 34],
      ['#a8835a', 40],
      ['#2d3a4b', 5],
      ['#f6efe2', 8],
    ]),
    gingham(),
    stripes(),
    herringbone(),
  ];
}

/** Threads over the whole picture, which make flat colour look woven. */
function weave(width: number, height: number, seed: number, strength: number): string {
  return `<defs><pattern id="twill" width="6" height="6" patternUnits="userSpaceOnUse"><path d="M-1 1l2 -2M0 6l6 -6M5 7l2 -2" stroke="#000" stroke-width="1.6" stroke-opacity="${strength}"/><path d="M-1 4l5 -5M2 7l5 -5" stroke="#fff" stroke-width="1" stroke-opacity="${strength * 0.6}"/></pattern>${mottle('worn', seed, '.006', '#000000', { gain: 2.4, floor: 1.1 })}</defs><rect width="${width}" height="${height}" fill="url(#twill)"/><rect width="${width}" height="${height}" filter="url(#worn)" opacity=".28"/>${grain(seed, 0.14)}`;
}

function tartan(
  name: string,
  width: number,
  height: number,
  ground: string,
  sett: [colour: string, width: number][],
): Drawing {
  const repeat = 160;
  let at = 14;
  const bands = sett.map(([colour, wide], n) => {
    const from = at;
    at += wide + 10 + n * 4;
    return { colour, wide, from };
  });
  const lines = (turned: boolean) =>
    times(Math.ceil((turned ? height : width) / repeat), (n) =>
      bands
        .map(({ colour, wide, from }) =>
          turned
            ? `<rect y="${n * repeat + from}" width="${width}" height="${wide}" fill="${colour}" opacity=".55"/>`
            : `<rect x="${n * repeat + from}" width="${wide}" height="${height}" fill="${colour}" opacity=".72"/>`,
        )
        .join(''),
    );
  return {
    name: `fabric/${name}`,
    width,
    height,
    svg: sheet(
      width,
      height,
      `<rect width="${width}" height="${height}" fill="${ground}"/>${lines(false)}${lines(true)}${weave(width, height, 4, 0.2)}`,
    ),
  };
}

function gingham(): Drawing {
  const [width, height, cell] = [480, 480, 40];
  const bars = times(
    6,
    (n) =>
      `<rect x="${n * cell * 2}" width="${cell}" height="${height}" fill="#2f6db5" opacity=".55"/><rect y="${n * cell * 2}" width="${width}" height="${cell}" fill="#2f6db5" opacity=".55"/>`,
  );
  return {
    name: 'fabric/gingham',
    width,
    height,
    svg: sheet(
      width,
      height,
      `<rect width="${width}" height="${height}" fill="#f7f8fa"/>${bars}${weave(width, height, 7, 0.1)}`,
    ),
  };
}

/** A deckchair's canvas, with folds. */
function stripes(): Drawing {
  const [width, height, random] = [640, 480, chance(18)] as const;
  const colours = ['#f3e9d6', '#d9573f', '#f3e9d6', '#2a7f8e', '#f3e9d6', '#f0b03f'];
  let x = 0;
  let bars = '';
  for (let n = 0; x < width; n++) {
    const wide = random(26, 60);
    bars += `<rect x="${round(x)}" width="${round(wide + 1)}" height="${height}" fill="${colours[n % colours.length]}"/>`;
    x += wide;
  }
  const folds = times(
    5,
    (n) =>
      `<rect x="${n * 140 - 60}" width="150" height="${height}" fill="url(#fold)" opacity="${round(random(0.3, 0.7) * 10) / 10}"/>`,
  );
  const fold =
    '<linearGradient id="fold"><stop offset="0" stop-color="#000" stop-opacity="0"/><stop offset=".45" stop-color="#000" stop-opacity=".45"/><stop offset=".55" stop-color="#fff" stop-opacity=".35"/><stop offset="1" stop-color="#fff" stop-opacity="0"/></linearGradient>';
  return {
    name: 'fabric/deckchair',
    width,
    height,
    svg: sheet(width, height, `<defs>${fold}</defs>${bars}${folds}${weave(width, height, 18, 0.13)}`),
  };
}

function herringbone(): Drawing {
  const [width, height, random] = [640, 480, chance(26)] as const;
  const [columns, wide, high] = [10, 64, 14];
  const rib = (column: number) =>
    times(Math.ceil(height / high) + 6, (n) => {
      const [x, y] = [column * wide, n * high - 40];
      const slope = column % 2 ? 32 : -32;
      const colour = mix(n % 2 ? '#6b6257' : '#d8cfc0', '#2b2622', random(0, 0.18));
      return `<path d="M${x} ${y}l${wide} ${slope}v${high}l${-wide} ${-slope}Z" fill="${colour}"/>`;
    });
  return {
    name: 'fabric/herringbone',
    width,
    height,
    svg: sheet(
      width,
      height,
      `<rect width="${width}" height="${height}" fill="#6b6257"/>${times(columns, rib)}${weave(width, height, 26, 0.16)}`,
    ),
  };
}
