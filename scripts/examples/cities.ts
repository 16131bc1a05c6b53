import { blur, chance, type Drawing, fade, glow, grain, mix, type Random, round, sheet, times } from './drawing.ts';

interface City {
  name: string;
  seed: number;
  size: [number, number];
  sky: string[];
  wall: string;
  lamps: string[];
  moon?: [number, number];
}

const CITIES: City[] = [
  {
    name: 'harbour-lights',
    seed: 3,
    size: [720, 480],
    sky: ['#070b1f', '#1a2350', '#5a3d78', '#c9687a'],
    wall: '#0b1024',
    lamps: ['#ffd98a', '#ffb45e', '#fff3cf'],
  },
  {
    name: 'blue-hour',
    seed: 8,
    size: [720, 480],
    sky: ['#0b1e4a', '#2b5a9c', '#9cc3dd'],
    wall: '#0c1a38',
    lamps: ['#ffe2a6', '#fff6dd', '#ffc873'],
  },
  {
    name: 'after-rain',
    seed: 12,
    size: [480, 640],
    sky: ['#0a1720', '#1d4650', '#5f9c92', '#d7d9a8'],
    wall: '#081217',
    lamps: ['#7ef0d0', '#f7e08a', '#ff7a9c'],
  },
  {
    name: 'moonlit',
    seed: 17,
    size: [600, 600],
    sky: ['#070b1a', '#18264f', '#44588f', '#8a93bf'],
    wall: '#070b18',
    lamps: ['#ffdf9e', '#ffe9c4', '#a9c8ff'],
    moon: [440, 130],
  },
  {
    name: 'neon',
    seed: 22,
    size: [720, 450],
    sky: ['#12021f', '#3a0a52', '#a0196e', '#ff5d73'],
    wall: '#13041f',
    lamps: ['#ff4fd8', '#4fe3ff', '#ffe14f'],
  },
];

export function drawCities(): Drawing[] {
  return [...CITIES.map(drawCity), drawStreet()];
}

function drawCity(city: City): Drawing {
  const [width, height] = city.size;
  const random = chance(city.seed);
  const shore = height * 0.66;
  const row = (n: number) =>
    times(Math.ceil(width / 34), (k) => drawTower(random, city, k * 34 + random(-10, 10), shore, n));
  const skyline = times(3, row);
  const moon = city.moon
    ? `<circle cx="${city.moon[0]}" cy="${city.moon[1]}" r="150" fill="url(#moon)"/><circle cx="${city.moon[0]}" cy="${city.moon[1]}" r="34" fill="#fff8e4"/>`
    : '';
  const stars = times(
    90,
    () =>
      `<circle cx="${round(random(0, width))}" cy="${round(random(0, shore * 0.6))}" r="${round(random(0.3, 1.1))}" fill="#fff" opacity=".6"/>`,
  );
  const streak = () => {
    const colour = city.lamps[Math.floor(random(0, city.lamps.length))];
    return `<rect x="${round(random(0, width))}" y="${round(shore + random(0, 12))}" width="${round(random(2, 6))}" height="${round(random(30, height - shore))}" fill="${colour}" opacity="${round(random(0.15, 0.6) * 10) / 10}"/>`;
  };
  const ripple = () =>
    `<rect x="0" y="${round(shore + random(4, height - shore))}" width="${width}" height="${round(random(0.6, 2))}" fill="${mix(city.wall, '#ffffff', 0.12)}" opacity=".5"/>`;
  const body = `<defs>${fade('sky', city.sky)}${glow('moon', '#fff4d6', 0.7)}${glow('haze', city.sky.at(-1) as string, 0.8)}${blur('soft', '2 5')}${blur('bloom', 5)}<g id="skyline">${skyline}</g></defs><rect width="${width}" height="${round(shore + 2)}" fill="url(#sky)"/>${stars}${moon}<ellipse cx="${width / 2}" cy="${round(shore)}" rx="${width * 0.7}" ry="${round(height * 0.3)}" fill="url(#haze)"/><use href="#skyline"/><rect y="${round(shore)}" width="${width}" height="${round(height - shore)}" fill="${mix(city.wall, city.sky.at(-2) as string, 0.25)}"/><g filter="url(#soft)"><use href="#skyline" transform="translate(0 ${round(shore * 2)}) scale(1 -1)" opacity=".45"/>${times(70, streak)}</g>${times(60, ripple)}<rect y="${round(shore - 2)}" width="${width}" height="4" fill="#000" opacity=".6"/>${times(Math.ceil(width / 24), (n) => `<circle cx="${n * 24 + 8}" cy="${round(shore - 5)}" r="7" fill="${city.lamps[0]}" opacity=".45" filter="url(#bloom)"/><circle cx="${n * 24 + 8}" cy="${round(shore - 5)}" r="1.8" fill="#fffbe8"/>`)}${grain(city.seed)}`;
  return { name: `city/${city.name}`, width, height, svg: sheet(width, height, body) };
}

function drawTower(random: Random, city: City, x: number, shore: number, row: number): string {
  const wide = random(24, 58);
  const centre = 1 - Math.abs(x / city.size[0] - 0.52) * 1.1;
  const tall = shore * (0.8 - row * 0.21) * centre * random(0.35, 1);
  const top = shore - tall;
  const wall = mix(city.wall, city.sky.at(-2) as string, 0.62 - row * 0.28);
  const windows = times(Math.floor(tall / 9), (level) =>
    times(Math.floor((wide - 6) / 7), (n) => {
      if (random(0, 1) > 0.26 + row * 0.12) return '';
      return `<rect x="${round(x + 4 + n * 7)}" y="${round(top + 6 + level * 9)}" width="3.6" height="4.6" fill="${city.lamps[Math.floor(random(0, city.lamps.length))]}" opacity="${round(random(0.6, 1) * 10) / 10}"/>`;
    }),
  );
  const spire =
    random(0, 1) < 0.2
      ? `<path d="M${round(x + wide / 2)} ${round(top)}v-26" stroke="${wall}" stroke-width="3"/><circle cx="${round(x + wide / 2)}" cy="${round(top - 26)}" r="1.8" fill="#ff5a4f"/>`
      : '';
  return `<rect x="${round(x)}" y="${round(top)}" width="${round(wide)}" height="${round(tall + 1)}" fill="${wall}"/>${spire}${windows}`;
}

/** Lights out of focus behind a wet window. */
function drawStreet(): Drawing {
  const [width, height, random] = [640, 480, chance(29)] as const;
  const colours = ['#ffb84d', '#ff5d4d', '#ffe9b0', '#4dc3ff', '#ff8fd0', '#7dff9c'];
  const light = () => {
    const [size, y] = [random(10, 46), 240 + random(-1, 1) * random(20, 210)];
    return `<circle cx="${round(random(0, width))}" cy="${round(y)}" r="${round(size)}" fill="${colours[Math.floor(random(0, colours.length))]}" opacity="${round(random(0.18, 0.62) * 10) / 10}"/>`;
  };
  const drop = () => {
    const [x, y, size] = [round(random(0, width)), round(random(0, height)), random(1.5, 7)];
    return `<ellipse cx="${x}" cy="${y}" rx="${round(size)}" ry="${round(size * 1.25)}" fill="url(#drop)"/><circle cx="${round(x - size * 0.3)}" cy="${round(y - size * 0.4)}" r="${round(size * 0.22)}" fill="#fff" opacity=".85"/>`;
  };
  const body = `<defs>${fade('night', ['#0a1020', '#1b2036', '#2a1d2c'])}${blur('bokeh', 2.2)}<radialGradient id="drop" cx=".5" cy=".7"><stop offset="0" stop-color="#fff" stop-opacity=".4"/><stop offset=".7" stop-color="#9fb6d8" stop-opacity=".22"/><stop offset="1" stop-color="#000" stop-opacity=".4"/></radialGradient></defs><rect width="640" height="480" fill="url(#night)"/><g filter="url(#bokeh)" style="mix-blend-mode:screen">${times(110, light)}</g>${times(210, drop)}${grain(29)}`;
  return { name: 'city/wet-window', width, height, svg: sheet(width, height, body) };
}
