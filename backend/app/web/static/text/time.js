/** Times for people. Days are local calendar days, not spans of 24 hours. */

const DAY = 24 * 60 * 60 * 1000;

const formats = new Map();

/** Creating a format takes as long as drawing a message, so each is created once. */
function formatted(date, text, options) {
  const key = text.language + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(text.language, options));
  return formats.get(key).format(date);
}

/** How many midnights lie between a time and now. */
function daysAgo(date, now) {
  const midnight = (of) => new Date(of.getFullYear(), of.getMonth(), of.getDate()).getTime();
  return Math.round((midnight(now) - midnight(date)) / DAY);
}

/** The heading of the list for a conversation of that time. */
export function groupOf(time, text, now = new Date()) {
  const date = new Date(time);
  const days = daysAgo(date, now);
  if (days <= 0) return text.groups.today;
  if (days === 1) return text.groups.yesterday;
  if (days <= 7) return text.groups.week;
  if (days <= 30) return text.groups.month;
  return formatted(date, text, { month: 'long', year: 'numeric' });
}

/** Short, for use beside a message: "Today 14:32", "21 Nov 2026, 14:32". */
export function shortTime(time, text, now = new Date()) {
  const date = new Date(time);
  const days = daysAgo(date, now);
  const clock = formatted(date, text, { timeStyle: 'short' });
  if (days === 0) return `${text.groups.today} ${clock}`;
  if (days === 1) return `${text.groups.yesterday} ${clock}`;
  const year = date.getFullYear() === now.getFullYear() ? undefined : 'numeric';
  return formatted(date, text, { day: 'numeric', month: 'short', year, hour: 'numeric', minute: '2-digit' });
}

/** The day alone: "Nov 21, 2026". */
export function dateOf(time, text) {
  return formatted(new Date(time), text, { dateStyle: 'medium' });
}

/** Date and time in full, for a tooltip. */
export function fullTime(time, text) {
  return formatted(new Date(time), text, { dateStyle: 'full', timeStyle: 'medium' });
}
