/** Preact and htm, in one place: everything that draws imports from here. */

import { Component, createRef, h, render } from './vendor/preact/dist/preact.mjs';
import htm from './vendor/htm/dist/htm.mjs';

export { Component, createRef, render };

export const html = htm.bind(h);

/**
 * A component that is drawn again only when a property or its state is another object than before.
 * What it is given is therefore replaced on a change, never changed.
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
