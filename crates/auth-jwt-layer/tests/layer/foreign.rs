//! Tokens of somebody else's issuer, checked against our store.

use std::time::Duration;

use auth_core::{
    ManualClock, Timestamp, Verdict,
    revocation::{Op, Query},
    store::{Revocation, Revocations},
};
use auth_jwt_layer::JwtLayer;
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn a_revocation_refuses_what_was_issued_up_to_two_seconds_after_it() {
    // The store's epochs count milliseconds, `iat` whole seconds of another clock.
    let world = World::new();
    let layer = world.foreign().build().expect("a layer");
    world.clock.advance(Duration::from_secs(60));
    let revoked = START.as_secs() + 60;
    let revocation = Revocation::subject(FOREIGN, "alice");
    world
        .store
        .revoke(Op::random(), &revocation)
        .await
        .expect("revoked");
    world.clock.advance(Duration::from_secs(10));
    for (what, iat, is_let_in) in [
        ("long before", revoked - 30, false),
        ("at the revocation", revoked, false),
        ("two seconds after", revoked + 2, false),
        ("three seconds after", revoked + 3, true),
    ] {
        let token = foreign_token(json!({"iat": iat}));
        let expected = if is_let_in {
            passed("token alice")
        } else {
            invalid("the token was revoked")
        };
        assert_eq!(send(&layer, bearer(&token)).await, expected, "{what}");
        // Nobody else is refused for it.
        let bob = foreign_token(json!({"iat": iat, "sub": "bob"}));
        assert_eq!(
            send(&layer, bearer(&bob)).await,
            passed("token bob"),
            "{what}"
        );
    }
}

#[tokio::test]
async fn a_token_issued_more_than_two_seconds_ahead_is_refused() {
    let store = Told::new(Some(Verdict::Active), None, None);
    let layer = over(&store).build().expect("a layer");
    let clock = ManualClock::new(START);
    let storeless = JwtLayer::builder(foreign_verifier(&clock).build().expect("a verifier"));
    let storeless = storeless.build().expect("a layer");
    for (ahead, is_let_in) in [(0, true), (1, true), (2, true), (3, false), (30, false)] {
        let token = foreign_token(json!({"iat": START.as_secs() + ahead}));
        let expected = if is_let_in {
            passed("token alice")
        } else {
            invalid("the token is not valid yet")
        };
        assert_eq!(send(&layer, bearer(&token)).await, expected, "{ahead}");
        // Without a store the leeway alone counts.
        assert_eq!(
            send(&storeless, bearer(&token)).await,
            passed("token alice"),
            "{ahead}"
        );
    }
}

#[tokio::test]
async fn the_layer_and_its_verifier_go_by_one_clock() {
    // Far behind the system's clock, and far ahead of it.
    for start in [
        Timestamp::from_secs(1_000),
        Timestamp::from_secs(9_000_000_000),
    ] {
        let store = Told::new(Some(Verdict::Active), None, None);
        let clock = ManualClock::new(start);
        let verifier = foreign_verifier(&clock).build().expect("a verifier");
        let layer = JwtLayer::builder(verifier).store(store).build();
        let layer = layer.expect("a layer");
        let now = start.as_secs();
        let token = foreign_token(json!({"iat": now, "exp": now + 60}));
        assert_eq!(send(&layer, bearer(&token)).await, passed("token alice"));
        let token = foreign_token(json!({"iat": now + 3, "exp": now + 60}));
        assert_eq!(
            send(&layer, bearer(&token)).await,
            invalid("the token is not valid yet")
        );
    }
}

#[tokio::test]
async fn a_subject_belongs_to_its_issuer_unless_mapped() {
    let iat = START;
    let iss = FOREIGN;
    for (what, mapped, realm) in [
        ("by itself", None, FOREIGN),
        ("mapped to the store's own", Some("told"), "told"),
        ("mapped to another", Some("staff"), "staff"),
    ] {
        let store = Told::new(Some(Verdict::Active), None, None);
        let verifier = foreign_verifier(&ManualClock::new(START));
        let verifier = match mapped {
            Some(realm) => verifier.realm(realm),
            None => verifier,
        };
        let layer = JwtLayer::builder(verifier.build().expect("a verifier"));
        let layer = layer.store(store.clone()).build().expect("a layer");
        let token = foreign_token(json!({}));
        assert_eq!(
            send(&layer, bearer(&token)).await,
            passed("token alice"),
            "{what}"
        );
        let query = Query::foreign(realm, "alice", iat).token(iss, "t1");
        assert_eq!(store.says().asked, [query], "{what}");
    }
}

#[tokio::test]
async fn our_subject_of_the_same_name_is_somebody_else() {
    let world = World::new();
    world.clock.advance(Duration::from_secs(10));
    let token = foreign_token(json!({"iat": START.as_secs() + 10}));
    let apart = world.foreign().build().expect("a layer");
    let together = foreign_verifier(&world.clock).realm(world.store.realm());
    let together = JwtLayer::builder(together.build().expect("a verifier"));
    let together = together.store(world.store.clone()).build();
    let together = together.expect("a layer");
    world.store.revoke_subject("alice").await.expect("revoked");
    assert_eq!(send(&apart, bearer(&token)).await, passed("token alice"));
    assert_eq!(
        send(&together, bearer(&token)).await,
        invalid("the token was revoked")
    );
}

#[tokio::test]
async fn one_token_is_taken_back_in_the_realm_of_its_subject() {
    let world = World::new();
    world.clock.advance(Duration::from_secs(10));
    let layer = world.foreign().build().expect("a layer");
    let iat = START.as_secs() + 10;
    let token = |jti: &str| bearer(&foreign_token(json!({"jti": jti, "iat": iat})));
    let exp = START.plus(Duration::from_secs(300));
    let revocation = Revocation::token(FOREIGN, FOREIGN, "t1", "alice", exp);
    world
        .store
        .revoke(Op::random(), &revocation)
        .await
        .expect("revoked");
    assert_eq!(
        send(&layer, token("t1")).await,
        invalid("the token was revoked")
    );
    assert_eq!(send(&layer, token("t2")).await, passed("token alice"));
}

#[tokio::test]
async fn what_it_says_of_logins_and_versions_counts_for_nothing() {
    let store = Told::new(Some(Verdict::Active), None, None);
    let layer = over(&store).build().expect("a layer");
    let plain = Query::foreign(FOREIGN, "alice", START).token(FOREIGN, "t1");
    for members in [
        json!({"sid": "AAAAAAAAAAAAAAAAAAAAAA", "ver": u64::MAX, "gen": 1}),
        json!({"sid": 1, "ver": "x", "gen": null}),
    ] {
        let token = foreign_token(members);
        assert_eq!(send(&layer, bearer(&token)).await, passed("token alice"));
    }
    assert_eq!(store.says().asked, [plain, plain]);
}

#[tokio::test]
async fn a_token_that_outlives_what_stores_remember_is_refused() {
    let store = Told::new(Some(Verdict::Active), None, None);
    let layer = over(&store).build().expect("a layer");
    let iat = START.as_secs();
    let longest = 400 * 24 * 60 * 60;
    for (what, exp, expected) in [
        ("400 days", iat + longest, passed("token alice")),
        (
            "a second more",
            iat + longest + 1,
            invalid("the claims are invalid"),
        ),
        (
            "for ever",
            Timestamp::MAX_SECS,
            invalid("the claims are invalid"),
        ),
    ] {
        let token = foreign_token(json!({"exp": exp}));
        assert_eq!(send(&layer, bearer(&token)).await, expected, "{what}");
    }
    assert_eq!(
        store.says().asked.len(),
        1,
        "garbage does not reach the store"
    );
}
