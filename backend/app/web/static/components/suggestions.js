/** Suggested first messages; a click sends one. */

import { html } from '../html.js';

export function Suggestions({ app }) {
  return html`<ul class="suggestions">
    ${app.text.suggestions.map(
      ({ title, text }) => html`<li>
        <button type="button" onClick=${() => app.thread.turn.ask(text)}>
          <strong>${title}</strong><span>${text}</span>
        </button>
      </li>`,
    )}
  </ul>`;
}
