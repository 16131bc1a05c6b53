/**
 * Whether the server needs a token. The token is in a cookie that scripts can't read, so that image requests carry it
 * too.
 */
class Session {
  tokenNeeded = $state(false);

  refused() {
    this.tokenNeeded = true;
  }

  admitted() {
    this.tokenNeeded = false;
  }
}

export const session = new Session();
