// The demo's page: plain requests to the demo's routes, and what they answer.
//
// The cookie is HttpOnly, so the page knows of a session only by asking. The tokens live in `state`
// and nowhere else: a reload forgets them, and other tabs never see them.

import { loadData, rememberKeys, saveData } from './data.js';
import { $, badge, clock, deviceName, distance, element, exactly, fill, formOf, icon, moment, on } from './dom.js';
import { report, say, send, state } from './requests.js';
import { renderTour, seen } from './tour.js';

const REFRESH_BEFORE = 20; // seconds
const RETRY_AFTER = 5; // seconds

// The cookie session

async function logIn(event) {
  const form = formOf(event.target);
  const answer = await send('POST', '/session/login', { credential: 'cookie', form });
  if (!report(answer, `Logged in as ${form.user} with a cookie session.`)) return;
  seen('login');
  $('session-password').value = '';
  choose('cookie');
  await Promise.all([refreshView(), loadData()]);
}

async function logOut() {
  const answer = await send('POST', '/session/logout', { credential: 'cookie' });
  if (!report(answer, 'Logged out of the session; its data is gone.')) return;
  rememberKeys([]);
  await Promise.all([refreshView(), loadData()]);
}

// The tokens

async function getTokens(event) {
  const form = formOf(event.target);
  const answer = await send('POST', '/token/login', { form });
  if (!report(answer, `Logged in as ${form.user} with tokens.`)) return;
  seen('tokens');
  $('token-password').value = '';
  keepTokens(answer.body);
  choose('bearer');
  await refreshView();
}

function keepTokens({ access_token: access, refresh_token: refresh, expires_in: expiresIn }) {
  const claims = claimsOf(access);
  const now = Date.now() / 1000;
  const issuedAt = claims.iat ?? now;
  const expiresAt = claims.exp ?? issuedAt + expiresIn;
  // A token is issued "now" by the server's clock, which need not be ours.
  state.tokens = { access, refresh, claims, expiresAt, lifetime: expiresAt - issuedAt, skew: issuedAt - now, retryAt: 0 };
  renderTokens();
}

function dropTokens(why) {
  state.tokens = null;
  state.me.bearer = null;
  renderTokens();
  $('token-expiry').textContent = why;
}

let refreshing = null;

/** Trades the refresh token for a new pair, one request at a time. Resolves to the answer. */
function refreshTokens(note = '') {
  if (!refreshing) refreshing = refreshOnce(note).finally(() => { refreshing = null; });
  return refreshing;
}

async function refreshOnce(note) {
  const before = state.tokens;
  const answer = await send('POST', '/token/refresh', { form: { refresh_token: before.refresh }, note });
  // Unless they were revoked, or replaced by another login, while the request was under way.
  if (state.tokens === before) {
    if (answer.ok) keepTokens(answer.body);
    else if (answer.error === 'invalid_grant') dropTokens('Login ended');
    else before.retryAt = Date.now() / 1000 + (answer.retryAfter || RETRY_AFTER);
  }
  return answer;
}

async function refreshNow() {
  const answer = await refreshTokens();
  await refreshView();
  report(answer, 'The access token was refreshed.');
}

async function refreshByItself() {
  const answer = await refreshTokens('automatic');
  report(answer, 'The access token was refreshed by itself.');
  if (state.credential === 'bearer' || !answer.ok) await refreshView();
}

/** Revokes the login by its refresh token, then shows that the unexpired access token died with it. */
async function revokeTokens() {
  const answer = await send('POST', '/token/revoke', { form: { token: state.tokens.refresh } });
  if (!answer.ok) return report(answer);
  const probe = await send('GET', '/api/me', { credential: 'bearer', note: 'the revoked token, once more' });
  dropTokens('Revoked');
  await refreshView();
  if (probe.status === 401) seen('revoke');
  say(probe.status === 401 ? 'Revoked. The access token was refused at once, though it had not expired.' : 'Revoked.');
}

/** The claims of a JWT, unverified: the service checks, the page only shows. */
function claimsOf(token) {
  try {
    const bytes = atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/'));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, (c) => c.charCodeAt(0))));
  } catch {
    return {};
  }
}

function secondsLeft() {
  const { expiresAt, skew } = state.tokens;
  return expiresAt - skew - Date.now() / 1000;
}

function tick() {
  renderExpiry();
  renderSession();
  if (!state.tokens || !$('token-auto').checked) return;
  // A lifetime below 40 s would otherwise be spent refreshing.
  const due = Math.min(REFRESH_BEFORE, state.tokens.lifetime / 2);
  if (!refreshing && secondsLeft() < due && Date.now() / 1000 >= state.tokens.retryAt) refreshByItself();
}

// The API

/** Sends a request to the API with the chosen credential; a refused access token is renewed once. */
async function api(method, path, options = {}) {
  const request = { credential: state.credential, ...options };
  const answer = await send(method, path, request);
  const renewable = request.credential === 'bearer' && answer.error === 'invalid_token' && state.tokens;
  // With the automatic refresh off, an expired token stays expired: there is something to see.
  if (!renewable || !($('token-auto').checked || secondsLeft() > 0)) return answer;
  return (await refreshTokens('automatic')).ok ? send(method, path, request) : answer;
}

/** Asks whom a credential stands for. Resolves to whether the service could tell. */
async function loadMe(credential) {
  if (credential === 'bearer' && !state.tokens) {
    state.me.bearer = null;
    return true;
  }
  const answer = await api('GET', '/api/me', { credential });
  // An outage says nothing about who one is.
  if (answer.status === 0 || answer.status >= 500) return report(answer);
  state.me[credential] = answer.ok ? answer.body : null;
  if (credential === 'cookie') keepSession(answer.body);
  return true;
}

async function loadLogins() {
  if (!state.me[state.credential]) return renderLogins([]);
  const answer = await api('GET', '/api/logins');
  if (answer.ok) renderLogins(answer.body);
  else report(answer);
}

/** Asks again who each credential stands for, then for the devices. */
async function refreshView() {
  const told = await Promise.all([loadMe('cookie'), loadMe('bearer')]);
  render();
  await loadLogins();
  return told.every(Boolean);
}

async function askAgain() {
  if (await refreshView()) sayWho();
}

function sayWho() {
  const by = state.credential === 'cookie' ? 'cookie' : 'bearer token';
  const me = state.me[state.credential];
  say(me ? `By ${by}, the service sees ${me.subject}.` : `By ${by}, the service sees nobody.`, 'calm');
}

function choose(credential) {
  state.credential = credential;
  $(`credential-${credential}`).checked = true;
  $('step-up').hidden = true;
  $('admin-result').textContent = '';
  render();
}

async function switchCredential(event) {
  choose(event.target.value);
  await askAgain();
}

async function endLogin(entry) {
  const answer = await api('DELETE', `/api/logins/${encodeURIComponent(entry.login)}`);
  const name = entry.device || `the ${entry.kind}`;
  if (!report(answer, `Ended ${name}.`)) return;
  seen('end');
  await refreshView();
}

async function endOthers() {
  if (!report(await api('DELETE', '/api/logins'), 'All your other logins have ended.')) return;
  seen('end');
  await refreshView();
}

async function logOutEverywhere() {
  if (!report(await api('POST', '/api/logout-everywhere'), 'Logged out everywhere.')) return;
  if (state.credential === 'cookie') rememberKeys([]);
  await Promise.all([refreshView(), loadData()]);
}

async function callAdmin() {
  const answer = await api('GET', '/api/admin');
  const text = answer.ok ? `${answer.status}: allowed` : `${answer.status}: ${answer.detail}`;
  $('admin-result').textContent = text;
  $('admin-result').dataset.tone = answer.ok ? 'good' : 'bad';
  report(answer, 'The admin endpoint let you in.');
}

async function changePassword() {
  $('step-up').hidden = true;
  const answer = await api('POST', '/api/password', { form: { password: $('password-new').value } });
  if (answer.error === 'insufficient_user_authentication') {
    const minutes = Math.round(Number(answer.challenge.max_age ?? 300) / 60);
    $('step-up-text').textContent = `Your login is older than ${minutes} minutes. Log in again to confirm that it is you, then change the password.`;
    $('step-up').hidden = false;
  }
  if (!report(answer, 'Allowed: your other logins have ended. The demo itself keeps the old password.')) return;
  $('password-new').value = '';
  await refreshView();
}

function logInAgain() {
  const kind = state.credential === 'cookie' ? 'session' : 'token';
  $(`${kind}-user`).value = state.me[state.credential]?.subject ?? '';
  $(`${kind}-password`).focus();
}

// What is shown

function render() {
  const { cookie, bearer } = state.me;
  badge($('session-state'), cookie?.subject ?? 'anonymous', cookie && 'good');
  badge($('token-state'), bearer?.subject ?? (state.tokens ? 'refused' : 'none'), bearer ? 'good' : state.tokens && 'warn');
  renderMe(state.me[state.credential]);
  const anybody = Boolean(state.me[state.credential]);
  for (const id of ['end-others', 'logout-everywhere', 'password-submit']) $(id).disabled = !anybody;
  $('password-user').value = state.me[state.credential]?.subject ?? '';
  renderSession();
  renderTokens();
}

function renderMe(me) {
  if (!me) {
    const text = state.credential === 'cookie' ? 'Nobody: there is no logged-in cookie session.' : 'Nobody: there is no valid token.';
    return $('me').replaceChildren(element('p', { className: 'empty' }, text));
  }
  const facts = [
    ['Subject', element('strong', {}, me.subject)],
    ['Login', element('span', { className: 'mono' }, me.login ?? 'none')],
    ['Kind', me.kind],
    ['Scopes', (me.scopes ?? []).join(', ') || 'none'],
    ['Logged in', ...exactly(me.auth_time)],
    ['Expires', ...exactly(me.expires_at)],
  ];
  $('me').replaceChildren(element('dl', { className: 'facts' },
    ...facts.map(([name, ...value]) => element('div', {}, element('dt', {}, name), element('dd', {}, ...value)))));
}

function renderTokens() {
  for (const id of ['token-refresh', 'token-revoke']) $(id).disabled = !state.tokens;
  $('token-claims').textContent = state.tokens ? JSON.stringify(state.tokens.claims, null, 2) : 'No token';
  renderExpiry();
}

function renderExpiry() {
  if (!state.tokens) {
    // Unless it already says why there is none.
    const none = $('token-expiry').dataset.state === 'none' ? $('token-expiry').textContent : 'No token';
    return countdown('token', null, 0, none);
  }
  countdown('token', secondsLeft(), state.tokens.lifetime);
}

function renderSession() {
  if (!state.session) return countdown('session', null, 0, 'Not logged in');
  countdown('session', state.session.until - Date.now() / 1000, state.session.lifetime);
}

/** Notes until when the cookie's session lasts, and the longest that it was seen to. */
function keepSession(me) {
  const until = me?.expires_at;
  if (typeof until !== 'number') return (state.session = null);
  const left = until - Date.now() / 1000;
  const before = state.session?.login === me.login ? state.session.lifetime : 0;
  state.session = { login: me.login, until, lifetime: Math.max(before, left) };
}

/** Shows what is left of a login or a token; `none` where there is none. */
function countdown(kind, left, lifetime, none = '') {
  const expiry = $(`${kind}-expiry`);
  if (left === null) {
    expiry.dataset.state = 'none';
    expiry.textContent = none;
  } else {
    expiry.dataset.state = left <= 0 ? 'expired' : left < REFRESH_BEFORE ? 'expiring' : 'valid';
    expiry.textContent = left <= 0 ? `expired ${clock(-left)} ago` : `expires in ${clock(left)}`;
  }
  $(`${kind}-bar`).value = left === null ? 0 : Math.min(1, Math.max(0, left / lifetime));
}

function renderLogins(entries) {
  const rows = [...entries].sort((a, b) => Number(b.current) - Number(a.current) || b.last_seen_at - a.last_seen_at);
  const empty = state.me[state.credential] ? 'No logins.' : 'Log in to see your devices.';
  fill($('logins'), rows.map(loginRow), empty, $('logins-title'));
}

function loginRow(entry) {
  const name = entry.device || 'Unnamed device';
  const end = element('button', { type: 'button', className: 'small', ariaLabel: `End ${name}, ${entry.kind}` }, 'End');
  on(end, 'click', () => endLogin(entry));
  return element('li', { className: 'row', dataset: { login: entry.login, kind: entry.kind, current: String(entry.current) } },
    icon(entry.kind),
    element('div', { className: 'row-title' },
      element('strong', {}, name),
      element('span', { className: 'badge' }, entry.kind),
      ...(entry.current ? [element('span', { className: 'badge', dataset: { tone: 'accent' } }, 'this one')] : [])),
    element('div', { className: 'row-facts' },
      element('span', {}, 'Logged in ', moment(entry.created_at)),
      element('span', {}, 'Last seen ', moment(entry.last_seen_at)),
      element('span', { className: 'mono' }, entry.login)),
    element('div', { className: 'actions' }, end));
}

// Start

on($('session-form'), 'submit', logIn);
on($('session-logout'), 'click', logOut);
on($('token-form'), 'submit', getTokens);
on($('token-refresh'), 'click', refreshNow);
on($('token-revoke'), 'click', revokeTokens);
on($('me-reload'), 'click', askAgain);
on($('logins-reload'), 'click', askAgain);
on($('end-others'), 'click', endOthers);
on($('logout-everywhere'), 'click', logOutEverywhere);
on($('admin-call'), 'click', callAdmin);
on($('password-form'), 'submit', changePassword);
on($('step-up-login'), 'click', logInAgain);
on($('data-form'), 'submit', saveData);
$('credential').addEventListener('change', switchCredential);
$('log-clear').addEventListener('click', () => $('log').replaceChildren());
for (const chip of document.querySelectorAll('.chip')) {
  chip.addEventListener('click', () => {
    for (const kind of ['session', 'token']) {
      $(`${kind}-user`).value = chip.dataset.user;
      $(`${kind}-password`).value = chip.dataset.password;
    }
    say(`Filled in ${chip.dataset.user}: log in with either form.`, 'calm');
  });
}

for (const title of document.querySelectorAll('[data-icon]')) title.prepend(icon(title.dataset.icon));
renderTour();
$('session-device').value = deviceName();
$('token-device').value = `${deviceName()}, tokens`;
setInterval(tick, 1000);
setInterval(() => {
  for (const time of document.querySelectorAll('time')) time.textContent = distance(new Date(time.dateTime));
}, 20000);

async function start() {
  say('Not logged in.', 'calm');
  render();
  await Promise.all([refreshView(), loadData()]);
  if (state.me.cookie) say(`Welcome back, ${state.me.cookie.subject}.`, 'calm');
}

start();
