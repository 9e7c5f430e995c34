//! Rotation: what a refresh token gets, once and again.
#![allow(clippy::unwrap_used)] // In helpers, too.
#![cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]

mod issuer_support;

use auth_core::{Event, Scopes, StoreError, Verdict, store::RefreshRecord};
use auth_jwt_layer::{Issuer, RefreshError, Tokens};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use issuer_support::{Double, GRACE, World, claims, login, secs};

async fn refresh(issuer: &Issuer, tokens: &Tokens) -> Result<Tokens, RefreshError> {
    let token = tokens.refresh_token().as_bytes();
    issuer.refresh(token, None).await
}

async fn invalid_grant(issuer: &Issuer, tokens: &Tokens) {
    let refreshed = refresh(issuer, tokens).await;
    assert_eq!(refreshed.unwrap_err(), RefreshError::InvalidGrant);
}

#[tokio::test]
async fn a_refresh_token_gets_the_next_pair() {
    let world = World::new();
    let issuer = world.issuer();
    let first = login(&issuer).await;
    world.clock.advance(secs(200));
    let second = refresh(&issuer, &first).await.unwrap();
    assert_ne!(second.refresh_token(), first.refresh_token());
    assert_eq!(second.login(), first.login());
    assert_eq!(second.scope(), first.scope());
    let (before, after) = (claims(&first), claims(&second));
    assert_eq!((&before["gen"], &after["gen"]), (&1.into(), &2.into()));
    assert_ne!(before["jti"], after["jti"]);
    for same in ["iss", "sub", "aud", "sid", "client_id", "auth_time", "ver"] {
        assert_eq!(before[same], after[same], "{same}");
    }
    assert_eq!(world.verdict(&issuer, &second).await, Verdict::Active);
    refresh(&issuer, &second).await.unwrap();
    assert_eq!(world.heard(), []);
}

#[tokio::test]
async fn a_replay_within_the_grace_gets_the_same_successor() {
    let world = World::new();
    let issuer = world.issuer();
    let first = login(&issuer).await;
    let second = refresh(&issuer, &first).await.unwrap();
    world.clock.advance(GRACE - secs(1));
    let again = refresh(&issuer, &first).await.unwrap();
    assert_eq!(again.refresh_token(), second.refresh_token());
    assert_eq!(claims(&again)["gen"], 2);
    assert_ne!(claims(&again)["jti"], claims(&second)["jti"]);
    assert_eq!(world.verdict(&issuer, &again).await, Verdict::Active);
    refresh(&issuer, &again).await.unwrap();
    assert_eq!(world.heard(), []);
}

#[tokio::test]
async fn a_replay_does_not_make_the_login_idle_for_longer() {
    let world = World::new();
    let issuer = world.issuer();
    let first = login(&issuer).await;
    let second = refresh(&issuer, &first).await.unwrap();
    let before = world.store.record(&second).await.unwrap();
    world.clock.advance(GRACE - secs(1));
    refresh(&issuer, &first).await.unwrap();
    assert_eq!(world.store.record(&second).await.unwrap(), before);
}

#[tokio::test]
async fn a_replay_after_the_grace_ends_that_login_and_no_other() {
    let world = World::new();
    let issuer = world.issuer();
    let other = login(&issuer).await;
    let first = login(&issuer).await;
    let second = refresh(&issuer, &first).await.unwrap();
    world.clock.advance(GRACE);
    invalid_grant(&issuer, &first).await;
    let reused = Event::RefreshReused {
        subject: "alice".to_owned(),
        login: first.login(),
    };
    assert_eq!(world.heard(), [reused]);
    assert_eq!(world.verdict(&issuer, &second).await, Verdict::Revoked);
    invalid_grant(&issuer, &second).await;
    assert_eq!(world.verdict(&issuer, &other).await, Verdict::Active);
    refresh(&issuer, &other).await.unwrap();
    assert_eq!(world.heard(), [], "once is enough");
}

#[tokio::test]
async fn thief_and_victim_are_both_out_at_the_next_use() {
    for thief_first in [true, false] {
        let world = World::new();
        let issuer = world.issuer();
        let stolen = login(&issuer).await;
        // Within the grace both hold the same successor: there is no fork.
        let victim = refresh(&issuer, &stolen).await.unwrap();
        let thief = refresh(&issuer, &stolen).await.unwrap();
        assert_eq!(victim.refresh_token(), thief.refresh_token());
        world.clock.advance(secs(240));
        let (one, two) = if thief_first {
            (thief, victim)
        } else {
            (victim, thief)
        };
        let one = refresh(&issuer, &one).await.unwrap();
        world.clock.advance(secs(240));
        invalid_grant(&issuer, &two).await;
        assert!(matches!(world.heard()[..], [Event::RefreshReused { .. }]));
        assert_eq!(world.verdict(&issuer, &one).await, Verdict::Revoked);
        invalid_grant(&issuer, &one).await;
    }
}

#[tokio::test]
async fn what_nobody_issued_asks_no_store_and_ends_nothing() {
    let world = World::new();
    let issuer = world.issuer();
    let tokens = login(&issuer).await;
    let stranger = World::new().issuer();
    let foreign = login(&stranger).await;
    let good = tokens.refresh_token();
    // The real login, with a secret somebody made up.
    let mut forged = URL_SAFE_NO_PAD.decode(&good[4..]).unwrap();
    forged[31..63].fill(7);
    let forged = format!("art_{}", URL_SAFE_NO_PAD.encode(forged));
    let calls = world.store.calls();
    let mut presented: Vec<Vec<u8>> = [&forged, "", "art_", tokens.access_token()]
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .collect();
    presented.push(foreign.refresh_token().as_bytes().to_vec());
    for at in 0..good.len() {
        let mut flipped = good.as_bytes().to_vec();
        flipped[at] ^= 1;
        presented.push(flipped);
    }
    for token in presented {
        let text = String::from_utf8_lossy(&token);
        for scope in [None, Some(&Scopes::parse("read"))] {
            let refreshed = issuer.refresh(&token, scope).await;
            assert_eq!(refreshed.unwrap_err(), RefreshError::InvalidGrant, "{text}");
        }
        assert_eq!(issuer.revoke_refresh_token(&token).await, Ok(()), "{text}");
    }
    assert_eq!(world.store.calls(), calls);
    assert_eq!(world.heard(), []);
    refresh(&issuer, &tokens).await.unwrap();
}

#[tokio::test]
async fn an_idle_login_is_over_without_an_alarm() {
    let world = World::new();
    let builder = world.builder(issuer_support::ed25519());
    let issuer = builder.refresh_idle(secs(600)).build().unwrap();
    let first = login(&issuer).await;
    world.clock.advance(secs(599));
    let second = refresh(&issuer, &first).await.unwrap();
    world.clock.advance(secs(600));
    invalid_grant(&issuer, &second).await;
    assert_eq!(world.heard(), []);
}

#[tokio::test]
async fn a_revoked_refresh_token_takes_its_login_along() {
    let world = World::new();
    let issuer = world.issuer();
    let (other, first) = (login(&issuer).await, login(&issuer).await);
    let second = refresh(&issuer, &first).await.unwrap();
    // Any of its generations will do, and again is no error.
    for token in [first.refresh_token(), second.refresh_token()] {
        let revoked = issuer.revoke_refresh_token(token.as_bytes()).await;
        assert_eq!(revoked, Ok(()));
    }
    assert_eq!(world.verdict(&issuer, &second).await, Verdict::Revoked);
    invalid_grant(&issuer, &second).await;
    refresh(&issuer, &other).await.unwrap();
    assert_eq!(world.heard(), []);
}

#[tokio::test]
async fn a_scope_may_be_the_same_or_narrower_and_comes_back() {
    let world = World::new();
    let issuer = world.issuer();
    let mut tokens = login(&issuer).await;
    let rows = [
        ("equal", Some("read write"), Ok("read write")),
        ("narrower", Some("read"), Ok("read")),
        ("in another order", Some("write read"), Ok("write read")),
        ("absent", None, Ok("read write")),
        ("empty", Some(""), Ok("read write")),
        ("wider", Some("read admin"), Err(RefreshError::InvalidScope)),
        ("another", Some("admin"), Err(RefreshError::InvalidScope)),
        ("all, after that", None, Ok("read write")),
    ];
    for (row, asked, expected) in rows {
        let asked = asked.map(Scopes::parse);
        let token = tokens.refresh_token().as_bytes();
        let refreshed = issuer.refresh(token, asked.as_ref()).await;
        match refreshed {
            Ok(refreshed) => {
                assert_eq!(Ok(refreshed.scope().as_str()), expected, "{row}");
                assert_eq!(claims(&refreshed)["scope"], expected.unwrap(), "{row}");
                tokens = refreshed;
            }
            Err(error) => assert_eq!(Err(error), expected, "{row}"),
        }
    }
}

#[tokio::test]
async fn asking_for_too_much_does_not_use_the_token_up() {
    let world = World::new();
    let issuer = world.issuer();
    let first = login(&issuer).await;
    let before = world.store.record(&first).await;
    let token = first.refresh_token().as_bytes();
    let wide = issuer.refresh(token, Some(&Scopes::parse("admin"))).await;
    assert_eq!(wide.unwrap_err(), RefreshError::InvalidScope);
    assert_eq!(world.store.record(&first).await, before);
}

#[tokio::test]
async fn a_replay_can_not_ask_for_more_either() {
    let world = World::new();
    let issuer = world.issuer();
    let first = login(&issuer).await;
    refresh(&issuer, &first).await.unwrap();
    let token = first.refresh_token().as_bytes();
    let wide = issuer.refresh(token, Some(&Scopes::parse("admin"))).await;
    assert_eq!(wide.unwrap_err(), RefreshError::InvalidScope);
    let narrow = issuer.refresh(token, Some(&Scopes::parse("read"))).await;
    assert_eq!(narrow.unwrap().scope().as_str(), "read");
}

#[tokio::test]
async fn asking_for_too_much_does_not_hide_a_reuse() {
    let world = World::new();
    let issuer = world.issuer();
    let first = login(&issuer).await;
    let second = refresh(&issuer, &first).await.unwrap();
    world.clock.advance(GRACE);
    let token = first.refresh_token().as_bytes();
    let wide = issuer.refresh(token, Some(&Scopes::parse("admin"))).await;
    assert_eq!(wide.unwrap_err(), RefreshError::InvalidGrant);
    assert!(matches!(world.heard()[..], [Event::RefreshReused { .. }]));
    invalid_grant(&issuer, &second).await;
}

#[tokio::test]
async fn store_trouble_is_never_an_invalid_grant() {
    let world = World::new();
    let issuer = world.issuer();
    let first = login(&issuer).await;
    let token = first.refresh_token().as_bytes();
    for fault in [Double::down(), StoreError::Unreadable, StoreError::Full] {
        world.store.fail(Some(fault));
        for scope in [None, Some(&Scopes::parse("read"))] {
            let error = issuer.refresh(token, scope).await.unwrap_err();
            assert!(matches!(error, RefreshError::Unavailable(_)), "{fault:?}");
        }
        assert_eq!(issuer.revoke_refresh_token(token).await, Err(fault));
    }
    world.store.fail(None);
    refresh(&issuer, &first).await.unwrap();
    assert_eq!(world.heard(), []);
}

#[tokio::test]
async fn a_ring_rotates_without_a_gap() {
    let world = World::new();
    let (old, both, new) = (
        world.issuer_with(&[1]),
        world.issuer_with(&[2, 1]),
        world.issuer_with(&[2]),
    );
    let first = login(&old).await;
    let second = refresh(&old, &first).await.unwrap();
    // A replay gets the very bytes that the old ring made.
    let again = refresh(&both, &first).await.unwrap();
    assert_eq!(again.refresh_token(), second.refresh_token());
    // The successor of an old token is made with the new key.
    let third = refresh(&both, &second).await.unwrap();
    let again = refresh(&both, &second).await.unwrap();
    assert_eq!(again.refresh_token(), third.refresh_token());
    let fourth = refresh(&new, &third).await.unwrap();
    let idle = login(&old).await;
    invalid_grant(&new, &idle).await;
    invalid_grant(&old, &fourth).await;
    assert_eq!(world.heard(), []);
    refresh(&new, &fourth).await.unwrap();
    refresh(&old, &idle).await.unwrap();
}

/// A replay of a token that the new key sealed, whose successor an old key derived: two processes
/// with rings in another order, and the old key is gone now.
#[tokio::test]
async fn a_successor_whose_key_is_gone_can_not_be_given_again() {
    let world = World::new();
    let (ahead, behind, new) = (
        world.issuer_with(&[2, 1]),
        world.issuer_with(&[1, 2]),
        world.issuer_with(&[2]),
    );
    let first = login(&ahead).await;
    let second = refresh(&behind, &first).await.unwrap();
    invalid_grant(&new, &first).await;
    assert_eq!(world.heard(), []);
    refresh(&ahead, &second).await.unwrap();
}

/// Three generations, and what the store held at each.
async fn history(world: &World, issuer: &Issuer) -> ([Tokens; 3], [RefreshRecord; 3]) {
    let first = login(issuer).await;
    let one = world.store.record(&first).await.unwrap();
    let second = refresh(issuer, &first).await.unwrap();
    let two = world.store.record(&first).await.unwrap();
    let third = refresh(issuer, &second).await.unwrap();
    let three = world.store.record(&first).await.unwrap();
    ([first, second, third], [one, two, three])
}

#[tokio::test]
async fn a_rotation_that_a_failover_lost_is_adopted() {
    let world = World::new();
    let issuer = world.issuer();
    let ([_, second, third], [_, two, _]) = history(&world, &issuer).await;
    world.store.restore(two);
    let fourth = refresh(&issuer, &third).await.unwrap();
    let login = third.login();
    let subject = "alice".to_owned();
    assert_eq!(world.heard(), [Event::RefreshAdopted { subject, login }]);
    assert_eq!(claims(&fourth)["gen"], 4);
    // From there it goes on as ever.
    let again = refresh(&issuer, &third).await.unwrap();
    assert_eq!(again.refresh_token(), fourth.refresh_token());
    refresh(&issuer, &fourth).await.unwrap();
    assert_eq!(world.heard(), []);
    invalid_grant(&issuer, &second).await;
    assert!(matches!(world.heard()[..], [Event::RefreshReused { .. }]));
}

#[tokio::test]
async fn two_lost_rotations_are_too_many() {
    let world = World::new();
    let issuer = world.issuer();
    let ([first, _, third], [one, ..]) = history(&world, &issuer).await;
    world.store.restore(one);
    invalid_grant(&issuer, &third).await;
    let login = third.login();
    let subject = "alice".to_owned();
    assert_eq!(world.heard(), [Event::RefreshAhead { subject, login }]);
    refresh(&issuer, &first).await.unwrap();
}

#[tokio::test]
async fn another_hash_under_the_right_generation_is_lost_data() {
    let world = World::new();
    let issuer = world.issuer();
    let ([_, _, third], [one, _, mut three]) = history(&world, &issuer).await;
    three.rotation.current = one.rotation.current;
    world.store.restore(three);
    invalid_grant(&issuer, &third).await;
    let login = third.login();
    let subject = "alice".to_owned();
    assert_eq!(world.heard(), [Event::RefreshDataLost { subject, login }]);
}

#[tokio::test]
async fn a_successor_that_is_not_the_stored_one_is_not_given() {
    let world = World::new();
    let issuer = world.issuer();
    let ([_, second, _], [one, _, three]) = history(&world, &issuer).await;
    let mut other_hash = three.clone();
    other_hash.rotation.current = one.rotation.current;
    let mut underived = three;
    underived.rotation.derived = None;
    for broken in [other_hash, underived] {
        world.store.restore(broken);
        let error = refresh(&issuer, &second).await.unwrap_err();
        assert!(matches!(error, RefreshError::Unavailable(_)));
    }
}
