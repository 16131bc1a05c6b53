import {
  ball,
  blur,
  chance,
  type Drawing,
  fade,
  grain,
  mix,
  mottle,
  type Random,
  round,
  sheet,
  times,
} from './drawing.ts';

interface Citrus {
  skin: string;
  pith: string;
  flesh: string;
  deep: string;
}

const ORANGE: Citrus = { skin: '#f08a1d', pith: '#fff1d6', flesh: '#ffb347', deep: '#f27d16' };
const LEMON: Citrus = { skin: '#f3cf1f', pith: '#fffbe0', flesh: '#fff08a', deep: '#efc83a' };
const LIME: Citrus = { skin: '#4f9a2c', pith: '#f1f9d8', flesh: '#c4e57a', deep: '#84b83c' };
const GRAPEFRUIT: Citrus = { skin: '#f2a65a', pith: '#fff0e2', flesh: '#f78f86', deep: '#d94f4f' };

export function drawFruit(): Drawing[] {
  return [
    plate('orange', 600, 600, '#2f5d73', (random) => drawSlice(random, ORANGE, 300, 300, 220)),
    plate(
      'lemons',
      640,
      480,
      '#e9a9a0',
      (random) =>
        drawSlice(random, LEMON, 190, 190, 130) +
        drawSlice(random, LEMON, 450, 280, 155) +
        drawSlice(random, LEMON, 160, 410, 90),
    ),
    plate(
      'citrus',
      720,
      480,
      '#efe7da',
      (random) =>
        drawSlice(random, ORANGE, 160, 160, 115) +
        drawSlice(random, LIME, 370, 130, 80) +
        drawSlice(random, GRAPEFRUIT, 570, 190, 140) +
        drawSlice(random, LEMON, 290, 350, 100) +
        drawSlice(random, LIME, 110, 380, 75) +
        drawSlice(random, ORANGE, 490, 400, 90),
    ),
    plate('kiwi', 600, 600, '#f3d9b5', drawKiwi),
    plate('watermelon', 640, 480, '#8fd0cf', drawWatermelon),
    plate('blueberries', 640, 480, '#f4efe8', drawBlueberries),
    plate('cherries', 480, 640, '#cfe3da', drawCherries),
    drawApple(),
  ];
}

/** Fruit on a painted table, lit from the upper left. */
function plate(name: string, width: number, height: number, table: string, draw: (random: Random) => string): Drawing {
  const seed = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
  const body = `<defs>${fade('table', [mix(table, '#ffffff', 0.22), mix(table, '#000000', 0.14)])}${blur('shadow', 12)}${mottle('paint', seed, '.03 .004', '#000000', { gain: 2, floor: 0.95 })}</defs><rect width="${width}" height="${height}" fill="url(#table)"/><rect width="${width}" height="${height}" filter="url(#paint)" opacity=".22"/>${draw(chance(seed))}${grain(seed)}`;
  return { name: `fruit/${name}`, width, height, svg: sheet(width, height, body) };
}

const shadowOf = (x: number, y: number, radius: number): string =>
  `<ellipse cx="${round(x + radius * 0.12)}" cy="${round(y + radius * 0.16)}" rx="${round(radius)}" ry="${round(radius)}" fill="#000" opacity=".38" filter="url(#shadow)"/>`;

function drawSlice(random: Random, citrus: Citrus, x: number, y: number, radius: number): string {
  const id = `c${Math.round(x)}-${Math.round(y)}`;
  const [parts, turn] = [10, random(0, 36)];
  const segment = (n: number) => {
    const [from, to, inner, outer] = [
      (n * 6.2832) / parts + 0.06,
      ((n + 1) * 6.2832) / parts - 0.06,
      radius * 0.09,
      radius * 0.84,
    ];
    const point = (angle: number, far: number) => `${round(Math.cos(angle) * far)} ${round(Math.sin(angle) * far)}`;
    const cells = times(16, () => {
      const [angle, far] = [random(from + 0.08, to - 0.08), random(radius * 0.25, radius * 0.72)];
      const long = radius * random(0.05, 0.13);
      return `<path d="M${point(angle, far)}L${point(angle + random(-0.03, 0.03), far + long)}" stroke="${mix(citrus.flesh, '#ffffff', random(0, 0.7))}" stroke-width="${round(radius * 0.016)}" stroke-linecap="round" opacity=".8"/>`;
    });
    return `<path d="M${point((from + to) / 2, inner)}L${point(from, outer * 0.9)}Q${point(from, outer)} ${point(from + 0.1, outer)}A${round(outer)} ${round(outer)} 0 0 1 ${point(to - 0.1, outer)}Q${point(to, outer)} ${point(to, outer * 0.9)}Z" fill="url(#${id})"/>${cells}`;
  };
  const shade = `<radialGradient id="${id}" gradientUnits="userSpaceOnUse" cx="0" cy="0" r="${radius}"><stop offset=".1" stop-color="${mix(citrus.flesh, '#ffffff', 0.3)}"/><stop offset=".6" stop-color="${citrus.flesh}"/><stop offset=".9" stop-color="${citrus.deep}"/></radialGradient>`;
  return `${shadowOf(x, y, radius)}<g transform="translate(${x} ${y}) rotate(${round(turn)})"><defs>${shade}</defs><circle r="${radius}" fill="${citrus.skin}"/><circle r="${round(radius * 0.93)}" fill="${citrus.pith}"/>${times(parts, segment)}</g>`;
}

function drawKiwi(random: Random): string {
  const ray = (n: number) =>
    `<path d="M0 0L${round(Math.cos(n / 6.5) * 205)} ${round(Math.sin(n / 6.5) * 205)}" stroke="${n % 2 ? '#d9f07a' : '#5f9a1e'}" stroke-width="${round(random(2, 6))}" opacity=".35"/>`;
  const seed = (n: number) => {
    const [angle, far] = [n * 2.39996, random(72, 122)];
    const [x, y] = [round(Math.cos(angle) * far), round(Math.sin(angle) * far)];
    return `<ellipse cx="${x}" cy="${y}" rx="8" ry="4" fill="#1c1712" transform="rotate(${round((angle * 180) / Math.PI)} ${x} ${y})"/><circle cx="${x - 1}" cy="${y - 1.5}" r="1.4" fill="#fff" opacity=".7"/>`;
  };
  const shade =
    '<radialGradient id="kiwi"><stop offset="0" stop-color="#f6f5c8"/><stop offset=".2" stop-color="#f0f2b0"/><stop offset=".34" stop-color="#8fc53a"/><stop offset=".8" stop-color="#6fae22"/><stop offset="1" stop-color="#a6cf57"/></radialGradient>';
  return `${shadowOf(300, 300, 232)}<g transform="translate(300 300)"><defs>${shade}</defs><circle r="234" fill="#6b4a2b"/><circle r="222" fill="#c6dc84"/><circle r="214" fill="url(#kiwi)"/>${times(41, ray)}<ellipse rx="52" ry="44" fill="#f7f4cf"/>${times(64, seed)}</g>`;
}

function drawWatermelon(random: Random): string {
  const seed = () => {
    const [angle, far] = [random(0.35, 2.8), random(70, 190)];
    const [x, y] = [round(320 + Math.cos(angle) * far), round(120 + Math.sin(angle) * far)];
    return `<ellipse cx="${x}" cy="${y}" rx="4.5" ry="8" fill="#26130f" transform="rotate(${round((angle * 180) / Math.PI - 90)} ${x} ${y})"/>`;
  };
  const half = (radius: number, fill: string) =>
    `<path d="M${320 - radius} 120A${radius} ${radius} 0 0 0 ${320 + radius} 120Z" fill="${fill}"/>`;
  const rind = times(
    15,
    (n) =>
      `<path d="M${round(320 + Math.cos(0.15 + n * 0.2) * 270)} ${round(120 + Math.sin(0.15 + n * 0.2) * 270)}l${round(Math.cos(0.15 + n * 0.2) * 11)} ${round(Math.sin(0.15 + n * 0.2) * 11)}" stroke="#16481f" stroke-width="12" stroke-linecap="round"/>`,
  );
  return `<g transform="rotate(-12 320 240)"><g opacity=".38" filter="url(#shadow)" transform="translate(14 24)">${half(288, '#000000')}</g><defs>${fade('melon', ['#ff6f68', '#f24b4f', '#e8353f'])}</defs>${half(288, '#2f7a35')}${rind}${half(262, '#e9f3cf')}${half(244, 'url(#melon)')}${times(34, seed)}</g>`;
}

function drawBlueberries(random: Random): string {
  const berry = (n: number) => {
    const [x, y, radius] = [round(random(20, 620)), round(random(20, 460)), random(40, 58)];
    const star = times(
      5,
      (k) =>
        `<path d="M0 0L${round(Math.cos(k * 1.2566 - 0.3) * radius * 0.32)} ${round(Math.sin(k * 1.2566 - 0.3) * radius * 0.32)}L${round(Math.cos(k * 1.2566 + 0.3) * radius * 0.26)} ${round(Math.sin(k * 1.2566 + 0.3) * radius * 0.26)}Z" fill="#141c3a"/>`,
    );
    return `${n % 2 ? '' : shadowOf(x, y, radius)}<circle cx="${x}" cy="${y}" r="${round(radius)}" fill="url(#berry)"/><circle cx="${x}" cy="${y}" r="${round(radius)}" fill="url(#bloom)" opacity="${round(random(0.2, 0.7) * 10) / 10}"/><g transform="translate(${round(x + random(-14, 14))} ${round(y + random(-14, 14))}) rotate(${round(random(0, 72))})"><circle r="${round(radius * 0.24)}" fill="#1d2750"/>${star}</g>`;
  };
  const leaf = (x: number, y: number, turn: number) =>
    `<path d="M0 0Q50 -44 118 0Q50 40 0 0ZM0 0H112" fill="#5d9a4a" stroke="#2f5f2b" stroke-width="2" transform="translate(${x} ${y}) rotate(${turn})"/>`;
  return `<defs>${ball('berry', '#8fa3dc', '#3f55a0', '#18224d')}${ball('bloom', '#dfe8ff', '#8fa6d8', '#2a3670')}</defs>${times(54, berry)}${leaf(300, 230, -20)}${leaf(310, 240, 60)}${leaf(120, 390, -50)}`;
}

function drawCherries(): string {
  const cherry = (x: number, y: number, radius: number) =>
    `${shadowOf(x, y, radius)}<circle cx="${x}" cy="${y}" r="${radius}" fill="url(#cherry)"/><ellipse cx="${round(x - radius * 0.36)}" cy="${round(y - radius * 0.42)}" rx="${round(radius * 0.2)}" ry="${round(radius * 0.12)}" fill="#fff" opacity=".8" transform="rotate(-30 ${round(x - radius * 0.36)} ${round(y - radius * 0.42)})"/><path d="M${round(x - radius * 0.26)} ${round(y - radius * 0.88)}q${round(radius * 0.26)} ${round(radius * 0.24)} ${round(radius * 0.52)} 0" stroke="#4a0610" stroke-width="4" fill="none"/>`;
  const leaf =
    '<path d="M250 100Q330 20 450 70Q370 170 250 100Z" fill="#4f9a44"/><path d="M250 100Q350 90 440 72M300 94l24 -30M340 90l28 -32M310 96l30 26M350 90l30 20" stroke="#2c6a2c" stroke-width="3" fill="none"/>';
  return `<defs>${ball('cherry', '#ff7a7a', '#c9152b', '#54030f')}</defs><path d="M250 100Q180 240 150 380M250 100Q300 260 330 430" stroke="#6b8a34" stroke-width="8" fill="none"/>${leaf}${cherry(150, 450, 96)}${cherry(336, 500, 104)}`;
}

/** A cut-out on a transparent background, the picture with alpha. */
function drawApple(): Drawing {
  const [width, height, random] = [480, 480, chance(77)] as const;
  const outline =
    'M240 130C180 80 70 110 70 230C70 350 150 440 200 430C225 425 255 425 280 430C330 440 410 350 410 230C410 110 300 80 240 130Z';
  const fleck = () =>
    `<circle cx="${round(random(90, 390))}" cy="${round(random(120, 420))}" r="${round(random(0.8, 2.2))}" fill="#ffe7a8" opacity=".7"/>`;
  const streak = () =>
    `<path d="M240 140Q${round(random(60, 420))} ${round(random(180, 300))} ${round(random(170, 310))} 428" stroke="#8e1320" stroke-width="${round(random(2, 8))}" fill="none" opacity=".16"/>`;
  const body = `<defs><radialGradient id="apple" cx=".34" cy=".32" r=".8"><stop offset="0" stop-color="#ff9d7a"/><stop offset=".35" stop-color="#e2352f"/><stop offset=".8" stop-color="#9c1220"/><stop offset="1" stop-color="#6b0a16"/></radialGradient><clipPath id="skin"><path d="${outline}"/></clipPath>${blur('soft', 9)}</defs><ellipse cx="245" cy="432" rx="120" ry="14" fill="#000" opacity=".35" filter="url(#soft)"/><path d="${outline}" fill="url(#apple)"/><g clip-path="url(#skin)">${times(30, streak)}${times(130, fleck)}<ellipse cx="240" cy="134" rx="80" ry="26" fill="#4a0a12" opacity=".55" filter="url(#soft)"/><ellipse cx="150" cy="200" rx="34" ry="56" fill="#fff" opacity=".4" filter="url(#soft)" transform="rotate(20 150 200)"/></g><path d="M240 140Q236 90 262 56" stroke="#5a3a1e" stroke-width="11" stroke-linecap="round" fill="none"/><path d="M254 92Q310 36 384 66Q340 128 254 92Z" fill="#5fa544"/><path d="M258 91Q320 82 376 68" stroke="#35702c" stroke-width="3" fill="none"/>`;
  return { name: 'fruit/apple', width, height, svg: sheet(width, height, body) };
}
