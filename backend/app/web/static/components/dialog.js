/** A dialog with a head and a close button. Esc and a click outside close it, too. */

import { Component, createRef, html } from '../html.js';
import { IconButton } from './icon.js';

/** `name` is its class; `onClose` is called once it is closed. */
export class Dialog extends Component {
  dialog = createRef();

  componentDidMount() {
    this.dialog.current.showModal();
  }

  render({ name, title, label, onClose, children }) {
    return html`<dialog class=${`${name} card`} ref=${this.dialog} aria-labelledby=${`chat-${name}`} closedby="any"
      onClose=${onClose}>
      <div class="dialog-head">
        <h2 id=${`chat-${name}`}>${title}</h2>
        <${IconButton} icon="x" label=${label} onClick=${() => this.dialog.current.close()} />
      </div>
      ${children}
    </dialog>`;
  }
}
