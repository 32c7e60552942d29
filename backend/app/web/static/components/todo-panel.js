/** The todos beside the conversation, which the assistant manages too. */

import { Component, createRef, html } from '../html.js';
import { IconButton } from './icon.js';
import { Skeleton } from './skeleton.js';

export class TodoPanel extends Component {
  root = createRef();
  field = createRef();

  componentDidMount() {
    this.props.app.todos.load();
    this.root.current.focus();
  }

  render({ app }) {
    const { todos, text } = app;
    const items = todos.items ?? [];
    const open = items.filter((todo) => !todo.completed);
    const done = items.filter((todo) => todo.completed);
    return html`<aside class="todos" aria-label=${text.todos} tabindex="-1" ref=${this.root} onKeyDown=${this.key}>
      <div class="todos-head">
        <h2>${text.todos}</h2>
        <span class="count" role="status">${open.length > 0 && text.todosLeft(open.length)}</span>
        <${IconButton} icon="x" label=${text.todosHide} onClick=${this.close} />
      </div>
      <div class="todos-list">
        ${todos.items === null && !todos.problem && html`<${Skeleton} rows="4" label=${text.loading} />`}
        ${todos.problem &&
        html`<div class="list-empty" role="alert"><p>${app.sentence(todos.problem)}</p>
          <button type="button" class="button" onClick=${() => todos.load()}>${text.tryAgain}</button>
        </div>`}
        ${todos.items && items.length === 0 && html`<p class="list-empty">${text.todosEmpty}</p>`}
        <${TodoList} app=${app} items=${open} />
        ${done.length > 0 && html`<h3>${text.todosDone}</h3>`}
        <${TodoList} app=${app} items=${done} />
      </div>
      <form class="todo-add" onSubmit=${this.add}>
        <input ref=${this.field} name="title" aria-label=${text.todoAdd} placeholder=${text.todoAdd} dir="auto"
          maxlength="250" autocomplete="off" />
        <${IconButton} icon="plus" label=${text.todoAdd} type="submit" />
      </form>
    </aside>`;
  }

  close = () => {
    const { app } = this.props;
    app.layout.set({ todos: false });
    app.drawNow();
    document.querySelector('.todos-button button')?.focus();
  };

  key = (event) => {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    this.close();
  };

  add = async (event) => {
    event.preventDefault();
    const field = this.field.current;
    const title = field.value.trim();
    if (!title) return;
    field.value = '';
    field.focus();
    const done = await this.props.app.todos.add(title);
    if (!done && !field.value) field.value = title;
  };
}

function TodoList({ app, items }) {
  const { todos, text } = app;
  if (items.length === 0) return null;
  return html`<ul>
    ${items.map(
      (todo) => html`<li class="todo" key=${todo.id} data-done=${todo.completed}>
        <label>
          <input type="checkbox" checked=${todo.completed} onChange=${() => todos.toggle(todo)} />
          <span dir="auto">${todo.title}</span>
        </label>
        <${IconButton} icon="trash-2" label=${text.todoDelete(todo.title)} onClick=${() => todos.remove(todo)} />
      </li>`,
    )}
  </ul>`;
}
