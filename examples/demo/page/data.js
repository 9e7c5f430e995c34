// What the page keeps in the session. It always goes with the cookie.

import { $, element, fill, on } from './dom.js';
import { report, send } from './requests.js';
import { seen } from './tour.js';

// There is no route that lists the names, so the page remembers those it used; never their values.
let dataKeys = new Set(JSON.parse(localStorage.getItem('auth-demo-data-keys') ?? '[]'));

export function rememberKeys(keys) {
  dataKeys = new Set(keys);
  localStorage.setItem('auth-demo-data-keys', JSON.stringify([...dataKeys]));
}

const dataPath = (key) => `/session/data/${encodeURIComponent(key)}`;

export async function saveData() {
  const key = $('data-key').value.trim();
  const answer = await send('PUT', dataPath(key), { credential: 'cookie', json: jsonOf($('data-value').value) });
  if (!report(answer, `Saved “${key}” in the session.`)) return;
  seen('cart');
  rememberKeys([...dataKeys, key]);
  $('data-value').value = '';
  await loadData();
}

async function removeData(key) {
  const answer = await send('DELETE', dataPath(key), { credential: 'cookie' });
  if (!report(answer, `Removed “${key}” from the session.`)) return;
  rememberKeys([...dataKeys].filter((other) => other !== key));
  await loadData();
}

export async function loadData() {
  const keys = [...dataKeys];
  const answers = await Promise.all(keys.map((key) => send('GET', dataPath(key), { credential: 'cookie' })));
  const rows = keys.map((key, i) => ({ key, answer: answers[i] })).filter(({ answer }) => answer.ok && answer.body !== null);
  const gone = keys.filter((_, i) => answers[i].status === 404);
  rememberKeys([...dataKeys].filter((key) => !gone.includes(key)));
  fill($('data-list'), rows.map(dataRow), 'Nothing stored yet.', $('data-key'));
}

/** JSON where it is some, else the text itself. */
function jsonOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function dataRow({ key, answer }) {
  const remove = element('button', { type: 'button', className: 'small', ariaLabel: `Remove ${key}` }, 'Remove');
  on(remove, 'click', () => removeData(key));
  const value = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
  return element('li', { className: 'row', dataset: { key } },
    element('strong', { className: 'row-title' }, key),
    element('span', { className: 'row-value' }, value),
    element('div', { className: 'actions' }, remove));
}
