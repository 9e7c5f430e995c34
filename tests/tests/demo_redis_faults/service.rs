//! Two demos, the credentials that they have handed out, and who asks about them without a pause.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use auth_tests::{
    Request, Response,
    demo::{Credential, Demo, SharedKeys, Tokens, login},
};

/// The bound of replica mode.
const WITHIN: Duration = Duration::from_secs(1);
/// The deadlines of the demo's store.
const READ: Duration = Duration::from_millis(100);
const WRITE: Duration = Duration::from_secs(2);
/// On top of a deadline: the machine is busy with other tests, and a call that hangs takes longer.
const SLACK: Duration = Duration::from_secs(5);
/// How long the service may take to be itself again.
const RECOVERY: Duration = Duration::from_secs(40);
/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(20);

/// How the demos know what is revoked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// They ask each time.
    Direct,
    /// From a copy.
    Replica,
}

pub(crate) struct Service {
    pub(crate) demos: Vec<Demo>,
    mode: Mode,
    held: Mutex<Held>,
    /// Of each demo, when its last round of questions began, and what it brought.
    rounds: Mutex<Vec<(Instant, Answers)>>,
    is_over: AtomicBool,
}

/// Who has to be let in, and who must not be.
#[derive(Clone, Default)]
struct Held {
    valid: Vec<Credential>,
    dead: Vec<Dead>,
    /// The server has lost data: what was issued before may be refused.
    is_lost: bool,
}

/// Revoked, and that was acknowledged.
#[derive(Clone)]
struct Dead {
    who: Credential,
    what: &'static str,
    /// By which demo, and when.
    at: usize,
    since: Instant,
}

/// What became of the valid credentials in one round.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Answers {
    pub(crate) good: usize,
    pub(crate) unknown: usize,
    /// Only where data was lost.
    pub(crate) refused: usize,
}

/// What is to be taken back, and how.
#[derive(Clone)]
pub(crate) struct Victim {
    /// Who is refused then.
    who: Vec<Credential>,
    pub(crate) what: &'static str,
    /// The request itself names what to refuse, whatever the store says.
    is_named: bool,
    request: Request,
}

/// Ends what is begun on other threads also when a test fails.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Service {
    /// Two demos on the server at a URL.
    pub(crate) fn start(name: &str, mode: Mode, url: &str) -> Self {
        let keys = SharedKeys::new(name);
        // An answer to a refresh that was lost is given again for as long as any fault lasts.
        let flags: &[&str] = match mode {
            Mode::Direct => &["--grace", "5m"],
            Mode::Replica => &["--grace", "5m", "--freshness", "1s"],
        };
        Self {
            demos: (0..2).map(|_| keys.demo(url, flags)).collect(),
            mode,
            held: Mutex::default(),
            rounds: Mutex::new(vec![(Instant::now(), Answers::default()); 2]),
            is_over: AtomicBool::new(false),
        }
    }

    /// Does something while each demo is asked about everything, again and again.
    pub(crate) fn watched(&self, act: impl FnOnce()) {
        thread::scope(|scope| {
            let _ends = Ends(&self.is_over);
            for n in 0..self.demos.len() {
                scope.spawn(move || {
                    let _ends = Ends(&self.is_over);
                    while !self.is_over.load(Ordering::SeqCst) {
                        let began = Instant::now();
                        let answers = self.ask_all(n);
                        let mut rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
                        rounds[n] = (began, answers);
                    }
                });
            }
            act();
        });
    }

    /// Waits until a whole round at each demo, from its first question on after this call, has brought
    /// what is expected.
    pub(crate) fn settle(&self, what: &str, is_it: impl Fn(Answers) -> bool) {
        let from = Instant::now();
        self.eventually(what, || {
            let rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
            let settled = |(began, answers): &(Instant, Answers)| *began >= from && is_it(*answers);
            rounds.iter().all(settled)
        });
    }

    /// Everybody valid is let in, at each demo.
    pub(crate) fn is_well(&self) {
        self.settle("all are let in", |answers| {
            assert_eq!(answers.refused, 0);
            answers.unknown == 0 && answers.good > 0
        });
    }

    /// Tries until it comes true.
    pub(crate) fn eventually(&self, what: &str, mut is_true: impl FnMut() -> bool) {
        let until = Instant::now() + RECOVERY;
        while !is_true() {
            let watched = !self.is_over.load(Ordering::SeqCst);
            assert!(watched, "{what}: who asks has found something wrong");
            assert!(Instant::now() < until, "not within {RECOVERY:?}: {what}");
            thread::sleep(LOOK);
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask_all(&self, n: usize) -> Answers {
        let mut answers = Answers::default();
        let Held { valid, dead, .. } = self.held().clone();
        for who in &valid {
            match self.ask(n, who).status {
                200 => answers.good += 1,
                503 => answers.unknown += 1,
                status => {
                    assert_eq!(status, 401);
                    // Unless it was given up meanwhile.
                    let held = self.held();
                    let is_valid = !held.is_lost && held.valid.contains(who);
                    assert!(!is_valid, "demo {n} refuses a valid {}", who.kind());
                    answers.refused += 1;
                }
            }
        }
        for dead in &dead {
            let sent = Instant::now();
            // A copy may be so old; not where it was revoked.
            let grace = match self.mode {
                Mode::Replica if dead.at != n => WITHIN,
                _ => Duration::ZERO,
            };
            let answer = self.ask(n, &dead.who);
            let is_late = sent >= dead.since + grace;
            assert!(
                answer.status != 200 || !is_late,
                "demo {n} lets in {}",
                dead.what
            );
        }
        answers
    }

    /// Asks who somebody is. In time: it takes the session and a verdict.
    pub(crate) fn ask(&self, n: usize, who: &Credential) -> Response {
        let request = who.on(Request::get("/api/me"));
        let response = self.demos[n].send_within(READ * 2 + SLACK, &request);
        if response.status == 503 {
            is_try_again(&response);
        }
        // A cookie is never taken away.
        assert_eq!(response.header("set-cookie"), None, "{response:?}");
        response
    }

    /// Logs in both ways, if that works; from then on they are valid.
    pub(crate) fn log_in(&self, n: usize, user: &str) -> Option<(Credential, Tokens)> {
        let send = |path| {
            let answer = self.demos[n].send_within(READ + WRITE * 2 + SLACK, &login(path, user));
            match answer.status {
                200 | 204 => Some(answer),
                _ => {
                    is_try_again(&answer);
                    None
                }
            }
        };
        let cookie = auth_tests::demo::SetCookie::of(&send("/session/login")?);
        let session = Credential::Cookie(cookie.expect("a login sets the cookie").pair);
        self.held().valid.push(session.clone());
        let tokens = Tokens::of(&send("/token/login")?);
        self.held().valid.push(tokens.access.clone());
        Some((session, tokens))
    }

    /// Refreshes; the new tokens, if that works.
    pub(crate) fn refresh(&self, n: usize, tokens: &Tokens) -> Option<Tokens> {
        let form = format!("refresh_token={}", tokens.refresh);
        let request = Request::post("/token/refresh").form(&form);
        let answer = self.demos[n].send_within(WRITE + SLACK, &request);
        if answer.status == 200 {
            let tokens = Tokens::of(&answer);
            self.held().valid.push(tokens.access.clone());
            return Some(tokens);
        }
        is_try_again(&answer);
        None
    }

    /// Takes something back at a demo; whether that was acknowledged. From then on it is dead.
    pub(crate) fn end(&self, n: usize, victim: &Victim) -> bool {
        self.held().valid.retain(|who| !victim.who.contains(who));
        let answer = self.demos[n].send_within(READ * 2 + WRITE + SLACK, &victim.request);
        // 401: an attempt that nobody heard of had done it.
        let is_done = matches!(answer.status, 200 | 204 | 401);
        if is_done {
            let since = Instant::now();
            let dead = victim.who.iter().map(|who| Dead {
                who: who.clone(),
                what: victim.what,
                at: n,
                since,
            });
            self.held().dead.extend(dead);
        } else {
            is_try_again(&answer);
        }
        // An attempt is enough where it was made, for what was named in it.
        if is_done || victim.is_named {
            for who in &victim.who {
                let status = self.ask(n, who).status;
                assert_ne!(status, 200, "demo {n} lets in {}", victim.what);
            }
        }
        is_done
    }

    /// From now on what was issued before may be refused.
    pub(crate) fn loses_all(&self) {
        self.held().is_lost = true;
    }

    /// What was issued before is not asked about any more.
    pub(crate) fn start_over(&self) {
        let mut held = self.held();
        held.valid.clear();
        held.is_lost = false;
    }
}

impl Victim {
    /// A session, to be logged out.
    pub(crate) fn session(who: &Credential) -> Self {
        Self {
            who: vec![who.clone()],
            what: "a session that was logged out",
            is_named: false,
            request: who.on(Request::post("/session/logout")),
        }
    }

    /// Everything of a subject, by its session.
    pub(crate) fn everywhere(session: &Credential, tokens: &Tokens) -> Self {
        Self {
            who: vec![session.clone(), tokens.access.clone()],
            what: "somebody who was logged out everywhere",
            is_named: false,
            request: session.on(Request::post("/api/logout-everywhere")),
        }
    }

    /// An access token.
    pub(crate) fn token(tokens: &Tokens) -> Self {
        let by = Self::by("a token that was revoked", tokens, tokens.access.secret());
        Self {
            is_named: true,
            ..by
        }
    }

    /// A login with tokens, by its refresh token.
    pub(crate) fn login(tokens: &Tokens) -> Self {
        let what = "an access token of a login that was revoked";
        Self::by(what, tokens, &tokens.refresh)
    }

    fn by(what: &'static str, tokens: &Tokens, token: &str) -> Self {
        Self {
            who: vec![tokens.access.clone()],
            what,
            // The store is asked first whose it is.
            is_named: false,
            request: Request::post("/token/revoke").form(&format!("token={token}")),
        }
    }
}

/// 503 as it has to be: come again, and stay logged in.
fn is_try_again(response: &Response) {
    assert_eq!(response.status, 503, "{response:?}");
    assert!(response.header("retry-after").is_some(), "{response:?}");
    for name in ["www-authenticate", "set-cookie"] {
        assert_eq!(response.header(name), None, "{response:?}");
    }
}
