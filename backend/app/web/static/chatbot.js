import htm from 'htm';
import { h, render } from 'preact';

const html = htm.bind(h);

customElements.define(
  'chat-bot',
  class extends HTMLElement {
    connectedCallback() {
      render(html`<h1>chat-history</h1>`, this);
    }
  },
);
