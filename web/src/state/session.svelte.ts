/** Whether the server wants a token. It keeps it in a cookie that scripts can't read, so that pictures can be had with it too. */
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
