/** Sends requests one after the other, each once the previous one has ended: connections keep no order. */

const NEVER = new Promise(() => {});

export class Line {
  #last = Promise.resolve();
  #closed = false;

  /** Settles as `request` does when its turn comes. */
  ask(request) {
    const answer = this.#last.then(() => (this.#closed ? NEVER : request()));
    this.#last = answer.catch(() => {});
    return answer.finally(() => this.#closed && NEVER);
  }

  /** The user has left: pending requests are not sent, and no answer is delivered. */
  close() {
    this.#closed = true;
  }
}
