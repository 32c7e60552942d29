/** Asks for one thing after the other, each when the one before is answered, well or not. Connections keep no order. */

export class Line {
  #last = Promise.resolve();

  /** Resolves, or fails, as `request` does in its turn. */
  ask(request) {
    const answer = this.#last.then(request);
    this.#last = answer.catch(() => {});
    return answer;
  }
}
