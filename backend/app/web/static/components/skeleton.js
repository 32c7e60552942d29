/** Grey lines where something is about to be; they appear only if it takes a moment. */

import { html } from '../html.js';

export function Skeleton({ rows, label }) {
  return html`<div class="skeleton" role="status" aria-label=${label}>
    ${Array.from({ length: Number(rows) }, () => html`<span></span>`)}
  </div>`;
}
