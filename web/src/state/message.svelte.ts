import { announcer } from './announcer.svelte.ts';

const SHOWN_MS = 6000;

/** A message about the last action, which disappears by itself. */
export class Message {
  text = $state('');
  #clearing: ReturnType<typeof setTimeout> | undefined;

  say = (text: string) => {
    this.text = text;
    announcer.say(text);
    clearTimeout(this.#clearing);
    this.#clearing = setTimeout(() => (this.text = ''), SHOWN_MS);
  };
}
