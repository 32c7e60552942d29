/** The foot of the list: the user, the archive, colours, shortcuts, signing out. */

import { html } from '../html.js';
import { THEMES } from '../state/layout.js';
import { Icon } from './icon.js';
import { Menu } from './menu.js';

const ICONS = { system: 'monitor', light: 'sun', dark: 'moon' };

export function AccountMenu({ app }) {
  const { layout, session, text } = app;
  const items = [
    { heading: text.theme },
    ...THEMES.map((theme) => ({
      icon: ICONS[theme],
      text: text.themes[theme],
      checked: layout.theme === theme,
      run: () => layout.set({ theme }),
    })),
    { line: true },
    ...(app.keepsAccount
      ? [{ icon: 'user', text: text.accountTitle, run: () => layout.set({ dialog: 'account' }) }]
      : []),
    { icon: 'archive', text: text.archiveTitle, run: () => layout.set({ archive: true }) },
    { icon: 'keyboard', text: text.shortcuts, run: () => layout.set({ dialog: 'shortcuts' }) },
    ...(session.external ? [] : [{ icon: 'log-out', text: text.signOut, run: () => app.signOut() }]),
  ];
  return html`<div class="sidebar-foot">
    <${Menu} label=${text.account} items=${items} class="account">
      <${Icon} name="user" />
      <span class="account-name">
        ${session.email ? html`<span class="hidden">${text.account}</span>${session.email}` : text.account}
      </span>
      <${Icon} name="chevron-down" />
    <//>
  </div>`;
}
