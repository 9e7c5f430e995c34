// Requests to the demo's routes, and what the page says of them.

import { $, element } from './dom.js';

export const state = {
  credential: 'cookie',
  tokens: null, // { access, refresh, claims, expiresAt, lifetime, skew, retryAt }
  session: null, // { login, until, lifetime }
  me: { cookie: null, bearer: null },
};

const LOG_ROWS = 50;

/** Sends one request and logs it. Never throws: without an answer, the status is 0. */
export async function send(method, path, { credential = 'none', form, json, note = '' } = {}) {
  const headers = new Headers({ accept: 'application/json, application/problem+json' });
  const bearer = credential === 'bearer' ? state.tokens?.access : undefined;
  if (bearer) headers.set('authorization', `Bearer ${bearer}`);
  if (json !== undefined) headers.set('content-type', 'application/json');
  const answer = { status: 0, ok: false, body: null, error: '', detail: 'The server did not answer.', challenge: {} };
  try {
    const response = await fetch(path, {
      method,
      headers,
      // With a bearer the cookie goes along and the service ignores it; without one it stays here.
      credentials: credential === 'cookie' || bearer ? 'same-origin' : 'omit',
      cache: 'no-store',
      body: json !== undefined ? JSON.stringify(json) : form && new URLSearchParams(form),
    });
    answer.status = response.status;
    answer.ok = response.ok;
    answer.retryAfter = Number(response.headers.get('retry-after')) || 0;
    answer.challenge = challengeOf(response.headers.get('www-authenticate'));
    answer.body = await bodyOf(response);
    answer.error = answer.body?.error ?? answer.challenge.error ?? '';
    answer.detail = detailOf(answer);
  } catch {
    // `answer` already says so.
  }
  log(method, path, answer, credential, note);
  return answer;
}

async function bodyOf(response) {
  const type = response.headers.get('content-type') ?? '';
  const text = await response.text();
  if (!type.includes('json') || text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The parameters of a `WWW-Authenticate` challenge. */
function challengeOf(header) {
  return Object.fromEntries([...(header ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
}

function detailOf({ ok, status, body, challenge, error, retryAfter }) {
  if (ok) return '';
  if (error === 'invalid_grant') return 'This login has ended (invalid_grant).';
  const text = body?.detail ?? body?.error_description ?? challenge.error_description ?? body?.title ?? (error || `Refused with ${status}.`);
  return retryAfter ? `${text} Try again in ${retryAfter} s.` : String(text);
}

export function say(text, tone = 'good') {
  $('status').textContent = redact(text);
  $('status').dataset.tone = tone;
}

/** Says how a request went. Returns whether it went well. */
export function report(answer, success) {
  if (answer.ok) say(success);
  else say(`${answer.status || 'Error'}: ${answer.detail}`, 'bad');
  return answer.ok;
}

/** Shortens whatever looks like a token: long, and with a digit in it. */
function redact(text) {
  return text.replace(/(?=[\w-]*\d)[\w-]{24,}(\.[\w-]+)*/g, (token) => `${token.slice(0, 8)}…`);
}

function log(method, path, answer, credential, note) {
  const { status } = answer;
  const tone = answer.ok ? 'good' : status >= 400 && status < 500 ? 'warn' : 'bad';
  const time = new Date().toLocaleTimeString();
  const message = [time, credential !== 'none' && `by ${credential}`, note, redact(answer.detail)].filter(Boolean).join(' · ');
  $('log').prepend(
    element('li', {},
      element('div', { className: 'log-line' },
        element('code', {}, `${method} ${redact(decodeURI(path))}`),
        element('span', { className: 'badge', dataset: { tone } }, status === 0 ? 'no answer' : String(status))),
      element('div', { className: 'log-note' }, message)),
  );
  while ($('log').childElementCount > LOG_ROWS) $('log').lastElementChild.remove();
}
