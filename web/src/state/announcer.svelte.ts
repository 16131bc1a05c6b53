/** What a screen reader is told without being asked: few words, at the turning points. */
class Announcer {
  text = $state('');

  say(text: string) {
    this.text = text;
  }
}

export const announcer = new Announcer();
