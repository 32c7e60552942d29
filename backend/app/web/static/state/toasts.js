/** Short notes at the foot of the page, some with an undo. */

const MILLISECONDS = 4000;

export class Toasts {
  #number = 0;

  constructor(changed) {
    this.changed = changed;
    this.items = [];
  }

  /** Shows `text`; `action` names a button that calls `run`. It stays while hovered or focused. */
  say(text, { action = null, run = null, milliseconds = MILLISECONDS } = {}) {
    const toast = { number: ++this.#number, text, action, run, milliseconds };
    this.items = [...this.items.filter((one) => one.text !== text || one.action), toast].slice(-3);
    this.start(toast);
    this.changed();
  }

  start(toast) {
    toast.timer = setTimeout(() => this.drop(toast), toast.milliseconds);
  }

  hold(toast) {
    clearTimeout(toast.timer);
  }

  clear() {
    for (const toast of this.items) this.drop(toast);
  }

  act(toast) {
    this.drop(toast);
    toast.run();
  }

  drop(toast) {
    clearTimeout(toast.timer);
    this.items = this.items.filter((one) => one !== toast);
    this.changed();
  }
}
