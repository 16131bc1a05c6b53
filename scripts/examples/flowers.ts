import {
  ball,
  blur,
  chance,
  type Drawing,
  fade,
  glow,
  grain,
  mix,
  type Random,
  round,
  sheet,
  times,
} from './drawing.ts';

interface Bloom {
  petals: number;
  rings: number;
  /** Width of a petal, relative to the bloom's radius. */
  wide: number;
  inner: string;
  outer: string;
  heart: string;
  heartSize: number;
  pointed?: boolean;
}

const DAISY: Bloom = {
  petals: 22,
  rings: 2,
  wide: 0.11,
  inner: '#e8e6f2',
  outer: '#ffffff',
  heart: '#f2b01e',
  heartSize: 0.25,
};
const SUNFLOWER: Bloom = {
  petals: 26,
  rings: 2,
  wide: 0.12,
  inner: '#e08a10',
  outer: '#ffcf2f',
  heart: '#4a2a12',
  heartSize: 0.42,
  pointed: true,
};
const DAHLIA: Bloom = {
  petals: 20,
  rings: 6,
  wide: 0.16,
  inner: '#7d123f',
  outer: '#f0679a',
  heart: '#5d0d2e',
  heartSize: 0.1,
  pointed: true,
};
const POPPY: Bloom = {
  petals: 5,
  rings: 2,
  wide: 0.52,
  inner: '#7a0e12',
  outer: '#ef3b2c',
  heart: '#1c1616',
  heartSize: 0.17,
};
const ASTER: Bloom = {
  petals: 30,
  rings: 2,
  wide: 0.075,
  inner: '#5b3fa0',
  outer: '#a78be6',
  heart: '#f4c430',
  heartSize: 0.24,
};
const WATER_LILY: Bloom = {
  petals: 12,
  rings: 4,
  wide: 0.2,
  inner: '#f08fb5',
  outer: '#fff0f6',
  heart: '#f5c542',
  heartSize: 0.16,
  pointed: true,
};

export function drawFlowers(): Drawing[] {
  return [
    still('daisy', 600, 600, 3, DAISY, ['#7fae5b', '#33632f'], [[300, 300, 235]]),
    still(
      'daisies',
      720,
      480,
      5,
      DAISY,
      ['#9cc46f', '#3d7038'],
      [
        [170, 180, 120],
        [430, 150, 95],
        [600, 330, 130],
        [330, 350, 140],
        [90, 400, 80],
      ],
    ),
    still('sunflower', 480, 640, 8, SUNFLOWER, ['#6fb1e8', '#cfe6f2'], [[240, 280, 215]]),
    still('dahlia', 600, 600, 10, DAHLIA, ['#2c3b33', '#101a16'], [[300, 300, 260]]),
    still(
      'poppies',
      720,
      480,
      14,
      POPPY,
      ['#c9d98a', '#6f8f3f'],
      [
        [200, 210, 150],
        [500, 170, 120],
        [420, 380, 140],
        [80, 400, 95],
      ],
    ),
    still(
      'asters',
      640,
      480,
      19,
      ASTER,
      ['#5d7a4f', '#26382a'],
      [
        [180, 160, 125],
        [440, 200, 145],
        [250, 370, 110],
        [580, 400, 95],
      ],
    ),
    still('water-lily', 640, 480, 25, WATER_LILY, ['#2f6f73', '#0d2f3a'], [[320, 250, 200]]),
    drawLavender(),
  ];
}

/** Blooms before a background that is out of focus. */
function still(
  name: string,
  width: number,
  height: number,
  seed: number,
  bloom: Bloom,
  ground: string[],
  at: [number, number, number][],
): Drawing {
  const random = chance(seed);
  const light = () =>
    `<circle cx="${round(random(0, width))}" cy="${round(random(0, height))}" r="${round(random(20, 70))}" fill="${mix(ground[0] as string, '#ffffff', random(0.1, 0.5))}" opacity="${round(random(0.1, 0.4) * 10) / 10}"/>`;
  const blade = () => {
    const [x, sway] = [random(0, width), random(-80, 80)];
    return `<path d="M${round(x)} ${height}Q${round(x)} ${round(height * 0.7)} ${round(x + sway)} ${round(height * random(0.2, 0.6))}Q${round(x + 14)} ${round(height * 0.7)} ${round(x + 16)} ${height}Z" fill="${mix(ground[1] as string, '#000000', random(0, 0.35))}" opacity=".6"/>`;
  };
  const stems = at
    .map(
      ([x, y]) =>
        `<path d="M${x} ${y}Q${x + 16} ${round((y + height) / 2)} ${x - 8} ${height + 10}" stroke="${mix(ground[1] as string, '#9fc96a', 0.35)}" stroke-width="10" fill="none"/>`,
    )
    .join('');
  const blooms = at.map(([x, y, radius], n) => drawBloom(random, bloom, x, y, radius, n)).join('');
  const body = `<defs>${fade('ground', ground)}${blur('far', 16)}${blur('near', 3)}${blur('shadow', 9)}${glow('sheen', '#ffffff', 0.35)}</defs><rect width="${width}" height="${height}" fill="url(#ground)"/><g filter="url(#far)">${times(26, light)}</g><g filter="url(#near)">${times(26, blade)}</g>${stems}${blooms}<circle cx="${width * 0.2}" cy="0" r="${width * 0.6}" fill="url(#sheen)"/>${grain(seed)}`;
  return { name: `flowers/${name}`, width, height, svg: sheet(width, height, body) };
}

function drawBloom(random: Random, bloom: Bloom, x: number, y: number, radius: number, n: number): string {
  const ring = (k: number) => {
    const part = bloom.rings === 1 ? 0 : k / (bloom.rings - 1);
    const reach = radius * (1 - part * (bloom.rings > 2 ? 0.72 : 0.14));
    const id = `p${n}-${k}`;
    const colour = mix(bloom.outer, bloom.inner, part * (bloom.rings > 2 ? 0.55 : 0.12));
    const shade = `<linearGradient id="${id}" x1="0" y1="1" x2="0" y2="0"><stop offset="0" stop-color="${bloom.inner}"/><stop offset=".45" stop-color="${mix(bloom.inner, colour, 0.75)}"/><stop offset="1" stop-color="${colour}"/></linearGradient>`;
    const half = radius * bloom.wide * (1 - part * 0.35);
    const outline = bloom.pointed
      ? `M0 0C${-half} ${-reach * 0.35} ${-half} ${-reach * 0.72} 0 ${-reach}C${half} ${-reach * 0.72} ${half} ${-reach * 0.35} 0 0Z`
      : `M0 0C${-half * 0.7} ${-reach * 0.3} ${-half * 1.5} ${-reach} 0 ${-reach}C${half * 1.5} ${-reach} ${half * 0.7} ${-reach * 0.3} 0 0Z`;
    const shape = outline.replace(/-?\d+\.\d+/g, (value) => String(round(Number(value))));
    const turn = (k % 2) * (180 / bloom.petals) + random(-4, 4);
    const petals = times(
      bloom.petals,
      (m) =>
        `<path d="${shape}" transform="rotate(${round((360 * m) / bloom.petals + turn + random(-3, 3))}) scale(${round(random(0.9, 1.03) * 100) / 100})" fill="url(#${id})" stroke="${mix(bloom.inner, '#000000', 0.25)}" stroke-opacity=".22"/>`,
    );
    return `<defs>${shade}</defs>${petals}`;
  };
  const heart = radius * bloom.heartSize;
  const seeds = times(Math.round(heart * 2.2), (m) => {
    const far = heart * 0.94 * Math.sqrt(m / (heart * 2.2));
    return `<circle cx="${round(Math.cos(m * 2.39996) * far)}" cy="${round(Math.sin(m * 2.39996) * far)}" r="${round(1 + heart / 40)}" fill="${mix(bloom.heart, m % 3 ? '#ffffff' : '#000000', 0.28)}"/>`;
  });
  return `<circle cx="${x + 10}" cy="${y + 16}" r="${round(radius * 0.9)}" fill="#000" opacity=".32" filter="url(#shadow)"/><g transform="translate(${x} ${y})">${times(bloom.rings, ring)}<defs>${ball(`heart${n}`, mix(bloom.heart, '#ffffff', 0.35), bloom.heart, mix(bloom.heart, '#000000', 0.45))}</defs><circle r="${round(heart)}" fill="url(#heart${n})"/>${seeds}</g>`;
}

/** Rows that converge in the distance. */
function drawLavender(): Drawing {
  const [width, height, random] = [720, 480, chance(30)] as const;
  const tuft = (n: number) => {
    const depth = (n / 1500) ** 1.5;
    const row = Math.floor(random(-9, 10));
    const y = 205 + depth * 290;
    const x = 360 + row * (9 + depth * 150) + random(-1, 1) * (4 + depth * 36);
    const size = 2.5 + depth * 20;
    const colour = mix(mix('#5b3a94', '#b79be8', random(0, 1)), '#cbb6e0', (1 - depth) * 0.4);
    return `<path d="M${round(x)} ${round(y)}q${round(size * random(-0.3, 0.3))} ${-round(size)} 0 ${-round(size * 2)}" stroke="${colour}" stroke-width="${round(size * 0.42)}" stroke-linecap="round" fill="none"/>`;
  };
  const body = `<defs>${fade('sky', ['#7db4e6', '#f6dcc4', '#fbe9c9'])}${fade('field', ['#8f86a8', '#4f6a3c', '#2c4a26'])}${glow('sun', '#fff1c4')}</defs><rect width="720" height="210" fill="url(#sky)"/><circle cx="560" cy="150" r="220" fill="url(#sun)"/><path d="M0 196Q160 140 330 184T720 170V212H0Z" fill="#8a8fb5"/><path d="M0 204Q200 176 420 198T720 190V216H0Z" fill="#6a7a7d"/><rect y="202" width="720" height="278" fill="url(#field)"/>${times(1500, tuft)}${grain(30)}`;
  return { name: 'flowers/lavender-field', width, height, svg: sheet(width, height, body) };
}
