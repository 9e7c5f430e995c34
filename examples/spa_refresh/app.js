// The tokens: the refresh token is shared by all tabs, the access token lives in one tab's memory.
// Whatever script runs on this page can read both: that is what the Content-Security-Policy is for.
let access = null;
const refreshToken = {
  get: () => localStorage.getItem("refresh_token"),
  set: (token) => localStorage.setItem("refresh_token", token),
  remove: () => localStorage.removeItem("refresh_token"),
};

class LoggedOut extends Error {}
class TryAgain extends Error {}

function post(path, params) {
  return fetch(path, { method: "POST", body: new URLSearchParams(params) });
}

async function login(user) {
  const response = await post("/token", { user });
  if (!response.ok) throw new TryAgain(`log in: ${response.status}`);
  keep(await response.json());
}

function keep(tokens) {
  // First what is needed to go on, and only then what is used now: a tab that is closed in between
  // has lost nothing.
  refreshToken.set(tokens.refresh_token);
  access = tokens.access_token;
}

// One refresh at a time, in all tabs: the lock is the origin's. A tab that waited takes the token that
// the one before it has kept. (Two that refresh at once would both stay in, for 30 seconds: the server
// gives the same successor. After that an old token is taken for a stolen one.)
function refresh() {
  return navigator.locks.request("refresh", async () => {
    const token = refreshToken.get();
    if (!token) throw new LoggedOut("no refresh token");
    const response = await post("/token/refresh", { grant_type: "refresh_token", refresh_token: token });
    if (response.ok) {
      keep(await response.json());
      say("refreshed");
      return;
    }
    const { error } = await response.json().catch(() => ({}));
    if (error === "invalid_grant") {
      refreshToken.remove();
      access = null;
      throw new LoggedOut("the login is over");
    }
    // The server could not tell: the same token is good for another try.
    throw new TryAgain(`refresh: ${response.status}`);
  });
}

// Asks with the access token; once more with a new one where it is refused.
async function ask(path) {
  for (const isLast of [false, true]) {
    if (access === null) await refresh();
    const response = await fetch(path, { headers: { authorization: `Bearer ${access}` } });
    if (response.status !== 401 || isLast) return response;
    access = null;
  }
}

async function logout() {
  const token = refreshToken.get();
  // Ends the login on the server, and every access token of it.
  if (token) {
    const response = await post("/token/revoke", { token });
    if (!response.ok) throw new TryAgain(`log out: ${response.status}`);
  }
  refreshToken.remove();
  access = null;
}

function say(text) {
  const item = document.createElement("li");
  item.textContent = `${new Date().toLocaleTimeString()} ${text}`;
  document.getElementById("log").prepend(item);
}

async function show() {
  let who = "nobody";
  try {
    const response = await ask("/api/me");
    if (response.ok) who = await response.text();
    else say(`/api/me: ${response.status}`);
  } catch (error) {
    if (!(error instanceof LoggedOut)) say(error.message);
  }
  document.getElementById("who").textContent = who;
}

const on = (id, act) =>
  document.getElementById(id).addEventListener("click", () =>
    act().catch((error) => say(error.message)).then(show));
on("login", () => login("alice"));
on("logout", logout);
setInterval(show, 5000);
show();
