/**
 * The messages of a conversation, and the scroll position.
 *
 * At the end, the view follows a growing reply; scrolled up, it stays. Older messages are added above without
 * moving what is read.
 */

import { Component, createRef, html } from '../html.js';
import { copy } from './copy.js';
import { Broken, Failure } from './failure.js';
import { Icon } from './icon.js';
import { Message } from './message.js';
import { Skeleton } from './skeleton.js';

const NEAR_END = 60;
const NEAR_PAGE = 400;
const BROKEN = new Set(['failed', 'interrupted']);

export class ThreadView extends Component {
  scroller = createRef();
  column = createRef();
  state = { away: false };
  /** Whether the view stays at the end. */
  pinned = true;

  componentDidMount() {
    // Late growth, such as code that gets its colours, must not push the end out of view.
    this.growth = new ResizeObserver(() => {
      if (this.pinned) this.toEnd();
      this.measure();
    });
    this.growth.observe(this.column.current);
    this.growth.observe(this.scroller.current);
    this.arrive();
  }

  componentWillUnmount() {
    this.growth.disconnect();
  }

  /** The position of the first message before a change. */
  getSnapshotBeforeUpdate() {
    const first = this.column.current.querySelector('.message');
    return first && { first, top: first.getBoundingClientRect().top };
  }

  componentDidUpdate(before, _, seen) {
    const { messages, thread } = this.props;
    const asked = messages.at(-1)?.id === null && before.messages.at(-1)?.id !== null;
    if (!this.arrived || this.target !== thread.target) this.arrive();
    else if (asked || this.pinned) this.toEnd();
    else if (seen?.first.isConnected) {
      // Messages added above must not move what is read.
      this.scroller.current.scrollTop += seen.first.getBoundingClientRect().top - seen.top;
    }
    this.page();
  }

  /** The first view of the messages: the newest, or the one that the link names. */
  arrive() {
    const { thread } = this.props;
    if (thread.state !== 'ready') return;
    this.arrived = true;
    this.target = thread.target;
    const target = this.column.current.querySelector('[data-target=true]');
    this.pinned = !target;
    if (target) {
      target.scrollIntoView({ block: target.offsetHeight > NEAR_PAGE ? 'start' : 'center' });
      // Shows its mark again on each visit.
      for (const mark of target.getAnimations({ subtree: true })) mark.currentTime = 0;
    } else this.toEnd();
    this.measure();
  }

  render({ app, thread, messages }, { away }) {
    const { text } = app;
    const { turn } = thread;
    const unsent = turn.failure?.unsent;
    const shown = messages.filter((message) => !unsent || message.role === 'user' || message.id !== null);
    const last = shown.at(-1);
    return html`<div class="thread">
      <div class="scroller" ref=${this.scroller} tabindex="0" role="region" aria-label=${text.messages}
        onScroll=${this.scrolled} onClick=${this.clicked}>
        <div class="column" ref=${this.column} onFocusIn=${this.focused}>
          ${thread.state === 'loading' && html`<${Skeleton} rows="6" label=${text.loading} />`}
          ${thread.paging === 'before' && html`<${Skeleton} rows="2" label=${text.older} />`}
          ${thread.pageProblem && html`<p class="page-problem" role="alert">${text.pageFailed}${' '}
            <button type="button" class="text-button" onClick=${this.pageAgain}>${text.tryAgain}</button></p>`}
          <ol class="messages">
            ${shown.map(
              (message, place) => html`<${Message} key=${message.key} app=${app} thread=${thread} message=${message}
                last=${message === last && !thread.hasNewer} busy=${turn.running}
                manifold=${hasVersions(shown[place - 1], message)}
                versions=${thread.versions.get(message.id)}
                target=${message.id === thread.target?.id} />`,
            )}
          </ol>
          ${BROKEN.has(last?.status) && !turn.running && !turn.failure && !thread.hasNewer &&
          html`<${Broken} app=${app} thread=${thread} message=${last} />`}
          ${turn.failure && html`<${Failure} app=${app} turn=${turn} key=${turn.failure.at} />`}
          ${thread.paging === 'after' && html`<${Skeleton} rows="2" label=${text.newer} />`}
        </div>
      </div>
      <button type="button" class="to-end" hidden=${!away} aria-label=${text.toBottom} title=${text.toBottom}
        onClick=${this.back}>
        <${Icon} name="arrow-down" />
      </button>
    </div>`;
  }

  toEnd() {
    const scroller = this.scroller.current;
    this.pinned = true;
    scroller.scrollTop = scroller.scrollHeight;
    this.top = scroller.scrollTop;
  }

  back = async () => {
    const { thread } = this.props;
    if (thread.hasNewer) {
      this.arrived = false;
      await thread.load();
    } else this.toEnd();
    this.setState({ away: false });
  };

  /** Scrolling up stops following; being near the end starts it. */
  scrolled = () => {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller.current;
    const gap = scrollHeight - scrollTop - clientHeight;
    if (gap < NEAR_END && !this.props.thread.hasNewer) this.pinned = true;
    else if (scrollTop < this.top) this.pinned = false;
    this.top = scrollTop;
    this.measure();
    this.page();
  };

  /** Offers a button to the end if it is far away. */
  measure() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller.current;
    const far = scrollHeight - scrollTop - clientHeight > 2 * NEAR_END;
    const away = !this.pinned && (far || this.props.thread.hasNewer);
    if (away !== this.state.away) this.setState({ away });
  }

  /** Editing a question stops following the end. */
  focused = (event) => {
    if (event.target.matches('textarea')) this.pinned = false;
  };

  /** Loads what is about to come into view. */
  page() {
    const { thread, messages } = this.props;
    // A loaded page that is not drawn yet may fill the view.
    if (!this.arrived || thread.paging || thread.pageProblem || messages !== thread.messages) return;
    const { scrollTop, scrollHeight, clientHeight } = this.scroller.current;
    if (scrollTop < NEAR_PAGE) thread.loadOlder();
    else if (scrollHeight - scrollTop - clientHeight < NEAR_PAGE) thread.loadNewer();
  }

  pageAgain = () => {
    const { thread } = this.props;
    thread.pageProblem = null;
    this.page();
  };

  /** The buttons of code blocks are part of the HTML: their clicks arrive here. */
  clicked = (event) => {
    const button = event.target.closest('.copy-code');
    if (button) copy(this.props.app, button.closest('.code').querySelector('pre').textContent);
  };
}

/** A regenerated reply gets a new `seq`: one that does not directly follow its question has versions. */
function hasVersions(question, reply) {
  return reply.role === 'assistant' && question?.role === 'user' && reply.seq > question.seq + 1;
}
