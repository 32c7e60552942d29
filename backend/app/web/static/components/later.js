/** What is seldom needed is loaded when it is, with its style. */

import { Component, html } from '../html.js';
import { Problem } from '../state/problem.js';

/**
 * A component that stands for `name` of the module that `load` imports, and is nothing until that and the
 * stylesheet `style` are there. If they do not come, its `onClose` is called, if it has one.
 */
export function later(load, name, style = null) {
  let Part = null;
  return class extends Component {
    componentDidMount() {
      if (Part) return;
      const loaded = load().catch(() => Promise.reject(new Problem('unreachable')));
      Promise.all([loaded, style && addStyles([style])]).then(
        ([module]) => {
          Part = module[name];
          this.forceUpdate();
        },
        (problem) => {
          this.props.app.complain(problem);
          this.props.onClose?.();
        },
      );
    }

    render(properties) {
      return Part && html`<${Part} ...${properties} />`;
    }
  };
}

/** They come from where this module comes from, and all of them are about `chat-bot` alone. Rejects without one. */
export function addStyles(names) {
  const present = new Set(Array.from(document.querySelectorAll('link[rel=stylesheet]'), (link) => link.href));
  const missing = names
    .map((name) => new URL(`../styles/${name}.css`, import.meta.url).href)
    .filter((href) => !present.has(href));
  return Promise.all(
    missing.map((href) => {
      const link = Object.assign(document.createElement('link'), { rel: 'stylesheet', href });
      document.head.append(link);
      return new Promise((loaded, failed) => {
        link.onload = loaded;
        link.onerror = () => {
          link.remove();
          failed(new Problem('unreachable'));
        };
      });
    }),
  );
}
