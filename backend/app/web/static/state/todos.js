/** The user's todos, which the assistant manages too; loaded when they are shown. */

import { Line } from './line.js';

export class Todos {
  constructor(app) {
    this.app = app;
    this.items = null;
    this.problem = null;
  }
  #line = new Line();

  close() {
    clearTimeout(this.timer);
    this.#line.close();
  }

  async load() {
    const asked = (this.asked = {});
    try {
      const { items } = await this.app.api.todos();
      if (asked !== this.asked) return; // a later request is newer
      this.items = items;
      this.problem = null;
    } catch (problem) {
      if (asked === this.asked) this.problem = problem;
    }
    this.app.changed();
  }

  /** Reloads them after the assistant, or another tab, may have changed them. */
  follow() {
    clearTimeout(this.timer);
    if (this.app.layout.todos) this.timer = setTimeout(() => this.load(), 100);
  }

  add = (title) => this.#do(() => this.app.api.addTodo(title));
  toggle = (todo) => this.#do(() => this.app.api.changeTodo(todo.id, { completed: !todo.completed }));
  remove = (todo) => this.#do(() => this.app.api.removeTodo(todo.id));

  /** Returns whether it succeeded. */
  async #do(request) {
    let done = true;
    try {
      await this.#line.ask(request);
      this.app.outside.tell({ what: 'todos' });
    } catch (problem) {
      done = problem.status === 404;
      if (!done) this.app.complain(problem);
    }
    await this.load();
    return done;
  }
}
