/** Asks for one thing after the other, each when the one before is answered, well or not. Connections keep no order. */

const NEVER = new Promise(() => {});

export class Line {
  #last = Promise.resolve();
  #closed = false;

  /** Resolves, or fails, as `request` does in its turn. */
  ask(request) {
    const answer = this.#last.then(() => (this.#closed ? NEVER : request()));
    this.#last = answer.catch(() => {});
    return answer.finally(() => this.#closed && NEVER);
  }

  /** Its user has left: what waits is not asked for, and nobody hears of what was. */
  close() {
    this.#closed = true;
  }
}
