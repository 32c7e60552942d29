/** A tool that the assistant used: in words, its outcome, and on request its input and output. */

import { html } from '../html.js';
import { Icon } from './icon.js';

export function ToolCard({ app, part, writing }) {
  const { tools } = app.text;
  const name = part.type.replace(/^tool-/, '');
  const running = part.state === 'input-available' && writing;
  const failed = part.state === 'output-error' || (part.state === 'input-available' && !writing);
  const title = tools.names[name]?.(part.input ?? {}, part.output) ?? tools.other(name.replaceAll('_', ' '));
  const state = running ? 'running' : failed ? 'failed' : 'done';
  const icon = { running: 'loader-circle', failed: 'circle-alert', done: 'circle-check' }[state];
  return html`<details class="tool" data-state=${state}>
    <summary>
      <${Icon} name=${icon} />
      <span class="tool-title" dir="auto">${title}</span>
      <span class="tool-state">${tools[state]}</span>
      <${Icon} name="chevron-down" />
    </summary>
    <dl>
      <dt>${tools.given}</dt>
      <dd><${Value} value=${part.input} label=${tools.given} /></dd>
      ${part.state !== 'input-available' &&
      html`<dt>${tools.result}</dt>
        <dd><${Value} value=${part.errorText ?? part.output} label=${tools.result} /></dd>`}
    </dl>
  </details>`;
}

function Value({ value, label }) {
  const shown = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  return html`<pre tabindex="0" role="group" aria-label=${label}>${shown}</pre>`;
}
