/** Everything about the user, as a file. */

import { Component, html } from '../html.js';
import { readExport, save } from '../state/export.js';
import { sizeOf } from '../text/size.js';
import { Refusal } from './form.js';
import { Part } from './part.js';

export class Download extends Component {
  state = { bytes: null, counted: null, problem: null };
  #reading = null;

  componentWillUnmount() {
    this.#reading?.abort();
  }

  render({ app }, { bytes, counted, problem }) {
    const { text } = app;
    return html`<${Part} title=${text.data} lead=${text.dataLead} button=${text.download} open=${bytes !== null}
        toggle=${this.read} said=${bytes === null ? counted && text.downloaded(counted) : text.downloading}>
        <div class="progress">
          <progress aria-label=${text.downloading}></progress>
          <span>${sizeOf(bytes, text)}</span>
          <button type="button" class="button" onClick=${() => this.#reading.abort()}>${text.cancel}</button>
        </div>
      <//>
      ${problem && html`<${Refusal} app=${app} problem=${problem} />`}`;
  }

  read = async () => {
    const { app } = this.props;
    const reading = new AbortController();
    this.#reading = reading;
    this.setState({ bytes: 0, counted: null, problem: null });
    try {
      const response = await app.api.export(reading.signal);
      const { file, counted } = await readExport(response, (bytes) => this.setState({ bytes }));
      save(file, `chat-history-${new Date().toISOString().slice(0, 10)}.jsonl`);
      this.setState({ counted });
    } catch (problem) {
      if (!reading.signal.aborted) this.setState({ problem });
    }
    this.setState({ bytes: null });
  };
}
