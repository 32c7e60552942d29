/** The layout of the page: what is open, and the colours. Partly kept over a reload. */

const KEY = 'chat-history.layout';
export const THEMES = ['system', 'light', 'dark'];

export class Layout {
  /** By the width of the element: `narrow`, the list lies over the conversation; `tight`, the todos do. */
  narrow = false;
  tight = false;
  drawer = false;
  todos = false;
  /** The open dialog: `account`, `shortcuts`, or null. */
  dialog = null;
  /** Whether the list shows the archive. */
  archive = false;

  constructor(changed) {
    this.changed = changed;
    const kept = read();
    this.sidebar = kept.sidebar ?? true;
    this.theme = THEMES.includes(kept.theme) ? kept.theme : 'system';
  }

  get listShown() {
    return this.narrow ? this.drawer : this.sidebar;
  }

  set(changes) {
    Object.assign(this, changes);
    localStorage.setItem(KEY, JSON.stringify({ sidebar: this.sidebar, theme: this.theme }));
    this.changed();
  }

  toggleList = () => this.showList(!this.listShown);

  showList(shown) {
    this.set(this.narrow ? { drawer: shown } : { sidebar: shown });
  }
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}
