/** Markdown text, drawn block by block: finished blocks are left alone while the last one grows. */

import { Component, Pure, html } from '../html.js';
import { onHighlighter } from '../text/highlight.js';

export class MessageText extends Component {
  blocks = [];

  shouldComponentUpdate({ source, writing }) {
    return source !== this.props.source || writing !== this.props.writing || this.stale;
  }

  componentDidMount() {
    this.forget = onHighlighter(() => {
      this.stale = true;
      this.forceUpdate();
    });
  }

  componentWillUnmount() {
    this.forget();
  }

  render({ app, source, writing }) {
    this.blocks = app.markdown.blocks(source, this.stale ? [] : this.blocks, !writing);
    this.stale = false;
    return html`<div class="text" dir="auto">
      ${this.blocks.map((block, place) => block.html && html`<${Block} key=${place} content=${block.html} />`)}
    </div>`;
  }
}

class Block extends Pure {
  render({ content }) {
    return html`<div class="block" dir="auto" dangerouslySetInnerHTML=${{ __html: content }}></div>`;
  }
}
