/** Tools for drawing the example pictures: seeded random numbers, mixed colours, and a few SVG elements. */

import { randomNumbers } from '../random-numbers.ts';

export interface Drawing {
  /** Path below examples/images, without extension. */
  name: string;
  width: number;
  height: number;
  svg: string;
}

export type Random = (from: number, to: number) => number;

/** The same seed draws the same picture. */
export function chance(seed: number): Random {
  const random = randomNumbers(seed);
  return (from, to) => from + (to - from) * random();
}

export const times = (count: number, draw: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => draw(n)).join('');

/** Mixes two `#rrggbb` colours; `share` 0 gives the first, 1 the second. */
export function mix(from: string, to: string, part: number): string {
  const channel = (at: number) => {
    const [a, b] = [Number.parseInt(from.slice(at, at + 2), 16), Number.parseInt(to.slice(at, at + 2), 16)];
    return Math.round(a + (b - a) * part)
      .toString(16)
      .padStart(2, '0');
  };
  return `#${channel(1)}${channel(3)}${channel(5)}`;
}

export const round = (value: number): number => Math.round(value * 10) / 10;

/** A gradient from top to bottom, its stops spread evenly. */
export function fade(id: string, colours: readonly string[]): string {
  const stops = times(
    colours.length,
    (n) => `<stop offset="${round((100 * n) / (colours.length - 1))}%" stop-color="${colours[n]}"/>`,
  );
  return `<linearGradient id="${id}" x1="0" y1="0" x2="0" y2="1">${stops}</linearGradient>`;
}

/** A glow that fades out towards its rim. */
export function glow(id: string, colour: string, strength = 1): string {
  return `<radialGradient id="${id}"><stop offset="0" stop-color="${colour}" stop-opacity="${strength}"/><stop offset=".35" stop-color="${colour}" stop-opacity="${round(strength * 4) / 10}"/><stop offset="1" stop-color="${colour}" stop-opacity="0"/></radialGradient>`;
}

/** A ball lit from the upper left. */
export function ball(id: string, light: string, middle: string, dark: string): string {
  return `<radialGradient id="${id}" cx=".36" cy=".3" r=".75"><stop offset="0" stop-color="${light}"/><stop offset=".5" stop-color="${middle}"/><stop offset="1" stop-color="${dark}"/></radialGradient>`;
}

export const blur = (id: string, by: number | string): string =>
  `<filter id="${id}" x="-50%" y="-50%" width="200%" height="200%"><feGaussianBlur stdDeviation="${by}"/></filter>`;

/** Noise in one colour, its opacity cut between two levels: clouds, mist, a nebula, foam. */
export function mottle(
  id: string,
  seed: number,
  frequency: string,
  colour: string,
  cut: { gain: number; floor: number },
): string {
  const [red, green, blue] = [1, 3, 5].map((at) => round(Number.parseInt(colour.slice(at, at + 2), 16) / 25.5) / 10);
  return `<filter id="${id}" x="0" y="0" width="100%" height="100%"><feTurbulence type="fractalNoise" baseFrequency="${frequency}" numOctaves="5" seed="${seed}"/><feColorMatrix values="0 0 0 0 ${red} 0 0 0 0 ${green} 0 0 0 0 ${blue} ${cut.gain} 0 0 0 ${-cut.floor}"/></filter>`;
}

/** A fine grain over everything, as film has. */
export function grain(seed: number, strength = 0.09): string {
  return `<filter id="grain" x="0" y="0" width="100%" height="100%"><feTurbulence type="fractalNoise" baseFrequency=".7" numOctaves="2" seed="${seed}"/><feColorMatrix values="0 0 0 0 .5 0 0 0 0 .45 0 0 0 0 .4 ${strength * 6} 0 0 0 ${-strength * 2.4}"/></filter><rect width="100%" height="100%" filter="url(#grain)" style="mix-blend-mode:overlay"/>`;
}

export function sheet(width: number, height: number, body: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${body}</svg>`;
}

/** Closes a line of points down to the lower edge. */
export function ground(points: readonly (readonly [number, number])[], width: number, height: number): string {
  return `M0 ${height}L${points.map(([x, y]) => `${round(x)} ${round(y)}`).join('L')}L${width} ${height}Z`;
}
