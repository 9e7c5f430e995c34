// The page's elements: making them, filling them, and what happens when they are clicked.

export const $ = (id) => document.getElementById(id);

/** Makes an element. Text goes in as text, never as markup. */
export function element(tag, { dataset = {}, ...properties } = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  Object.assign(node.dataset, dataset);
  node.append(...children);
  return node;
}

/** A drawing from the page's template; it says nothing that the text beside it does not. */
export function icon(name) {
  return $('icons').content.querySelector(`[data-name="${name}"]`).cloneNode(true);
}

/** Fills a list. Where the focus was on a row that is gone, it moves to `fallback`. */
export function fill(list, rows, empty, fallback) {
  const hadFocus = list.contains(document.activeElement);
  list.replaceChildren(...(rows.length ? rows : [element('li', { className: 'empty' }, empty)]));
  if (hadFocus) fallback.focus();
}

export function badge(node, text, tone) {
  node.textContent = text;
  node.dataset.tone = tone || '';
}

export function formOf(form) {
  return Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ''));
}

/** Hours, minutes and seconds. */
export function clock(seconds) {
  const two = (number) => String(number).padStart(2, '0');
  const whole = Math.floor(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** A point in time, from Unix seconds; its text says how far away it is. */
export function moment(seconds) {
  if (typeof seconds !== 'number') return 'not set';
  const date = new Date(seconds * 1000);
  return element('time', { dateTime: date.toISOString(), title: date.toLocaleString() }, distance(date));
}

export function exactly(seconds) {
  const time = moment(seconds);
  return typeof time === 'string' ? [time] : [time, element('span', { className: 'exact' }, ` · ${time.title}`)];
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

export function distance(date) {
  const seconds = (date - Date.now()) / 1000;
  for (const [unit, length] of [['day', 86400], ['hour', 3600], ['minute', 60]]) {
    if (Math.abs(seconds) >= length) return relative.format(Math.trunc(seconds / length), unit);
  }
  return seconds > 0 ? 'in less than a minute' : 'just now';
}

/** Runs `act` on an event, ignoring more of it while it runs. */
export function on(node, type, act) {
  let busy = false;
  node.addEventListener(type, async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    const button = event.submitter ?? node;
    button.setAttribute('aria-busy', 'true');
    try {
      await act(event);
    } finally {
      busy = false;
      button.removeAttribute('aria-busy');
    }
  });
}

export function deviceName() {
  const agent = navigator.userAgent;
  const find = (names) => names.find(([, pattern]) => pattern.test(agent))?.[0];
  const browser = find([['Edge', /Edg\//], ['Firefox', /Firefox\//], ['Chrome', /Chrome\//], ['Safari', /Safari\//]]) ?? 'Browser';
  const system = find([['Android', /Android/], ['iOS', /iPhone|iPad/], ['Windows', /Windows/], ['macOS', /Mac OS/], ['Linux', /Linux/]]);
  return system ? `${browser} on ${system}` : browser;
}
