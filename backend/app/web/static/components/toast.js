/** The notes at the foot of the page. */

import { html } from '../html.js';
import { IconButton } from './icon.js';

export function Toasts({ app }) {
  const { toasts, text } = app;
  return html`<div class="toasts" role="status">
    ${toasts.items.map(
      (toast) => html`<div class="toast" key=${toast.number}
        onMouseEnter=${() => toasts.hold(toast)} onMouseLeave=${() => toasts.start(toast)}
        onFocusIn=${() => toasts.hold(toast)} onFocusOut=${() => toasts.start(toast)}>
        <span>${toast.text}</span>
        ${toast.action &&
        html`<button type="button" class="text-button" onClick=${() => toasts.act(toast)}>${toast.action}</button>`}
        <${IconButton} icon="x" label=${text.close} onClick=${() => toasts.drop(toast)} />
      </div>`,
    )}
  </div>`;
}
