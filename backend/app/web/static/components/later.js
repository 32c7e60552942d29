/** What is seldom needed is loaded when it is. */

import { Component, html } from '../html.js';

/** A component that stands for `name` of the module that `load` imports, and is nothing until it is there. */
export function later(load, name) {
  let Part = null;
  return class extends Component {
    componentDidMount() {
      if (Part) return;
      load().then(
        (module) => {
          Part = module[name];
          this.forceUpdate();
        },
        (error) => this.props.app.complain(error),
      );
    }

    render(properties) {
      return Part && html`<${Part} ...${properties} />`;
    }
  };
}
