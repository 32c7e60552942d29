/** The icons: one sprite, put into the element once, so that it also works in another site's page. */

import { html } from '../html.js';

const SPRITE = new URL('../vendor/icons.svg', import.meta.url);

/** Loads the sprite into `element`. As XML, which unlike text of HTML needs no trust. */
export function loadIcons(element) {
  const request = new XMLHttpRequest();
  request.open('GET', SPRITE);
  request.responseType = 'document';
  request.overrideMimeType('image/svg+xml');
  request.onload = () => {
    const sprite = request.responseXML?.documentElement;
    if (!sprite || element.querySelector('.sprite')) return;
    const own = document.importNode(sprite, true);
    own.setAttribute('class', 'sprite');
    own.setAttribute('aria-hidden', 'true');
    element.append(own);
  };
  request.send();
}

export function Icon({ name }) {
  return html`<svg class="icon" aria-hidden="true"><use href=${`#${name}`} /></svg>`;
}

/** A button that is only an icon; `label` is its name and its tooltip. */
export function IconButton({ icon, label, ...rest }) {
  return html`<button type="button" class="icon-button" aria-label=${label} title=${label} ...${rest}>
    <${Icon} name=${icon} />
  </button>`;
}
