/** One action of a dialog: its description, a button, and what unfolds in the button's place. */

import { Component, createRef, html } from '../html.js';

/** `said` is announced and stays visible. What unfolds gets the focus; the button gets it back. */
export class Part extends Component {
  button = createRef();
  body = createRef();

  componentDidUpdate({ open }) {
    const { current } = this.body;
    if (open === this.props.open) return;
    if (current) (current.querySelector('input:not([hidden])') ?? current).focus();
    else this.button.current?.focus();
  }

  render({ title, lead, button, danger, open, toggle, said, children }) {
    return html`<section class="part">
      <div>
        <h3>${title}</h3>
        <p>${lead}</p>
      </div>
      ${!open &&
      html`<button type="button" class=${`button ${danger ? 'danger' : ''}`} ref=${this.button} onClick=${toggle}>
        ${button}
      </button>`}
      ${open && html`<div class="part-body" tabindex="-1" ref=${this.body}>${children}</div>`}
      <p class="said" role="status">${said}</p>
    </section>`;
  }
}
