/** How the page is arranged: what is open, and which colours it has. Kept over a reload. */

const KEY = 'chat-history.layout';
export const THEMES = ['system', 'light', 'dark'];

export class Layout {
  /** Set by the width of the element: whether the list, and whether the todos, lie over the conversation. */
  narrow = false;
  tight = false;
  drawer = false;
  todos = false;
  /** The dialog that is open: `account`, `shortcuts`, or null. */
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
