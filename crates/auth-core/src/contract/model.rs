//! Cases: long runs of random steps, against a model that is too simple to be wrong.

use std::time::Duration;

use super::{
    family::{Family, GRACE, forged, start, successor_in},
    random::Dice,
    world::{MS, SECOND, World, admission, neighbour},
};
use crate::{
    LoginId, Timestamp, Verdict,
    revocation::MAX_LIFETIME,
    store::{Admission, Lifetimes, LoginKind, Presented, Rotated},
};

const IDLE: Duration = Duration::from_secs(600);
const LIMITS: Lifetimes = Lifetimes {
    idle: Some(IDLE),
    absolute: Duration::from_secs(3_000),
};

/// At most so many logins are looked after at a time.
const LOGINS: usize = 8;

/// What the model knows of one token login.
struct Login {
    family: Family,
    /// All its tokens, the current one last.
    tokens: Vec<Presented>,
    /// The versions its access tokens were made at.
    versions: Vec<u64>,
    rotated_at: Timestamp,
    last_seen_at: Timestamp,
    absolute_end: Timestamp,
    /// Whether it was revoked, by whatever means.
    is_ended: bool,
}

impl Login {
    fn is_alive(&self, now: Timestamp) -> bool {
        !self.is_ended && now < self.limit()
    }

    fn limit(&self) -> Timestamp {
        self.last_seen_at.plus(IDLE).min(self.absolute_end)
    }

    fn current(&self) -> Presented {
        self.tokens[self.tokens.len() - 1]
    }
}

pub(super) async fn random_steps_do_what_the_model_says(w: World) {
    let mut dice = Dice::new("random_steps_do_what_the_model_says");
    let near = neighbour(w.store.realm(), "alice");
    let subjects = ["alice", "bob", near.as_str()];
    let mut logins: Vec<Login> = Vec::new();
    for step in 0..w.times(1_000) {
        if logins.len() < LOGINS {
            logins.push(begin(&w, subjects[dice.below(subjects.len())]).await);
            continue;
        }
        let at = dice.below(logins.len());
        match dice.below(100) {
            0..60 => present(&w, &mut dice, &mut logins[at], step).await,
            60..80 => w.advance(a_while(&mut dice)).await,
            80..88 => revoke(&w, &mut dice, &mut logins, at).await,
            88..96 => check(&w, &logins[at], step).await,
            // Logins that are over make room for others.
            _ => logins.retain(|login| login.is_alive(w.now())),
        }
    }
    for login in &logins {
        check(&w, login, usize::MAX).await;
    }
}

async fn begin(w: &World, subject: &str) -> Login {
    let once = start(Admission {
        lifetimes: LIMITS,
        ..admission(subject, LoginKind::Token)
    });
    let family = w.start_by(&once).await.expect("it is let in");
    let now = w.now();
    Login {
        tokens: vec![family.first],
        versions: vec![family.version],
        family,
        rotated_at: now,
        last_seen_at: now,
        absolute_end: now.plus(LIMITS.absolute),
        is_ended: false,
    }
}

/// Presents one of the tokens that the login has, had or never had.
async fn present(w: &World, dice: &mut Dice, login: &mut Login, step: usize) {
    let (now, current) = (w.now(), login.tokens.len());
    let is_close = |limit: Timestamp| {
        let tolerance = w.harness.tolerance() * 2;
        now.plus(tolerance) >= limit && limit.plus(tolerance) > now && !tolerance.is_zero()
    };
    if is_close(login.limit()) || is_close(login.rotated_at.plus(GRACE)) {
        return;
    }
    let back = match dice.below(20) {
        0..10 => 0,
        10..16 => 1,
        16..17 => 2,
        // Forged, but for the MAC that the issuer checks.
        other => return present_forged(w, login, other, step).await,
    };
    let Some(&token) = current.checked_sub(1 + back).map(|at| &login.tokens[at]) else {
        return;
    };
    let in_grace = now < login.rotated_at.plus(GRACE);
    let rotated = w.rotate(&login.family, token).await;
    match (rotated, back) {
        (Rotated::Invalid, _) => assert!(!login.is_alive(now), "step {step}"),
        (_, _) if !login.is_alive(now) => panic!("step {step}: it is over"),
        (
            Rotated::Advanced {
                record,
                adopted: false,
            },
            0,
        ) => advanced(login, token, &record, now),
        (Rotated::Replayed { record }, 1) if in_grace => {
            assert!(
                successor_in(&record, token) == login.current(),
                "step {step}"
            );
            assert_eq!(record.last_seen_at, login.last_seen_at, "step {step}");
        }
        (Rotated::Reused { subject }, 1) if !in_grace => end(login, &subject),
        (Rotated::Reused { subject }, 2) => end(login, &subject),
        (other, _) => panic!("step {step}: {back} back, in grace {in_grace}: {other:?}"),
    }
}

async fn present_forged(w: &World, login: &mut Login, kind: usize, step: usize) {
    let (now, current) = (w.now(), login.current().generation);
    let generation = match kind {
        17 => current,
        18 => current + 1,
        _ => current + 2,
    };
    let token = forged(generation);
    match (w.rotate(&login.family, token).await, kind) {
        (Rotated::Invalid, _) => assert!(!login.is_alive(now), "step {step}"),
        (_, _) if !login.is_alive(now) => panic!("step {step}: it is over"),
        (Rotated::DataLost { subject }, 17) => end(login, &subject),
        (
            Rotated::Advanced {
                record,
                adopted: true,
            },
            18,
        ) => {
            login.tokens.push(token);
            advanced(login, token, &record, now);
        }
        (Rotated::Ahead { .. }, 19) => {}
        (other, _) => panic!("step {step}: generation {generation}: {other:?}"),
    }
}

fn advanced(
    login: &mut Login,
    token: Presented,
    record: &crate::store::RefreshRecord,
    now: Timestamp,
) {
    login.tokens.push(successor_in(record, token));
    login.versions.push(record.version);
    // By the store's clock, which may have gone on a little.
    login.rotated_at = record.rotation.rotated_at;
    login.last_seen_at = record.last_seen_at;
    assert!(login.rotated_at >= now && login.last_seen_at >= now);
}

fn end(login: &mut Login, subject: &str) {
    assert_eq!(login.family.subject, subject);
    login.is_ended = true;
}

/// Revokes by one of the means there are, most of them rarely.
async fn revoke(w: &World, dice: &mut Dice, logins: &mut [Login], at: usize) {
    let (subject, login) = (logins[at].family.subject.clone(), logins[at].family.login);
    let is_hit: Box<dyn Fn(&Family) -> bool> = match dice.below(10) {
        0..4 => {
            w.end_login(&subject, login).await;
            Box::new(move |it| it.login == login)
        }
        4..7 => {
            w.end_others(&subject, login).await;
            Box::new(move |it| it.subject == subject && it.login != login)
        }
        7 => {
            w.revoke_subject(&subject).await;
            Box::new(move |it| it.subject == subject)
        }
        8 => {
            w.end_login(&subject, LoginId::random()).await;
            Box::new(|_| false)
        }
        _ => {
            w.store.revoke_all().await.expect("the store revokes all");
            Box::new(|_| true)
        }
    };
    for login in logins {
        login.is_ended |= is_hit(&login.family);
    }
}

async fn check(w: &World, login: &Login, step: usize) {
    let now = w.now();
    let record = w.refresh_login(&login.family).await;
    if now.plus(w.harness.tolerance()) < login.limit() || now >= login.limit() {
        assert_eq!(record.is_some(), login.is_alive(now), "step {step}");
    }
    // After its absolute end no token of it can be alive, and nobody has to remember that it was
    // revoked.
    if now >= login.absolute_end {
        return;
    }
    // Its access tokens die when it is revoked, and not when it has merely expired.
    for &version in &login.versions {
        let access = login.family.query(w, version, "a");
        let is_revoked = w.verdict(&access).await == Verdict::Revoked;
        assert_eq!(is_revoked, login.is_ended, "step {step}");
    }
}

fn a_while(dice: &mut Dice) -> Duration {
    let below = [GRACE / 3, GRACE, GRACE * 2, IDLE][dice.below(4)];
    let ms = usize::try_from(below.as_millis()).expect("it is minutes");
    MS * u32::try_from(dice.below(ms)).expect("it is minutes")
}

pub(super) async fn random_parallel_refreshes_never_fork_and_never_end_the_login(w: World) {
    let mut dice = Dice::new("random_parallel_refreshes_never_fork_and_never_end_the_login");
    let once = start(Admission {
        lifetimes: Lifetimes {
            idle: None,
            absolute: MAX_LIFETIME,
        },
        ..admission("alice", LoginKind::Token)
    });
    let family = w.start_by(&once).await.expect("it is let in");
    let mut token = family.first;
    let mut previous = None;
    for _ in 0..w.times(600) {
        // Tabs that share one token, and perhaps one whose answer was lost a moment ago.
        let mut presented = vec![token; 1 + dice.below(16)];
        if let Some(previous) = previous.filter(|_| dice.below(4) == 0) {
            let rotated = w.rotate(&family, previous).await;
            assert!(matches!(rotated, Rotated::Replayed { .. }), "{rotated:?}");
        }
        if dice.below(4) == 0 {
            presented.push(token);
        }
        let tasks = presented.into_iter().map(|token| {
            let (w, family) = (w.clone(), family.clone());
            async move { w.rotate(&family, token).await }
        });
        let mut advanced = 0;
        let mut next = None;
        for rotated in w.in_parallel(tasks).await {
            let record = match rotated {
                Rotated::Advanced {
                    record,
                    adopted: false,
                } => {
                    advanced += 1;
                    record
                }
                Rotated::Replayed { record } => record,
                other => panic!("a false theft: {other:?}"),
            };
            let successor = successor_in(&record, token);
            assert!(next.is_none_or(|next| next == successor), "a fork");
            next = Some(successor);
        }
        assert_eq!(advanced, 1);
        previous = Some(token);
        token = next.expect("there was one");
        w.advance(SECOND * u32::try_from(dice.below(20)).expect("it is small"))
            .await;
    }
}
