import {
  blur,
  chance,
  type Drawing,
  fade,
  glow,
  grain,
  mix,
  mottle,
  type Random,
  round,
  sheet,
  times,
} from './drawing.ts';

interface Voyage {
  name: string;
  seed: number;
  size: [number, number];
  sky: string[];
  water: string[];
  hull: string;
  /** Draught of the ship, from 0 (empty) to 1 (loaded to her marks). */
  laden: number;
  glint: string;
  smoke: string;
}

const VOYAGES: Voyage[] = [
  {
    name: 'steamer-in-ballast',
    seed: 2,
    size: [720, 480],
    sky: ['#4a90c9', '#b9dcec', '#f3efe2'],
    water: ['#6fa9b9', '#2c6e86', '#12405a'],
    hull: '#1f2a36',
    laden: 0,
    glint: '#ffffff',
    smoke: '#d8d8d8',
  },
  {
    name: 'steamer-half-laden',
    seed: 6,
    size: [720, 480],
    sky: ['#f0b98d', '#f6dcb4', '#fdf3d8'],
    water: ['#d9a77a', '#8a6a6d', '#38415c'],
    hull: '#27394a',
    laden: 0.5,
    glint: '#fff0c9',
    smoke: '#8d7f86',
  },
  {
    name: 'steamer-at-her-marks',
    seed: 13,
    size: [720, 480],
    sky: ['#8fa3b0', '#c4cfd4', '#e6e6dd'],
    water: ['#8ea5a8', '#4e6d75', '#24404a'],
    hull: '#14342b',
    laden: 1,
    glint: '#f2fbff',
    smoke: '#6a6f74',
  },
];

export function drawSea(): Drawing[] {
  return [
    ...VOYAGES.map(drawSteamer),
    drawLoadLine('load-line', 640, 640, '#15191f', '#a3352a'),
    drawLoadLine('load-line-green', 640, 480, '#16463a', '#8f3a2c'),
    drawLighthouse(),
    drawRegatta(),
    drawMoonPath(),
  ];
}

function drawSteamer(voyage: Voyage): Drawing {
  const [width, height] = voyage.size;
  const random = chance(voyage.seed);
  const horizon = height * 0.62;
  const water = horizon + 52;
  const sink = 34 * voyage.laden;
  const deck = water - 74 + sink;
  const hull = `M110 ${deck}L150 ${water + 60}L560 ${water + 60}Q606 ${water + 10} 628 ${deck - 14}L470 ${deck}Z`;
  const porthole = (n: number) =>
    `<circle cx="${190 + n * 30}" cy="${deck + 20}" r="4" fill="#f6e7b0" stroke="#0a0d10" stroke-width="1.5"/>`;
  const mark = `<g transform="translate(392 ${deck + 40})" stroke="#fff" stroke-width="2.6" fill="none"><circle r="11"/><path d="M-18 0H18M28 -14V16M28 -14h10M28 -4h10M28 6h10M28 16h10"/></g>`;
  const cabins = `<path d="M210 ${deck}v-40h190v40ZM240 ${deck - 40}v-28h110v28Z" fill="#f4efe2"/><path d="M210 ${deck - 40}h190v5h-190ZM240 ${deck - 68}h110v5h-110Z" fill="#b9ae97"/>${times(8, (n) => `<rect x="${222 + n * 22}" y="${deck - 28}" width="11" height="12" fill="#33475a"/>`)}${times(4, (n) => `<rect x="${250 + n * 25}" y="${deck - 58}" width="13" height="11" fill="#33475a"/>`)}`;
  const funnel = `<path d="M282 ${deck - 68}l5 -66h38l5 66Z" fill="#c8452f"/><path d="M286 ${deck - 120}l1 -14h38l1 14Z" fill="#16181b"/><path d="M284 ${deck - 98}h44l1 12h-46Z" fill="#f4efe2"/>`;
  const masts = `<path d="M170 ${deck}v-130M500 ${deck}v-140M170 ${deck - 130}L240 ${deck - 68}M500 ${deck - 140}L350 ${deck - 66}M500 ${deck - 140}L600 ${deck - 8}M500 ${deck - 40}l64 -50" stroke="#2b2520" stroke-width="3" fill="none"/>`;
  const puff = (n: number) =>
    `<circle cx="${round(300 - n * 17 + random(-9, 9))}" cy="${round(deck - 146 - n * 7 + random(-8, 8))}" r="${round(13 + n * 3)}" fill="${voyage.smoke}" opacity="${round(7 - n * 0.36) / 10}"/>`;
  const bow = times(
    24,
    () =>
      `<circle cx="${round(random(540, 620))}" cy="${round(random(water - 6, water + 12))}" r="${round(random(2, 8))}" fill="#fff" opacity=".5"/>`,
  );
  const body = `<defs>${fade('sky', voyage.sky)}${fade('water', voyage.water)}${fade('hull', [mix(voyage.hull, '#ffffff', 0.14), voyage.hull])}${blur('soft', 5)}${blur('foam', 2)}${mottle('clouds', voyage.seed, '.004 .013', '#ffffff', { gain: 3.6, floor: 1.7 })}<clipPath id="hull-shape"><path d="${hull}"/></clipPath></defs><rect width="${width}" height="${round(horizon + 2)}" fill="url(#sky)"/><rect width="${width}" height="${round(horizon)}" filter="url(#clouds)" opacity=".75"/><rect y="${round(horizon)}" width="${width}" height="${round(height - horizon)}" fill="url(#water)"/><g filter="url(#soft)">${times(17, puff)}</g>${masts}${funnel}${cabins}<path d="${hull}" fill="url(#hull)"/><g clip-path="url(#hull-shape)"><rect x="90" y="${water - 20 + sink}" width="560" height="120" fill="#9c3325"/><rect x="90" y="${water - 23 + sink}" width="560" height="4" fill="#efe9dc"/></g><path d="M110 ${deck}L470 ${deck}L628 ${deck - 14}" stroke="#efe9dc" stroke-width="4" fill="none"/>${times(6, porthole)}${mark}<path d="M0 ${water}${times(24, (n) => `q15 ${n % 2 ? -5 : 5} 30 0`)}V${height}H0Z" fill="url(#water)"/><g filter="url(#foam)">${bow}</g>${drawGlints(random, width, horizon, height, voyage.glint, water)}${grain(voyage.seed)}`;
  return { name: `sea/${voyage.name}`, width, height, svg: sheet(width, height, body) };
}

/** Short strokes of light, longer and thicker towards the viewer; none on the ship. */
function drawGlints(
  random: Random,
  width: number,
  horizon: number,
  height: number,
  colour: string,
  from = horizon,
): string {
  return times(230, () => {
    const near = random(0, 1);
    const y = from + 6 + near ** 1.4 * (height - from);
    const long = 5 + near * 44 * random(0.3, 1);
    return `<ellipse cx="${round(random(0, width))}" cy="${round(y)}" rx="${round(long)}" ry="${round(0.7 + near * 1.7)}" fill="${random(0, 1) < 0.55 ? colour : '#0b2a3c'}" opacity="${round(random(0.1, 0.42) * 10) / 10}"/>`;
  });
}

/** The Plimsoll mark: a ring with a line through it, and the load lines of the seasons beside it. */
function drawLoadLine(name: string, width: number, height: number, hull: string, bottom: string): Drawing {
  const random = chance(width + height);
  const [x, y, ring] = [width * 0.38, height * 0.35, Math.min(width, height) * 0.17];
  const stroke = ring * 0.2;
  const water = height * 0.74;
  const seams =
    times(
      4,
      (n) =>
        `<path d="M0 ${round(height * (0.12 + n * 0.21))}H${width}" stroke="#000" stroke-opacity=".35" stroke-width="2"/>`,
    ) +
    times(
      4,
      (n) =>
        `<path d="M${round(width * (0.08 + n * 0.3))} 0V${height}" stroke="#000" stroke-opacity=".25" stroke-width="2"/>`,
    );
  const rivets = times(4, (row) =>
    times(
      Math.floor(width / 16),
      (n) =>
        `<circle cx="${n * 16 + 8}" cy="${round(height * (0.12 + row * 0.21) - 7)}" r="2.4" fill="#fff" opacity=".16"/>`,
    ),
  );
  const rust = times(
    26,
    () =>
      `<rect x="${round(random(0, width))}" y="${round(random(0, height * 0.7))}" width="${round(random(2, 6))}" height="${round(random(30, 160))}" rx="3" fill="#8a4a22" opacity="${round(random(0.1, 0.5) * 10) / 10}"/>`,
  );
  const ladderX = x + ring * 2.1;
  const rungs = [-1.1, -0.62, -0.2, 0.2, 0.62]
    .map((at, n) => `M${round(ladderX)} ${round(y + at * ring)}h${round(n < 2 ? -ring * 0.62 : ring * 0.72)}`)
    .join('');
  const paint = `<g stroke="#f4f1e6" fill="none"><circle cx="${round(x)}" cy="${round(y)}" r="${round(ring)}" stroke-width="${round(stroke)}"/><path d="M${round(x - ring * 1.62)} ${round(y)}H${round(x + ring * 1.62)}M${round(x - ring * 0.5)} ${round(y - ring * 1.62)}h${round(ring)}" stroke-width="${round(stroke)}"/><path d="M${round(ladderX)} ${round(y - ring * 1.19)}V${round(y + ring * 0.71)}${rungs}" stroke-width="${round(stroke * 0.72)}"/></g>`;
  const foam = times(
    70,
    () =>
      `<ellipse cx="${round(random(0, width))}" cy="${round(water + random(-5, 12))}" rx="${round(random(6, 26))}" ry="${round(random(1, 4))}" fill="#fff" opacity="${round(random(0.2, 0.6) * 10) / 10}"/>`,
  );
  const body = `<defs>${fade('hull', [mix(hull, '#ffffff', 0.2), hull, mix(hull, '#000000', 0.25)])}${fade('water', ['#5f9aa6', '#1f5a70', '#0a2c40'])}${blur('soft', 2.5)}${mottle('wear', 5, '.02 .008', '#000000', { gain: 3, floor: 1.4 })}</defs><rect width="${width}" height="${height}" fill="url(#hull)"/><rect y="${round(height * 0.63)}" width="${width}" height="${height}" fill="${bottom}"/><rect y="${round(height * 0.615)}" width="${width}" height="${round(height * 0.015)}" fill="#efe9dc"/>${seams}${rivets}${paint}<g filter="url(#soft)">${rust}</g><rect width="${width}" height="${height}" filter="url(#wear)" opacity=".38"/><path d="M0 ${round(water)}${times(Math.ceil(width / 40), (n) => `q20 ${n % 2 ? -9 : 9} 40 0`)}V${height}H0Z" fill="url(#water)" opacity=".94"/><g filter="url(#soft)">${foam}</g>${drawGlints(random, width, water, height, '#dff6ff', water + 8)}${grain(5, 0.12)}`;
  return { name: `sea/${name}`, width, height, svg: sheet(width, height, body) };
}

function drawLighthouse(): Drawing {
  const [width, height, random] = [480, 640, chance(44)] as const;
  const bands = times(
    3,
    (n) =>
      `<path d="M${round(206 - n * 4.8)} ${238 + n * 76}h${round(66 + n * 9.6)}l2.4 38h${-round(70.8 + n * 9.6)}Z" fill="#c23b2e"/>`,
  );
  const rocks = times(
    16,
    (n) =>
      `<path d="M${n * 34 - 40} 560l${round(random(12, 34))} ${-round(random(26, 80))}l${round(random(20, 40))} ${round(random(10, 30))}l${round(random(14, 40))} 80Z" fill="${mix('#2c2a33', '#5b5560', random(0, 1))}"/>`,
  );
  const body = `<defs>${fade('sky', ['#27345f', '#6a5a8c', '#e59a86', '#fbd7a4'])}${fade('water', ['#c48d8b', '#4d4d78', '#1a2347'])}${glow('lamp', '#fff3bf')}${blur('soft', 9)}<linearGradient id="tower" x1="0" x2="1"><stop offset="0" stop-color="#fff7ea"/><stop offset=".55" stop-color="#efe2d3"/><stop offset="1" stop-color="#a08f92"/></linearGradient>${mottle('clouds', 3, '.005 .014', '#ffd9c2', { gain: 3.6, floor: 1.8 })}</defs><rect width="480" height="640" fill="url(#sky)"/><rect width="480" height="480" filter="url(#clouds)" opacity=".8"/><rect y="470" width="480" height="170" fill="url(#water)"/><path d="M240 172L-80 60v130ZM240 172L560 60v130Z" fill="#fff3bf" opacity=".42" filter="url(#soft)"/>${rocks}<path d="M208 200h62l22 300h-106Z" fill="url(#tower)"/>${bands}<path d="M196 190h86v12h-86Z" fill="#2a2530"/><rect x="214" y="150" width="50" height="40" fill="#fff0b0"/><path d="M214 150v40M231 150v40M247 150v40M264 150v40" stroke="#2a2530" stroke-width="4"/><path d="M206 152L239 118L272 152Z" fill="#8f2a22"/><circle cx="239" cy="170" r="120" fill="url(#lamp)"/><path d="M0 552${times(16, (n) => `q15 ${n % 2 ? -6 : 6} 30 0`)}V640H0Z" fill="url(#water)"/>${drawGlints(random, width, 550, height, '#ffe2c0', 556)}${grain(44)}`;
  return { name: 'sea/lighthouse', width, height, svg: sheet(width, height, body) };
}

function drawRegatta(): Drawing {
  const [width, height, random] = [640, 480, chance(51)] as const;
  const boat = (x: number, y: number, size: number, sail: string) =>
    `<g transform="translate(${x} ${y}) scale(${size})"><path d="M-30 0h64l-12 14h-42Z" fill="#f7f3ea"/><path d="M-30 0h64l-3 4h-59Z" fill="#27466b"/><path d="M0 -2V-92" stroke="#5b4330" stroke-width="2.5"/><path d="M3 -90Q36 -46 34 -8H3Z" fill="${sail}"/><path d="M-3 -80Q-24 -40 -27 -8H-3Z" fill="#fffdf6"/><path d="M-26 18h52l-20 34q-8 6 -14 0Z" fill="${sail}" opacity=".22"/></g>`;
  const body = `<defs>${fade('sky', ['#3c8fd6', '#a8d8ee', '#eef7ee'])}${fade('water', ['#7cc7cf', '#2b8fa8', '#0d5a7d'])}${mottle('clouds', 21, '.006 .014', '#ffffff', { gain: 5, floor: 2.5 })}</defs><rect width="640" height="240" fill="url(#sky)"/><rect width="640" height="230" filter="url(#clouds)"/><path d="M0 236Q90 190 190 222T380 214T640 232V244H0Z" fill="#7da6a5"/><rect y="238" width="640" height="242" fill="url(#water)"/>${drawGlints(random, width, 240, height, '#ffffff')}${boat(120, 268, 0.5, '#e2583e')}${boat(230, 262, 0.4, '#f2b134')}${boat(540, 274, 0.6, '#3d7ea6')}${boat(390, 318, 1, '#f2b134')}${boat(190, 380, 1.5, '#d9433a')}${grain(51)}`;
  return { name: 'sea/regatta', width, height, svg: sheet(width, height, body) };
}

function drawMoonPath(): Drawing {
  const [width, height, random] = [720, 405, chance(63)] as const;
  const path = times(150, () => {
    const near = random(0, 1);
    return `<ellipse cx="${round(470 + random(-1, 1) * (16 + near * 90))}" cy="${round(212 + near * 190)}" rx="${round(4 + near * 26)}" ry="${round(0.8 + near * 1.8)}" fill="#f5efcf" opacity="${round(random(0.2, 0.9) * 10) / 10}"/>`;
  });
  const body = `<defs>${fade('sky', ['#060b1d', '#13254a', '#34507c'])}${fade('water', ['#2b4670', '#0f2144', '#050b1c'])}${glow('moon', '#f5efcf', 0.9)}${mottle('clouds', 30, '.005 .016', '#7f93b8', { gain: 3, floor: 1.5 })}</defs><rect width="720" height="210" fill="url(#sky)"/><circle cx="470" cy="96" r="210" fill="url(#moon)"/><circle cx="470" cy="96" r="30" fill="#fffbe6"/><rect width="720" height="206" filter="url(#clouds)" opacity=".7"/><rect y="206" width="720" height="200" fill="url(#water)"/>${drawGlints(random, width, 206, height, '#8fb0d8')}${path}<path d="M90 214h130l-14 16h-96ZM120 214v-20h50v20ZM140 194l2 -22h12l2 22Z" fill="#04070f"/><circle cx="128" cy="203" r="2" fill="#ffd36b"/><circle cx="112" cy="211" r="1.6" fill="#ff6b5a"/>${grain(63)}`;
  return { name: 'sea/moon-path', width, height, svg: sheet(width, height, body) };
}
