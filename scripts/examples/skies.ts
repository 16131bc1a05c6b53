import { blur, chance, type Drawing, fade, glow, grain, mottle, round, sheet, times } from './drawing.ts';

export function drawSkies(): Drawing[] {
  const day = (
    name: string,
    seed: number,
    colours: string[],
    cloud: string,
    cut: { gain: number; floor: number },
    sun?: [number, number, number, string],
  ): Drawing => {
    const [width, height] = [720, 480];
    const light = sun
      ? `<circle cx="${sun[0]}" cy="${sun[1]}" r="${sun[2]}" fill="url(#sun)"/><circle cx="${sun[0]}" cy="${sun[1]}" r="${round(sun[2] / 8)}" fill="#fffbe8" opacity=".95"/>`
      : '';
    const body = `<defs>${fade('sky', colours)}${glow('sun', sun?.[3] ?? '#ffffff', 0.95)}${mottle('far', seed, '.004 .016', cloud, cut)}${mottle('near', seed + 40, '.007 .012', '#ffffff', { gain: cut.gain * 1.1, floor: cut.floor * 1.25 })}</defs><rect width="${width}" height="${height}" fill="url(#sky)"/>${light}<rect width="${width}" height="${height}" filter="url(#far)" opacity=".8"/><rect width="${width}" height="${height}" filter="url(#near)" opacity=".45"/>${grain(seed)}`;
    return { name: `sky/${name}`, width, height, svg: sheet(width, height, body) };
  };
  return [
    day('dawn', 3, ['#2b3a67', '#6b5b95', '#e08e79', '#f8d49b'], '#f4b6a6', { gain: 4, floor: 1.9 }, [
      520,
      400,
      330,
      '#ffd9a0',
    ]),
    day('fair-weather', 11, ['#1f6fc4', '#5aa5e6', '#bfe0f5'], '#ffffff', { gain: 5, floor: 2.3 }, [
      150,
      90,
      220,
      '#ffffff',
    ]),
    day('high-cirrus', 8, ['#0f4c9c', '#3f86d0', '#a9d2ee'], '#ffffff', { gain: 2.6, floor: 1.15 }),
    day('sunset', 23, ['#1d2951', '#7a2f5b', '#d9482b', '#f9a03f', '#ffe08a'], '#5a2340', { gain: 5, floor: 2.3 }, [
      330,
      410,
      380,
      '#ffcf6b',
    ]),
    day('storm', 31, ['#1b2129', '#38424f', '#66717d', '#a7a693'], '#0f151d', { gain: 5, floor: 1.9 }),
    drawStars(),
    drawMoon(),
  ];
}

function drawStars(): Drawing {
  const [width, height, random] = [480, 720, chance(7)] as const;
  const star = () => {
    const size = random(0, 1) ** 6 * 2.4 + 0.4;
    const colour = ['#ffffff', '#cfe0ff', '#fff1cf'][Math.floor(random(0, 3))];
    return `<circle cx="${round(random(0, width))}" cy="${round(random(0, 640))}" r="${round(size)}" fill="${colour}" opacity="${round(random(0.4, 1))}"/>`;
  };
  const pine = (n: number) => {
    const [x, tall] = [n * 17 - 20 + random(-6, 6), random(40, 120)];
    return `<path d="M${round(x)} 720L${round(x)} ${round(720 - tall)}l${round(tall / 5)} ${round(tall)}h${-round(tall / 2.5)}L${round(x)} ${round(720 - tall)}" fill="#04070f"/>`;
  };
  const body = `<defs>${fade('sky', ['#050818', '#0b1638', '#1c2c5e', '#4a4a7a'])}${mottle('milk', 5, '.006 .004', '#b9a7e8', { gain: 3.4, floor: 1.4 })}${mottle('rose', 17, '.011 .007', '#e39ab0', { gain: 4, floor: 2 })}<linearGradient id="band" x1="0" y1="0" x2="1" y2="0"><stop offset=".1" stop-color="#000"/><stop offset=".5" stop-color="#fff"/><stop offset=".9" stop-color="#000"/></linearGradient><mask id="river"><rect x="-100" y="-200" width="330" height="1200" fill="url(#band)" transform="rotate(28 240 360) translate(170 0)"/></mask></defs><rect width="480" height="720" fill="url(#sky)"/><g mask="url(#river)"><rect width="480" height="720" filter="url(#milk)"/><rect width="480" height="720" filter="url(#rose)" opacity=".7"/></g>${times(620, star)}${times(32, pine)}`;
  return { name: 'sky/milky-way', width, height, svg: sheet(width, height, body) };
}

function drawMoon(): Drawing {
  const [width, height, random] = [600, 600, chance(12)] as const;
  const crater = () => {
    const [angle, far, size] = [random(0, 6.28), random(0, 150), random(5, 26)];
    const [x, y] = [round(300 + Math.cos(angle) * far), round(290 + Math.sin(angle) * far)];
    return `<circle cx="${x}" cy="${y}" r="${round(size)}" fill="#a8a592" opacity=".5"/><circle cx="${x + 2}" cy="${y + 2}" r="${round(size * 0.8)}" fill="#d8d4bd" opacity=".55"/>`;
  };
  const body = `<defs>${fade('sky', ['#0a1024', '#182444', '#33405f'])}${glow('halo', '#e8e6cf', 0.8)}${blur('soft', 3)}${mottle('veil', 9, '.005 .014', '#8d9abb', { gain: 3, floor: 1.5 })}${mottle('seas', 4, '.012', '#8f8b78', { gain: 5, floor: 2.5 })}<radialGradient id="disc" cx=".4" cy=".4" r=".7"><stop offset="0" stop-color="#fffdf0"/><stop offset=".8" stop-color="#d9d5bd"/><stop offset="1" stop-color="#9d9a88"/></radialGradient><clipPath id="rim"><circle cx="300" cy="290" r="180"/></clipPath></defs><rect width="600" height="600" fill="url(#sky)"/><circle cx="300" cy="290" r="330" fill="url(#halo)"/><circle cx="300" cy="290" r="180" fill="url(#disc)"/><g clip-path="url(#rim)"><rect width="600" height="600" filter="url(#seas)" opacity=".7"/><g filter="url(#soft)">${times(26, crater)}</g></g><rect width="600" height="600" filter="url(#veil)" opacity=".75"/>${grain(12)}`;
  return { name: 'sky/moon', width, height, svg: sheet(width, height, body) };
}
