//! Every order in which the store's transitions of a few requests of one session can follow each
//! other, and every point at which one of the requests can be cut off: not a sample, all of them.
//!
//! A transition is one atomic step of the store, so its order among others is all there is to an
//! interleaving. (That it is one step is for the stores' own tests.)

mod outcome;

use std::{
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use auth_core::{
    LoginId,
    store::{Load, SessionKey, SessionRecord, Sessions},
};
use auth_session_layer::CookieConfig;
use http::{Request, header};

use self::outcome::{ACTS, Act, Outcome};
use crate::{
    store::Fault,
    support::{Browser, World, failed, ok, put, session_of},
};

/// One way through everything that could happen, from choice to choice.
struct Path(Vec<(usize, usize)>, usize);

impl Path {
    /// One of so many things happens next.
    fn choose(&mut self, of: usize) -> usize {
        if self.1 == self.0.len() {
            self.0.push((0, of));
        }
        let (chosen, before) = self.0[self.1];
        assert_eq!(of, before, "the same choices lead to the same place");
        self.1 += 1;
        chosen
    }

    /// The next way; false after the last.
    fn advance(&mut self) -> bool {
        self.1 = 0;
        while let Some((chosen, of)) = self.0.pop() {
            if chosen + 1 < of {
                self.0.push((chosen + 1, of));
                return true;
            }
        }
        false
    }
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// What a future gives that waits for nobody.
fn now<F: Future>(future: F) -> F::Output {
    let Poll::Ready(output) = poll(pin!(future)) else {
        panic!("the store in memory waits for nobody");
    };
    output
}

/// A request: on its way, answered, or lost, so that nobody knows what became of it.
enum State<F> {
    OnItsWay(Pin<Box<F>>),
    Answered(u16),
    Lost,
}

/// What may happen to one of the requests, at any point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mishap {
    CutOff,
    Fails(Fault),
}

const NONE: &[Mishap] = &[];
const CUT_OFF: &[Mishap] = &[Mishap::CutOff];
const NOT_MADE: &[Mishap] = &[Mishap::Fails(Fault::NotMade)];
const ANSWER_LOST: &[Mishap] = &[Mishap::Fails(Fault::AnswerLost)];

/// Which requests there are, and what may happen to them.
#[derive(Clone, Copy)]
struct Scene<'a> {
    acts: &'a [Act],
    mishaps: &'a [Mishap],
    /// Whether somebody is logged in before.
    logged_in: bool,
    /// Whether the cookie comes under the name that it had before.
    is_old: bool,
}

const OLD: &str = "sid";

/// Sends requests of one browser at once, and lets them go on one by one, as `path` has it.
fn run(world: &World, subject: &str, path: &mut Path, scene: Scene<'_>) -> Outcome {
    let Scene { acts, mishaps, .. } = scene;
    let mut browser = Browser::default();
    now(browser.visit(world, async |session| put(&session, "cart", "tea").await));
    if scene.logged_in {
        now(browser.log_in(world, subject));
    }
    let first = *world.store.established().last().expect("a session");
    let first_login = logins(world, subject).first().copied();

    world.store.pace(true);
    let mut taken = browser.clone();
    let mut keys = vec![first];
    let mut order = String::new();
    let mut mishap: Option<(usize, Mishap)> = None;
    let send = |(name, act): (usize, Act)| {
        let mut request = browser.request();
        if scene.is_old {
            let id = browser.cookie.as_deref().expect("a cookie");
            let old = format!("{OLD}={id}").parse().expect("a header value");
            request.headers_mut().insert(header::COOKIE, old);
        }
        Box::pin(world.send(request, async move |request: Request<String>| {
            let session = session_of(&request);
            match act.run(&session, &name.to_string(), subject).await {
                Ok(()) => ok(),
                Err(error) => failed(&error),
            }
        }))
    };
    let mut requests: Vec<_> = acts
        .iter()
        .copied()
        .enumerate()
        .map(send)
        .map(State::OnItsWay)
        .collect();
    loop {
        let going: Vec<usize> = (0..requests.len())
            .filter(|at| matches!(requests[*at], State::OnItsWay(_)))
            .collect();
        if going.is_empty() {
            break;
        }
        let may_happen = if mishap.is_none() { mishaps } else { NONE };
        let chosen = path.choose(going.len() * (1 + may_happen.len()));
        let at = going[chosen % going.len()];
        let happens = (chosen / going.len()).checked_sub(1).map(|n| may_happen[n]);
        order.push_str(&format!(
            "{at}{} ",
            if happens.is_some() { "!" } else { "" }
        ));
        mishap = mishap.or(happens.map(|happens| (at, happens)));
        let State::OnItsWay(request) = &mut requests[at] else {
            unreachable!("it is on its way");
        };
        if let Some(Mishap::Fails(fault)) = happens {
            world.store.fail_next(Some(fault));
        }
        let next = match happens {
            Some(Mishap::CutOff) => Some(State::Lost),
            _ => match poll(request.as_mut()) {
                Poll::Ready(response) => {
                    let before = taken.clone();
                    taken.take(&response);
                    let status = response.status().as_u16();
                    let failed = mishap.is_some_and(|(whose, _)| whose == at) && status != 200;
                    assert!(
                        !failed || taken.cookie.is_some() || before == taken,
                        "{order}"
                    );
                    Some(if failed {
                        State::Lost
                    } else {
                        State::Answered(status)
                    })
                }
                Poll::Pending => None,
            },
        };
        // Before its first transition there is nothing that could fail.
        world.store.fail_next(None);
        if let Some(next) = next {
            requests[at] = next;
        }
    }
    let statuses: Vec<Option<u16>> = requests
        .into_iter()
        .map(|request| match request {
            State::Answered(status) => Some(status),
            State::Lost => None,
            State::OnItsWay(_) => unreachable!("all were answered"),
        })
        .collect();
    world.store.pace(false);
    world.heard();
    world.store.calls();
    keys.extend(world.store.established());
    let live = keys
        .iter()
        .filter_map(|key| Some((*key, load(world, key)?)));
    Outcome {
        at: format!("{acts:?} in the order {order}: {statuses:?}, {mishap:?}"),
        failed: mishap
            .filter(|(_, happened)| *happened != Mishap::CutOff)
            .map(|(at, _)| at),
        acts: acts.iter().copied().zip(statuses).collect(),
        live: live.collect(),
        first,
        first_login,
        listed: logins(world, subject),
        has_cart: now(taken.field(world, "cart")).is_some(),
    }
}

fn load(world: &World, key: &SessionKey) -> Option<Arc<SessionRecord>> {
    match now(world.store.inner.load(key)).expect("available") {
        Load::Live(record) => Some(record),
        _ => None,
    }
}

fn logins(world: &World, subject: &str) -> Vec<LoginId> {
    let infos = now(world.logins(subject));
    infos.into_iter().map(|info| info.login).collect()
}

/// Goes every way of these requests; how many there were.
fn explore(scene: Scene<'_>) -> usize {
    let cookie = CookieConfig::new().also_read(OLD);
    let world = World::with(|builder| builder.cookie(cookie));
    let (mut path, mut ways) = (Path(Vec::new(), 0), 0);
    loop {
        run(&world, &format!("alice-{ways}"), &mut path, scene).check();
        ways += 1;
        if !path.advance() {
            return ways;
        }
    }
}

/// Goes every way of every two requests.
fn explore_pairs(mishaps: &[Mishap], is_old: bool) -> usize {
    let mut ways = 0;
    for (at, one) in ACTS.into_iter().enumerate() {
        for two in &ACTS[at..] {
            for logged_in in [false, true] {
                ways += explore(Scene {
                    acts: &[one, *two],
                    mishaps,
                    logged_in,
                    is_old,
                });
            }
        }
    }
    ways
}

#[test]
fn two_requests_in_every_order_do_what_they_were_answered() {
    assert!(explore_pairs(NONE, false) > 1_000);
}

#[test]
fn two_requests_with_the_cookies_old_name_in_every_order() {
    assert!(explore_pairs(NONE, true) > 1_000);
}

#[test]
fn two_requests_of_which_one_is_cut_off_anywhere() {
    assert!(explore_pairs(CUT_OFF, false) > 10_000);
}

#[test]
fn two_requests_of_which_the_store_fails_one_anywhere() {
    assert!(explore_pairs(NOT_MADE, false) > 5_000);
}

#[test]
fn two_requests_of_which_one_loses_an_answer_anywhere() {
    assert!(explore_pairs(ANSWER_LOST, false) > 5_000);
}

#[test]
fn three_requests_in_every_order() {
    for (acts, logged_in) in [
        ([Act::Login, Act::Write, Act::Count], false),
        ([Act::Login, Act::Logout, Act::Read], false),
        ([Act::Rotate, Act::Write, Act::Count], true),
    ] {
        let ways = explore(Scene {
            acts: &acts,
            mishaps: NONE,
            logged_in,
            is_old: false,
        });
        assert!(ways > 1_000, "{acts:?}: {ways}");
    }
}
