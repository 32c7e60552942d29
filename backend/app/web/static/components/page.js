/** The whole: sign-in, or the conversations with everything around them. */

import { html } from '../html.js';
import { Conversation } from './conversation.js';
import { Shortcuts } from './shortcuts.js';
import { Sidebar } from './sidebar.js';
import { SignIn, SignInAgain } from './sign-in.js';
import { TodoPanel } from './todo-panel.js';
import { Toasts } from './toast.js';

export function Page({ app, accounts }) {
  const { layout, session } = app;
  if (!session.signedIn) return html`<${SignIn} app=${app} accounts=${accounts} />`;
  const covered = (layout.narrow && layout.drawer) || (layout.tight && layout.todos);
  return html`<div class="page" data-narrow=${layout.narrow} data-tight=${layout.tight} data-list=${layout.listShown}>
    <${Sidebar} app=${app} />
    ${layout.narrow && layout.drawer &&
    html`<div class="scrim" onClick=${() => layout.showList(false)}></div>`}
    <${Conversation} app=${app} inert=${covered} />
    ${layout.tight && layout.todos &&
    html`<div class="scrim" onClick=${() => layout.set({ todos: false })}></div>`}
    ${layout.todos && html`<${TodoPanel} app=${app} />`}
    <${Toasts} app=${app} />
    <div class="hidden" role="status">${app.spoken}</div>
    ${layout.shortcuts && html`<${Shortcuts} app=${app} />`}
    ${session.expired && html`<${SignInAgain} app=${app} accounts=${accounts} />`}
  </div>`;
}
