import { documentsMedium } from './documents/medium.ts';
import { imagesMedium } from './images/medium.ts';
import { createMedia, type Media } from './medium.ts';

/** All media. A new medium adds a folder beside `images` and an entry here. */
export function knownMedia(env: NodeJS.ProcessEnv = process.env): Media {
  return createMedia([imagesMedium(env), documentsMedium(env)]);
}
