/** Announcements for screen readers: a few words at important state changes. */
class Announcer {
  text = $state('');

  say(text: string) {
    this.text = text;
  }
}

export const announcer = new Announcer();
