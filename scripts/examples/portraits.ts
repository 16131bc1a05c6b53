import { type Drawing, sheet, times } from './drawing.ts';

interface Sitter {
  name: string;
  wall: [string, string];
  /** Colours of the lit and the shaded half of the face. */
  skin: [string, string];
  hair: string;
  coat: [string, string];
  cut: 'bob' | 'bun' | 'curls' | 'cap' | 'long';
  accent: string;
}

const SITTERS: Sitter[] = [
  {
    name: 'the-captain',
    wall: ['#1f4e5f', '#2f7285'],
    skin: ['#f0c39b', '#cf9468'],
    hair: '#e6e2d8',
    coat: ['#14243a', '#1f3658'],
    cut: 'cap',
    accent: '#e8b23a',
  },
  {
    name: 'the-botanist',
    wall: ['#e7c8a0', '#f2dcbc'],
    skin: ['#a9714b', '#7d4c2f'],
    hair: '#20140f',
    coat: ['#2f6b4f', '#3f8a66'],
    cut: 'curls',
    accent: '#e8624a',
  },
  {
    name: 'the-weaver',
    wall: ['#b64b3c', '#cf6a54'],
    skin: ['#f6d3b5', '#dca982'],
    hair: '#7b2f1a',
    coat: ['#f2e6cf', '#d9c7a6'],
    cut: 'bun',
    accent: '#2a6f86',
  },
  {
    name: 'the-stargazer',
    wall: ['#20224a', '#33366e'],
    skin: ['#d9a77c', '#ad7750'],
    hair: '#0f1020',
    coat: ['#6a3f8f', '#8757b0'],
    cut: 'bob',
    accent: '#f4d35e',
  },
  {
    name: 'the-reader',
    wall: ['#9fb8a3', '#bccfbd'],
    skin: ['#6f4630', '#4d2e1e'],
    hair: '#120c0a',
    coat: ['#d98a2b', '#b86d18'],
    cut: 'long',
    accent: '#f6efe2',
  },
];

export function drawPortraits(): Drawing[] {
  return SITTERS.map(drawSitter);
}

/** A head of cut paper: every shape has two tones. Without noise and filters, the SVG stays small. */
function drawSitter(sitter: Sitter): Drawing {
  const [width, height] = [480, 600];
  const [light, shade] = sitter.skin;
  const back = {
    bob: '<path d="M130 290Q110 110 240 100Q370 110 350 290Q356 360 330 390H150Q124 360 130 290Z"/>',
    bun: '<circle cx="240" cy="86" r="52"/><path d="M138 260Q130 116 240 112Q350 116 342 260Z"/>',
    curls: times(
      15,
      (n) =>
        `<circle cx="${Math.round(240 + Math.cos(2.6 + n * 0.28) * 128)}" cy="${Math.round(236 + Math.sin(2.6 + n * 0.28) * 118)}" r="48"/>`,
    ),
    cap: '<path d="M146 300Q134 170 240 160Q346 170 334 300Z"/>',
    long: '<path d="M122 300Q104 100 240 96Q376 100 358 300Q372 430 392 500H88Q108 430 122 300Z"/>',
  }[sitter.cut];
  const front = {
    bob: `<path d="M146 250Q150 150 240 140Q330 150 334 250Q320 196 262 190Q190 186 146 250Z" fill="${sitter.hair}"/>`,
    bun: `<path d="M148 240Q150 140 240 134Q330 140 332 240Q318 176 240 170Q162 176 148 240Z" fill="${sitter.hair}"/>`,
    curls: times(
      6,
      (n) =>
        `<circle cx="${164 + n * 30}" cy="${168 - Math.round(Math.sin((n / 5) * 3.14) * 26)}" r="30" fill="${sitter.hair}"/>`,
    ),
    cap: `<path d="M124 186Q120 96 240 92Q360 96 356 186Q300 164 240 164Q180 164 124 186Z" fill="#f4f0e6"/><path d="M130 184Q180 160 240 160Q300 160 350 184L346 214Q290 190 240 190Q190 190 134 214Z" fill="#101a2a"/><path d="M240 150l8 16h18l-14 11 5 17-17-10-17 10 5-17-14-11h18Z" fill="${sitter.accent}"/><path d="M152 330Q160 430 240 436Q320 430 328 330Q300 372 240 366Q180 372 152 330Z" fill="${sitter.hair}"/><path d="M240 366Q300 372 328 330Q320 430 240 436Z" fill="#000" opacity=".14"/>`,
    long: `<path d="M144 270Q140 146 240 138Q340 146 336 270Q330 200 240 176Q176 196 144 270Z" fill="${sitter.hair}"/>`,
  }[sitter.cut];
  const wall = `<rect width="480" height="600" fill="${sitter.wall[0]}"/><circle cx="300" cy="230" r="230" fill="${sitter.wall[1]}"/><path d="M0 600V430Q120 380 200 600Z" fill="${sitter.accent}" opacity=".35"/>`;
  const coat = `<path d="M40 600Q50 480 180 452H300Q430 480 440 600Z" fill="${sitter.coat[0]}"/><path d="M240 452H300Q430 480 440 600H240Z" fill="${sitter.coat[1]}"/><path d="M180 452L240 540L300 452L326 462L244 600H236L154 462Z" fill="${sitter.accent}"/>`;
  const head = `<path d="M196 380H284V450Q284 486 240 500Q196 486 196 450Z" fill="${shade}"/><path d="M150 250Q150 150 240 146Q330 150 330 250Q330 350 290 388Q262 412 240 412Q218 412 190 388Q150 350 150 250Z" fill="${light}"/><path d="M240 146Q330 150 330 250Q330 350 290 388Q262 412 240 412L240 330L222 316L240 262Z" fill="${shade}"/>`;
  const features = `<path d="M176 262q22 -20 46 0q-22 16 -46 0Z" fill="#fff"/><path d="M262 262q22 -20 46 0q-22 16 -46 0Z" fill="#fff" opacity=".9"/><circle cx="200" cy="260" r="8" fill="#1b1a22"/><circle cx="286" cy="260" r="8" fill="#1b1a22"/><path d="M172 240q26 -20 52 -4M258 236q26 -16 52 4" stroke="${sitter.cut === 'cap' ? '#b9b3a6' : sitter.hair}" stroke-width="8" stroke-linecap="round" fill="none"/><path d="M210 352q30 -12 60 0q-30 22 -60 0Z" fill="#a83a3a"/><path d="M210 352q30 6 60 0" stroke="#6e1f24" stroke-width="3" fill="none"/>`;
  return {
    name: `portrait/${sitter.name}`,
    width,
    height,
    svg: sheet(width, height, `${wall}<g fill="${sitter.hair}">${back}</g>${coat}${head}${features}${front}`),
  };
}
