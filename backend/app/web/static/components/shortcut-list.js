/** The list of the keyboard shortcuts. */

import { html } from '../html.js';
import { Dialog } from './dialog.js';
import { SHORTCUTS } from './shortcuts.js';

export function ShortcutList({ app, onClose }) {
  const { text } = app;
  return html`<${Dialog} name="shortcuts" title=${text.shortcuts} label=${text.close} onClose=${onClose}>
    <dl>
      ${SHORTCUTS.map(
        (shortcut) => html`<div>
          <dt>${text.shortcutNames[shortcut.name]}</dt>
          <dd>${keysOf(shortcut, text).map((key) => html`<kbd>${key}</kbd>`)}</dd>
        </div>`,
      )}
    </dl>
  <//>`;
}

function keysOf({ key, control, shift }, text) {
  const last = key === 'Escape' ? text.keys.escape : key.toUpperCase();
  return [...(control ? [text.keys.control] : []), ...(shift ? [text.keys.shift] : []), last];
}
