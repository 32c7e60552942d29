/** Grey lines in place of loading content; they appear only after a moment. */

import { html } from '../html.js';

export function Skeleton({ rows, label }) {
  return html`<div class="skeleton" role="status" aria-label=${label}>
    ${Array.from({ length: Number(rows) }, () => html`<span></span>`)}
  </div>`;
}
