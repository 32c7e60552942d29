/** Preact and htm: all components import them from here. */

import { Component, createRef, h, render } from './vendor/preact/dist/preact.mjs';
import htm from './vendor/htm/dist/htm.mjs';

export { Component, createRef, render };

export const html = htm.bind(h);

/**
 * A component that is redrawn only when a property or a field of its state is a different object.
 * So what it is passed is replaced on a change, never modified.
 */
export class Pure extends Component {
  shouldComponentUpdate(properties, state) {
    return differs(this.props, properties) || differs(this.state, state);
  }
}

function differs(one, other) {
  for (const name in one) if (!(name in other)) return true;
  for (const name in other) if (one[name] !== other[name]) return true;
  return false;
}
