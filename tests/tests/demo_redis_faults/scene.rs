//! One fault from its beginning to its end.

use auth_tests::{Proxy, Redis, demo::Tokens};

use crate::service::{Mode, Service, Victim};

/// A fault, how it is made, and what is to be expected of it.
pub(crate) struct Fault {
    /// Options of the server.
    pub(crate) options: &'static [&'static str],
    pub(crate) begin: fn(&mut Servers),
    pub(crate) end: fn(&mut Servers),
    /// Whether Redis can be asked while it lasts.
    pub(crate) reads: Works,
    /// Whether it can be written to.
    pub(crate) writes: Works,
    pub(crate) after: After,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Works {
    Yes,
    No,
    /// Sometimes.
    Perhaps,
}

/// What is left after a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum After {
    Kept,
    /// All of it is refused, from the beginning of the fault on.
    LostAtOnce,
    /// All of it is refused once the fault is over.
    LostThen,
}

pub(crate) struct Servers {
    pub(crate) redis: Redis,
    /// Between the demos and the server.
    pub(crate) proxy: Proxy,
}

/// All that can be taken back, at one demo.
struct Logins {
    victims: Vec<Victim>,
    kept: Tokens,
}

impl Fault {
    /// Drives it; the name is no other test's.
    pub(crate) fn drive(&self, name: &str, mode: Mode) {
        let redis = Redis::start(self.options);
        let proxy = Proxy::to(redis.address());
        let service = Service::start(name, mode, &proxy.url());
        let mut servers = Servers { redis, proxy };
        service.watched(|| {
            let before = logins(&service, 0, 1);
            for victim in &before.victims {
                end(&service, 0, victim);
            }
            let spare = [logins(&service, 0, 2), logins(&service, 1, 3)];
            service.is_well();

            if self.after == After::LostAtOnce {
                service.loses_all();
            }
            (self.begin)(&mut servers);
            self.meanwhile(&service, &spare);
            if self.after == After::LostThen {
                service.loses_all();
            }
            (self.end)(&mut servers);
            self.afterwards(&service, &spare);
        });
    }

    fn meanwhile(&self, service: &Service, spare: &[Logins]) {
        match (self.after, self.reads) {
            (After::LostAtOnce, _) => {
                service.settle("what is older is refused", |answers| {
                    answers.good + answers.unknown == 0
                });
                service.start_over();
            }
            (_, Works::Yes) => service.is_well(),
            // A copy answers until it is too old.
            (_, Works::No) => service.settle("nobody is let in", |answers| {
                assert_eq!(answers.refused, 0);
                answers.good == 0
            }),
            (_, Works::Perhaps) => {}
        }
        let check = |done: bool, what: &str| match self.writes {
            Works::Yes => assert!(done, "{what} works meanwhile"),
            Works::No => assert!(!done, "{what} does not work meanwhile"),
            Works::Perhaps => {}
        };
        for (n, logins) in spare.iter().enumerate() {
            // All but one of them: that one is kept, if it can be.
            // More than once, as somebody does who is told that it failed.
            for victim in logins.victims.iter().chain(&logins.victims) {
                let done = service.end(n, victim);
                if self.after != After::LostAtOnce {
                    check(done, victim.what);
                }
            }
            check(service.log_in(n, "user-4").is_some(), "a login");
            if self.after != After::LostAtOnce {
                check(service.refresh(n, &logins.kept).is_some(), "a refresh");
            }
        }
    }

    /// All is well again, by itself.
    fn afterwards(&self, service: &Service, spare: &[Logins]) {
        match self.after {
            After::Kept => service.is_well(),
            After::LostAtOnce => {}
            After::LostThen => {
                service.settle("what is older is refused", |answers| {
                    answers.good + answers.unknown == 0
                });
                service.start_over();
            }
        }
        for (n, before) in spare.iter().enumerate() {
            if self.after == After::Kept {
                service.eventually("a refresh works", || {
                    service.refresh(n, &before.kept).is_some()
                });
                // Nobody knows of those that were not acknowledged: so they are ended once more.
                for victim in &before.victims {
                    end(service, n, victim);
                }
            }
            let new = logins(service, n, 5);
            service.is_well();
            for victim in &new.victims {
                end(service, n, victim);
            }
        }
        service.is_well();
    }
}

/// Logs in at a demo as often as it takes to have a login for each way to end one, and one more.
fn logins(service: &Service, n: usize, user: usize) -> Logins {
    let log_in = |user: usize| {
        let user = format!("user-{user}");
        let mut login = None;
        service.eventually("a login works", || {
            login = service.log_in(n, &user);
            login.is_some()
        });
        login.expect("it works")
    };
    // Another one each time: what ends everything of one ends nothing else.
    let everywhere = log_in(user + 10);
    let ((session, token), (_, login), (_, kept)) = (log_in(user), log_in(user), log_in(user));
    Logins {
        victims: vec![
            Victim::session(&session),
            Victim::token(&token),
            Victim::login(&login),
            Victim::everywhere(&everywhere.0, &everywhere.1),
        ],
        kept,
    }
}

fn end(service: &Service, n: usize, victim: &Victim) {
    service.eventually(victim.what, || service.end(n, victim));
}
