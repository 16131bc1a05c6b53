import {
  chance,
  type Drawing,
  fade,
  glow,
  grain,
  ground,
  mix,
  mottle,
  type Random,
  round,
  sheet,
  times,
} from './drawing.ts';

interface Country {
  name: string;
  seed: number;
  size: [number, number];
  sky: string[];
  far: string;
  near: string;
  sun?: [x: number, y: number, radius: number, colour: string];
  rough?: number;
  pines?: boolean;
  snow?: boolean;
  ridges?: number;
}

const COUNTRIES: Country[] = [
  {
    name: 'blue-ridges',
    seed: 4,
    size: [720, 480],
    sky: ['#c9ddea', '#f1ece0'],
    far: '#b4cbdc',
    near: '#16324a',
    ridges: 8,
  },
  {
    name: 'autumn',
    seed: 9,
    size: [720, 480],
    sky: ['#f2c879', '#fbe9c6'],
    far: '#e0a96d',
    near: '#5a2413',
    sun: [180, 150, 190, '#fff2c8'],
    ridges: 7,
    pines: true,
  },
  {
    name: 'green-downs',
    seed: 15,
    size: [640, 480],
    sky: ['#63b1e6', '#dff1f6'],
    far: '#a9d3a2',
    near: '#2f6b2c',
    ridges: 6,
    rough: 0.25,
  },
  {
    name: 'dusk-in-the-pines',
    seed: 21,
    size: [480, 640],
    sky: ['#2c1e4a', '#8b3f71', '#f08a5d', '#f9d29d'],
    far: '#a4576f',
    near: '#120a1e',
    ridges: 7,
    pines: true,
  },
  {
    name: 'desert',
    seed: 27,
    size: [720, 450],
    sky: ['#f7d9a8', '#f3a76f'],
    far: '#e8a567',
    near: '#8a3b1e',
    ridges: 5,
    rough: 0.2,
    sun: [540, 130, 150, '#fff6dc'],
  },
  {
    name: 'snow-peaks',
    seed: 33,
    size: [600, 600],
    sky: ['#3f78b8', '#a9cbe8', '#f0dfd8'],
    far: '#a7bdd6',
    near: '#1d3350',
    ridges: 5,
    rough: 1.9,
    snow: true,
    pines: true,
  },
];

export function drawHills(): Drawing[] {
  return COUNTRIES.map(drawCountry);
}

function drawCountry(country: Country): Drawing {
  const [width, height] = country.size;
  const random = chance(country.seed);
  const count = country.ridges ?? 6;
  const sun = country.sun;
  const light = sun
    ? `<circle cx="${sun[0]}" cy="${sun[1]}" r="${sun[2]}" fill="url(#sun)"/><circle cx="${sun[0]}" cy="${sun[1]}" r="${sun[2] / 5}" fill="${sun[3]}"/>`
    : '';
  const ridge = (n: number) => {
    const part = n / (count - 1);
    const level = height * (0.34 + 0.56 * part);
    const colour = mix(country.far, country.near, part ** 1.2);
    const line = drawRidge(random, width, level, height * (0.05 + 0.055 * (1 - part)), country.rough ?? 0.6);
    const shape = `<path d="${ground(line, width, height)}" fill="url(#h${n})"/>`;
    const shade = fade(`h${n}`, [colour, mix(colour, country.far, 0.25 * (1 - part) + 0.06)]);
    const caps =
      country.snow && n < 2
        ? `<path d="${ground(line, width, height)}" fill="url(#snow)" opacity="${0.9 - n * 0.2}"/>`
        : '';
    const trees =
      country.pines && n >= count - 2 ? drawPines(random, line, mix(colour, '#000000', 0.25), 16 + part * 40) : '';
    const mist =
      n < count - 1
        ? `<rect y="${round(level)}" width="${width}" height="${round(height * 0.2)}" fill="url(#mist)" opacity=".28"/>`
        : '';
    return `<defs>${shade}</defs>${trees}${shape}${caps}${mist}`;
  };
  const snow = `<linearGradient id="snow" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#fff"/><stop offset=".22" stop-color="#eef4fb"/><stop offset=".4" stop-color="#eef4fb" stop-opacity="0"/></linearGradient>`;
  const mist = `<linearGradient id="mist" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#fff" stop-opacity="0"/><stop offset="1" stop-color="#fff"/></linearGradient>`;
  const clouds = mottle('clouds', country.seed, '.004 .014', '#ffffff', { gain: 3, floor: 1.5 });
  const body = `<defs>${fade('sky', country.sky)}${glow('sun', sun?.[3] ?? '#ffffff')}${snow}${mist}${clouds}</defs><rect width="${width}" height="${height}" fill="url(#sky)"/>${light}<rect width="${width}" height="${height}" filter="url(#clouds)" opacity=".5"/>${times(count, ridge)}${grain(country.seed)}`;
  return { name: `hills/${country.name}`, width, height, svg: sheet(width, height, body) };
}

function drawRidge(random: Random, width: number, level: number, swell: number, rough: number): [number, number][] {
  const waves = [1, 2.3, 5.1, 11, 23, 47].map((pitch, n) => ({
    pitch,
    phase: random(0, 6.28),
    high: swell * (n < 2 ? 1 : rough) * 0.62 ** n,
  }));
  return Array.from({ length: 121 }, (_, n) => {
    const x = (width * n) / 120;
    const y = waves.reduce(
      (sum, { pitch, phase, high }) => sum + high * Math.sin((x / width) * pitch * 4 + phase),
      level,
    );
    return [x, y];
  });
}

function drawPines(random: Random, line: [number, number][], colour: string, tall: number): string {
  return times(line.length * 2, (n) => {
    const [x, y] = line[n >> 1] as [number, number];
    const high = tall * random(0.4, 1.1);
    const at = x + random(-4, 4);
    return `<path d="M${round(at - high * 0.2)} ${round(y + 8)}L${round(at)} ${round(y + 6 - high)}L${round(at + high * 0.2)} ${round(y + 8)}Z" fill="${colour}"/>`;
  });
}
