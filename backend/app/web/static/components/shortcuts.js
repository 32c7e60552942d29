/** The keyboard shortcuts: what they do, and the list of them. */

import { Component, createRef, html } from '../html.js';
import { textOf } from '../state/reply.js';
import { copy } from './copy.js';
import { IconButton } from './icon.js';

/** `keys` as `event.key` has them; with `control`, also Command on a Mac. */
const SHORTCUTS = [
  { name: 'new', key: 'o', control: true, shift: true, run: (app) => app.go(null) },
  { name: 'search', key: 'k', control: true, run: (_, element) => focusOn(element, 'input[type=search]') },
  { name: 'list', key: 's', control: true, shift: true, run: (app) => app.layout.toggleList() },
  { name: 'focus', key: '/', run: (_, element) => focusOn(element, '.composer textarea') },
  { name: 'copy', key: 'c', control: true, shift: true, run: copyLast },
  { name: 'stop', key: 'Escape', run: (app) => app.thread.turn.stop() },
  { name: 'help', key: '/', control: true, run: (app) => app.layout.set({ shortcuts: true }) },
];

/** Does what the key stands for. A plain key is left to whoever is typing. */
export function pressed(event, app, element) {
  if (event.defaultPrevented || event.isComposing || event.altKey) return;
  if (document.querySelector(':popover-open, dialog[open]')) return;
  if (event.key === 'Escape' && app.layout.narrow && app.layout.drawer) return app.layout.showList(false);
  const control = event.ctrlKey || event.metaKey;
  const found = SHORTCUTS.find(
    (shortcut) =>
      shortcut.key.toLowerCase() === event.key.toLowerCase() &&
      Boolean(shortcut.control) === control &&
      (Boolean(shortcut.shift) === event.shiftKey || shortcut.key === '/'),
  );
  if (!found) return;
  const typing = event.target.closest?.('input, textarea, [contenteditable]');
  if (!control && typing && found.key !== 'Escape') return;
  if (found.name === 'stop' && !app.thread.turn.running) return;
  event.preventDefault();
  // Focus moves at once: the letters that are typed next belong there.
  if (found.name === 'search' && !app.layout.listShown) app.layout.showList(true);
  app.drawNow();
  found.run(app, element);
}

function focusOn(element, selector) {
  element.querySelector(selector)?.focus();
}

function copyLast(app) {
  const reply = app.thread.messages.findLast((message) => message.role === 'assistant');
  if (reply) copy(app, textOf(reply));
}

export class Shortcuts extends Component {
  dialog = createRef();

  componentDidMount() {
    this.dialog.current.showModal();
  }

  render({ app }) {
    const { text } = app;
    const close = () => app.layout.set({ shortcuts: false });
    return html`<dialog class="shortcuts card" ref=${this.dialog} aria-labelledby="chat-shortcuts" onClose=${close}
      onClick=${(event) => event.target === event.currentTarget && this.dialog.current.close()}>
      <div class="dialog-head">
        <h2 id="chat-shortcuts">${text.shortcuts}</h2>
        <${IconButton} icon="x" label=${text.close} onClick=${() => this.dialog.current.close()} />
      </div>
      <dl>
        ${SHORTCUTS.map(
          (shortcut) => html`<div>
            <dt>${text.shortcutNames[shortcut.name]}</dt>
            <dd>${keysOf(shortcut, text).map((key) => html`<kbd>${key}</kbd>`)}</dd>
          </div>`,
        )}
      </dl>
    </dialog>`;
  }
}

function keysOf({ key, control, shift }, text) {
  const last = key === 'Escape' ? text.keys.escape : key.toUpperCase();
  return [...(control ? [text.keys.control] : []), ...(shift ? [text.keys.shift] : []), last];
}
