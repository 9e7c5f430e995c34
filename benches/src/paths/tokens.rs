//! Tokens, with a check of what was revoked where a candidate has one.

use std::{rc::Rc, sync::Arc};

use auth_layers::{jwt::Verifier, memory::MemoryStore};
use tokio::runtime::Runtime;

use super::{FLOOR, OURS, ROUNDS};
use crate::{
    apps::{
        self, HELLO, SUBJECT,
        hand::{self, Remembering, Verifying},
        tokens as peers,
    },
    keys::{self, Key},
    report::{Section, find},
    request::{Headers, Requests, bearer},
    runner::{self, Candidate, Outcome, measured},
};

const AXUM_JWT_AUTH: &str = "axum-jwt-auth 0.7 (RustCrypto, no revocation)";
const RESOURCE_SERVER: &str = "tower-oauth2-resource-server 0.12 (no revocation)";
const JWT_AUTHORIZER: &str = "jwt-authorizer 0.15 (axum 0.7, ring, no revocation)";
const BY_HAND: &str = "by hand: jsonwebtoken 11 + moka denylist";
const LEAST: &str = "by hand, remembered, the least";
const RAW: &str = Outcome::NO_REQUEST;

/// Tokens of one round where each is to be new.
const FRESH: usize = 64;
const FRESH_ROUNDS: usize = 80;
/// What a cache of remembered tokens may take.
const CACHE: usize = 8 << 20;

pub(super) fn run(runtime: &Rc<Runtime>, section: &mut Section) {
    for key in Key::ALL {
        seen(runtime, section, key);
    }
    for key in Key::ALL {
        first_seen(runtime, section, key);
    }
    anonymous(runtime, section);
    both(runtime, section);
}

/// Tokens of one issuer, and the store that its logins are in.
struct Tokens {
    store: Arc<MemoryStore>,
    tokens: Vec<String>,
    headers: Vec<Headers>,
}

impl Tokens {
    fn new(runtime: &Runtime, key: Key, count: usize) -> Self {
        let store = Arc::new(MemoryStore::new());
        let tokens = runtime.block_on(keys::tokens(&key.issuer(store.clone()), count));
        let headers = tokens.iter().map(|token| bearer(token)).collect();
        Self {
            store,
            tokens,
            headers,
        }
    }

    fn ours(&self, verifier: Verifier) -> axum::Router {
        apps::ours::tokens(verifier, self.store.clone())
    }
}

/// Everybody who verifies each token anew.
fn verifying(requests: &Requests, runtime: &Runtime, key: Key) -> Vec<Candidate> {
    let resource_server = runtime.block_on(peers::resource_server(&key));
    vec![
        requests.candidate(AXUM_JWT_AUTH, peers::axum_jwt_auth(&key)),
        requests.candidate(RESOURCE_SERVER, resource_server),
        requests.candidate(BY_HAND, hand::verifying(Verifying::new(key))),
    ]
}

fn raw(key: Key, tokens: &[String]) -> Candidate {
    let verify = key.raw();
    let parts: Vec<_> = tokens
        .iter()
        .map(|token| keys::signed_part(token))
        .collect();
    let mut next = 0;
    Candidate::new(RAW, move |what, times| {
        measured(what, || {
            for _ in 0..times {
                let (message, signature) = &parts[next % parts.len()];
                next += 1;
                assert!(verify(message, signature));
            }
        })
    })
}

/// jwt-authorizer has a floor of its own.
fn jwt_authorizer(runtime: &Rc<Runtime>, key: Key, tokens: &Tokens) -> Outcome {
    let requests = Requests::new(runtime, tokens.headers.clone(), SUBJECT);
    let router = runtime.block_on(peers::jwt_authorizer(&key));
    let mut candidates = [
        requests.candidate(FLOOR, peers::floor_07()),
        requests.candidate(JWT_AUTHORIZER, router),
    ];
    runner::run(&mut candidates, FRESH_ROUNDS).remove(1)
}

fn seen(runtime: &Rc<Runtime>, section: &mut Section, key: Key) {
    let tokens = Tokens::new(runtime, key, 1);
    let requests = Requests::new(runtime, tokens.headers.clone(), SUBJECT);
    let mut candidates = vec![
        requests.candidate(FLOOR, apps::floor_who()),
        requests.candidate(OURS, tokens.ours(key.verifier(Some(CACHE)))),
        requests.candidate(LEAST, hand::remembering(Remembering::new(&tokens.tokens))),
    ];
    candidates.extend(verifying(&requests, runtime, key));
    if key == Key::Hs256 {
        let router = tokens.ours(key.verifier(None));
        candidates
            .push(requests.candidate("auth-layers, HS256 without a cache (the default)", router));
    }
    let mut outcomes = runner::run(&mut candidates, ROUNDS);
    outcomes.push(jwt_authorizer(runtime, key, &tokens));
    let name = key.name();
    section.outcomes(&format!("{name}, a token seen before"), &outcomes);

    let ours = find(&outcomes, OURS);
    let what = format!("{name} seen before: added");
    section.at_most(&what, ours.added / 1_000.0, 0.8, "us");
    let best = best_peer(&outcomes, |outcome| outcome.added);
    let times = if key == Key::Hs256 { 4.0 } else { 40.0 };
    section.at_least(
        &format!("{name} seen before: best peer / ours"),
        best / ours.added,
        times,
    );
    let what = format!("allocations per remembered {name}");
    section.at_most(&what, ours.allocations, 3.0, "");
}

fn best_peer(outcomes: &[Outcome], figure: impl Fn(&Outcome) -> f64) -> f64 {
    let peers = [AXUM_JWT_AUTH, RESOURCE_SERVER, BY_HAND, JWT_AUTHORIZER];
    let figures = peers.map(|peer| figure(find(outcomes, peer)));
    figures.into_iter().fold(f64::INFINITY, f64::min)
}

fn first_seen(runtime: &Rc<Runtime>, section: &mut Section, key: Key) {
    let tokens = Tokens::new(runtime, key, FRESH);
    let requests = Requests::new(runtime, tokens.headers.clone(), SUBJECT);
    let store = tokens.store.clone();
    let ours = move || apps::ours::tokens(key.verifier(None), store.clone());
    let mut candidates = vec![
        requests.candidate(FLOOR, apps::floor_who()),
        // A verifier of its own for each round, so that it has seen none of them.
        requests.fresh(OURS, ours),
        raw(key, &tokens.tokens),
    ];
    candidates.extend(verifying(&requests, runtime, key));
    let fresh = FRESH as u32;
    let mut candidates: Vec<_> = candidates.into_iter().map(|c| c.times(fresh)).collect();
    let mut outcomes = runner::run(&mut candidates, FRESH_ROUNDS);
    outcomes.push(jwt_authorizer(runtime, key, &tokens));
    let name = key.name();
    section.outcomes(
        &format!("{name}, a token seen for the first time"),
        &outcomes,
    );

    let ours = find(&outcomes, OURS).added;
    let raw = find(&outcomes, RAW).ns;
    let what = format!(
        "{name} first seen: added beyond the signature's {} us",
        crate::report::us(raw)
    );
    section.at_most(&what, (ours - raw) / 1_000.0, 2.0, "us");
    let best = best_peer(&outcomes, |outcome| outcome.added);
    section.at_least(
        &format!("{name} first seen: best peer / ours"),
        best / ours,
        1.0,
    );
}

fn anonymous(runtime: &Rc<Runtime>, section: &mut Section) {
    let requests = Requests::new(runtime, [Vec::new()], HELLO);
    let key = Key::Es256;
    let store = Arc::new(MemoryStore::new());
    let ours = apps::ours::tokens_anonymous(key.verifier(None), store);
    let mut candidates = [
        requests.candidate(FLOOR, apps::floor(apps::Work::Untouched)),
        requests.candidate(OURS, ours),
        requests.candidate(AXUM_JWT_AUTH, peers::axum_jwt_auth_anonymous(&key)),
        requests.candidate(BY_HAND, hand::verifying_anonymous(Verifying::new(key))),
    ];
    let outcomes = runner::run(&mut candidates, ROUNDS);
    section.outcomes("no token, token layer", &outcomes);
    section.say(
        "tower-oauth2-resource-server and jwt-authorizer let no request without a token pass; the other two are extractors, that are not asked here but by the handler.\n",
    );
    let ours = find(&outcomes, OURS);
    section.at_most(
        "no token, token layer: added",
        ours.added / 1_000.0,
        0.1,
        "us",
    );
    section.at_most(
        "allocations per anonymous request, token layer",
        ours.allocations,
        1.0,
        "",
    );
}

fn both(runtime: &Rc<Runtime>, section: &mut Section) {
    let key = Key::Es256;
    let tokens = Tokens::new(runtime, key, 1);
    let requests = Requests::new(runtime, tokens.headers.clone(), SUBJECT);
    let router = apps::ours::both(key.verifier(None), tokens.store.clone());
    let mut candidates = [
        requests.candidate(FLOOR, apps::floor_who()),
        requests.candidate(OURS, router),
    ];
    let outcomes = runner::run(&mut candidates, ROUNDS);
    section.outcomes(
        "both layers, RequireAuth and RequireScope, ES256 seen before",
        &outcomes,
    );
    let ours = find(&outcomes, OURS).added;
    section.at_most(
        "both layers and two guards: added",
        ours / 1_000.0,
        1.2,
        "us",
    );
}
