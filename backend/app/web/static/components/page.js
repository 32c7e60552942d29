/** The whole element: sign-in, or the conversations with everything around them. */

import { html } from '../html.js';
import { Conversation } from './conversation.js';
import { later } from './later.js';
import { Sidebar } from './sidebar.js';
import { Toasts } from './toast.js';

const SignIn = later(() => import('./sign-in.js'), 'SignIn', 'dialogs');
const SignInAgain = later(() => import('./sign-in.js'), 'SignInAgain', 'dialogs');
const DIALOGS = {
  account: later(() => import('./account.js'), 'Account', 'dialogs'),
  shortcuts: later(() => import('./shortcut-list.js'), 'ShortcutList', 'dialogs'),
};
const TodoPanel = later(() => import('./todo-panel.js'), 'TodoPanel', 'todos');

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
    ${layout.todos && html`<${TodoPanel} app=${app} onClose=${() => layout.set({ todos: false })} />`}
    <${Toasts} app=${app} />
    <div class="hidden" role="status">${app.spoken}</div>
    ${layout.dialog && html`<${DIALOGS[layout.dialog]} app=${app} onClose=${() => layout.set({ dialog: null })} />`}
    ${session.expired && html`<${SignInAgain} app=${app} accounts=${accounts} />`}
  </div>`;
}
