/** The icons: one sprite, put into the element, so that it also works on other sites. */

import { html } from '../html.js';

const SPRITE = new URL('../vendor/icons.svg', import.meta.url);

/** Loads the sprite into `element`, as XML, which unlike HTML text needs no Trusted Types. */
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

/** A button with only an icon; `label` is its name and tooltip. */
export function IconButton({ icon, label, ...rest }) {
  return html`<button type="button" class="icon-button" aria-label=${label} title=${label} ...${rest}>
    <${Icon} name=${icon} />
  </button>`;
}
