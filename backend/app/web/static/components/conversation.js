/** The open conversation: head, messages, box; or the start of a new one. */

import { html } from '../html.js';
import { linkTo } from '../state/route.js';
import { Composer } from './composer.js';
import { Icon, IconButton } from './icon.js';
import { Suggestions } from './suggestions.js';
import { ThreadView } from './thread.js';

export function Conversation({ app, inert }) {
  const { thread } = app;
  const fresh = thread.id === null && thread.messages.length === 0;
  return html`<main class="conversation" inert=${inert} data-fresh=${fresh}>
    <${Head} app=${app} />
    ${!app.outside.online &&
    html`<p class="banner" role="status"><${Icon} name="wifi-off" />${app.text.offline}</p>`}
    ${fresh ? html`<${Fresh} app=${app} />` : html`<${Opened} app=${app} key=${thread.key} />`}
  </main>`;
}

function Head({ app }) {
  const { layout, text, thread } = app;
  return html`<header class="head">
    <button type="button" class="skip" onClick=${(event) => skip(event)}>${text.skip}</button>
    ${!layout.listShown &&
    html`<${IconButton} icon="panel-left" label=${text.showList} onClick=${() => layout.showList(true)} />`}
    ${app.heading && thread.state === 'ready'
      ? html`<h1 dir="auto">${app.heading}</h1>`
      : html`<span class="spring"></span>`}
    ${!layout.listShown &&
    html`<a class="icon-button" href=${linkTo(null)} aria-label=${text.newChat} title=${text.newChat}>
      <${Icon} name="square-pen" />
    </a>`}
    <span class="todos-button">
      <${IconButton} icon="list-todo" label=${layout.todos ? text.todosHide : text.todosShow}
        aria-pressed=${String(layout.todos)} onClick=${() => layout.set({ todos: !layout.todos })} />
    </span>
  </header>`;
}

function skip(event) {
  event.currentTarget.closest('main').querySelector('textarea')?.focus();
}

function Fresh({ app }) {
  return html`<div class="fresh">
    <h1>${app.text.greeting}</h1>
    <${Composer} app=${app} key="composer" />
    <${Suggestions} app=${app} />
  </div>`;
}

function Opened({ app }) {
  const { thread, text } = app;
  if (thread.state === 'missing') {
    return html`<${Notice} title=${text.missingTitle} lead=${text.missingLead}>
      <a class="button primary" href=${linkTo(null)}>${text.missingBack}</a>
    <//>`;
  }
  if (thread.state === 'failed') {
    return html`<${Notice} title=${text.failedTitle} lead=${app.sentence(thread.problem)}>
      <button type="button" class="button primary" onClick=${() => thread.load()}>${text.tryAgain}</button>
    <//>`;
  }
  return html`<${ThreadView} app=${app} thread=${thread} messages=${thread.messages} />
    <${Composer} app=${app} key="composer" />`;
}

function Notice({ title, lead, children }) {
  return html`<div class="notice" role="alert">
    <h1>${title}</h1>
    <p class="lead">${lead}</p>
    ${children}
  </div>`;
}
