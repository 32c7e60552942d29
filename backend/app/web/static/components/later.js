/** Loads rarely used components on demand, with their styles. */

import { Component, html } from '../html.js';
import { Problem } from '../state/problem.js';

/**
 * A component that stands for `name` of the module that `load` imports, and is empty until that and the
 * stylesheet `style` are loaded. If that fails, its `onClose` is called, if it has one.
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

/** Loads styles from this module's server; all apply to `chat-bot` alone. Rejects if one fails. */
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
