/** The list of the keyboard shortcuts. */

import { Component, createRef, html } from '../html.js';
import { IconButton } from './icon.js';
import { SHORTCUTS } from './shortcuts.js';

export class ShortcutList extends Component {
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
