/**
 * Whether the server needs a token. The session that a token begins is in a cookie that scripts can't read, so that
 * image requests carry it too.
 */
class Session {
  tokenNeeded = $state(false);
  /** Why the last token was not taken; empty if it was. */
  problem = $state('');

  refused(problem = this.problem) {
    this.tokenNeeded = true;
    this.problem = problem;
  }

  admitted() {
    this.tokenNeeded = false;
    this.problem = '';
  }
}

export const session = new Session();
