/** The current time, for texts that are relative to it. */
class Clock {
  nowMs = $state(Date.now());

  constructor() {
    setInterval(() => {
      if (!document.hidden) this.nowMs = Date.now();
    }, 1000);
    document.addEventListener('visibilitychange', () => {
      this.nowMs = Date.now();
    });
  }
}

export const clock = new Clock();
