//! Cases: what each revocation kills, and what it leaves.

use std::time::Duration;

use super::{
    family::ISSUER,
    scene::{ALICE, BOB, FOREIGN, Part, Scene},
    world::{LIMITS, World, admission},
};
use crate::{
    LoginId, Verdict,
    revocation::{Op, Query},
    store::{Admission, Admitted, LoginKind, Revocation},
};

/// Everything of Alice in our realm.
const ALL_OF_ALICE: &[Part] = &[
    Part::Session,
    Part::OtherSession,
    Part::Tokens,
    Part::TokenA,
    Part::OtherTokens,
];

pub(super) async fn nothing_is_revoked_at_first(w: World) {
    Scene::new(&w).await.assert_dead(&w, &[]).await;
}

pub(super) async fn a_denied_token_is_the_only_one_that_dies(w: World) {
    let scene = Scene::new(&w).await;
    let exp = w.now().plus(Duration::from_secs(300));
    w.deny("a", ALICE, exp).await;
    scene.assert_dead(&w, &[Part::TokenA]).await;
    assert_can_log_in(&w).await;
}

pub(super) async fn an_ended_session_login_is_the_only_one_that_dies(w: World) {
    let scene = Scene::new(&w).await;
    w.end_login(ALICE, scene.session.login).await;
    scene.assert_dead(&w, &[Part::Session]).await;
    assert_can_log_in(&w).await;
}

pub(super) async fn an_ended_token_login_takes_its_access_tokens_along(w: World) {
    let scene = Scene::new(&w).await;
    w.end_login(ALICE, scene.tokens.login).await;
    scene.assert_dead(&w, &[Part::Tokens, Part::TokenA]).await;
    assert_can_log_in(&w).await;
}

pub(super) async fn nobody_ends_the_login_of_somebody_else(w: World) {
    let scene = Scene::new(&w).await;
    w.end_login(BOB, scene.session.login).await;
    w.end_login(BOB, scene.tokens.login).await;
    let neighbour = super::world::neighbour(w.store.realm(), ALICE);
    w.end_login(&neighbour, scene.tokens.login).await;
    w.end_login(&neighbour, scene.session.login).await;
    scene.assert_dead(&w, &[]).await;
}

pub(super) async fn ending_the_others_leaves_the_kept_session(w: World) {
    let scene = Scene::new(&w).await;
    w.end_others(ALICE, scene.session.login).await;
    let dead: Vec<Part> = without(ALL_OF_ALICE, &[Part::Session]);
    scene.assert_dead(&w, &dead).await;
    assert_can_log_in(&w).await;
}

pub(super) async fn ending_the_others_leaves_the_kept_tokens(w: World) {
    let scene = Scene::new(&w).await;
    w.end_others(ALICE, scene.tokens.login).await;
    let dead = without(ALL_OF_ALICE, &[Part::Tokens, Part::TokenA]);
    scene.assert_dead(&w, &dead).await;
    assert_can_log_in(&w).await;
}

pub(super) async fn ending_the_others_reaches_logins_that_are_not_listed(w: World) {
    let (kept, hidden) = (w.log_in(ALICE).await, w.log_in(ALICE).await);
    w.store.withdraw(ALICE, hidden.login);
    w.settle().await;
    w.end_others(ALICE, kept.login).await;
    assert!(w.is_live(&kept.key).await);
    assert!(!w.is_live(&hidden.key).await);
}

pub(super) async fn revoking_a_subject_kills_all_of_it_and_nothing_else(w: World) {
    let scene = Scene::new(&w).await;
    w.revoke_subject(ALICE).await;
    scene.assert_dead(&w, ALL_OF_ALICE).await;
    assert_can_log_in(&w).await;
}

pub(super) async fn revoking_all_kills_everything(w: World) {
    let scene = Scene::new(&w).await;
    w.store.revoke_all().await.expect("the store revokes all");
    let mut dead = ALL_OF_ALICE.to_vec();
    dead.extend([Part::Bob, Part::Neighbour]);
    dead.extend([Part::ForeignAlice, Part::ForeignAliceToo, Part::ForeignBob]);
    scene.assert_dead(&w, &dead).await;
    assert_can_log_in(&w).await;
}

pub(super) async fn a_foreign_subject_is_revoked_in_its_own_realm(w: World) {
    let scene = Scene::new(&w).await;
    w.revoke(Op::random(), &Revocation::subject(FOREIGN, ALICE))
        .await;
    let dead = [Part::ForeignAlice, Part::ForeignAliceToo];
    scene.assert_dead(&w, &dead).await;
    // Another issuer's clock may be ahead of ours.
    let iat = w.now().plus(Duration::from_secs(1));
    let at_the_same_time = Query::foreign(FOREIGN, ALICE, iat);
    assert_eq!(w.verdict(&at_the_same_time).await, Verdict::Revoked);
    // Younger than the revocation by more than the skew: good.
    let iat = w.now().plus(Duration::from_secs(4));
    let later = Query::foreign(FOREIGN, ALICE, iat);
    assert_eq!(w.verdict(&later).await, Verdict::Active);
}

pub(super) async fn a_foreign_token_is_denied_alone(w: World) {
    let scene = Scene::new(&w).await;
    let exp = w.now().plus(Duration::from_secs(300));
    let jti = format!("{ALICE}/f");
    let denial = Revocation::token(FOREIGN, FOREIGN, &jti, ALICE, exp);
    w.revoke(Op::random(), &denial).await;
    scene.assert_dead(&w, &[Part::ForeignAlice]).await;
}

pub(super) async fn a_denied_token_stays_denied_until_no_verifier_takes_it(w: World) {
    let login = w.start(ALICE).await;
    let query = login.query(&w, login.version, "a");
    let exp = w.now().plus(Duration::from_secs(300));
    w.deny("a", ALICE, exp).await;
    // A minute of leeway and a minute of skew after its end it may still be presented.
    w.advance_to_just_before(exp.plus(Duration::from_secs(120)))
        .await;
    // Revocations that come in between may make the store tidy up.
    for n in 0..200 {
        w.deny(&n.to_string(), ALICE, exp).await;
    }
    assert_eq!(w.verdict(&query).await, Verdict::Revoked);
}

pub(super) async fn an_ended_login_stays_ended_as_long_as_it_could_have_lived(w: World) {
    let session = w.log_in(ALICE).await;
    let tokens = w.start(ALICE).await;
    w.end_login(ALICE, session.login).await;
    w.end_login(ALICE, tokens.login).await;
    w.advance(LIMITS.absolute).await;
    for _ in 0..200 {
        w.end_login(ALICE, LoginId::random()).await;
    }
    let access = tokens.query(&w, tokens.version, "a");
    assert_eq!(w.verdict(&session.query(&w)).await, Verdict::Revoked);
    assert_eq!(w.verdict(&access).await, Verdict::Revoked);
}

pub(super) async fn many_revocations_do_not_forget_each_other(w: World) {
    let exp = w.now().plus(Duration::from_secs(300));
    let login = w.start(ALICE).await;
    let ended: Vec<LoginId> = (0..300).map(|_| LoginId::random()).collect();
    for (n, &other) in ended.iter().enumerate() {
        w.deny(&n.to_string(), ALICE, exp).await;
        w.end_login(ALICE, other).await;
    }
    for (n, other) in ended.iter().enumerate() {
        let token = login.query(&w, login.version, &n.to_string());
        assert_eq!(w.verdict(&token).await, Verdict::Revoked, "token {n}");
        let login = Query::own(w.store.realm(), ALICE, other, u64::MAX);
        assert_eq!(w.verdict(&login).await, Verdict::Revoked, "login {n}");
    }
}

pub(super) async fn a_kept_login_is_not_brought_back_by_being_kept(w: World) {
    let dead = w.log_in(ALICE).await;
    w.revoke_subject(ALICE).await;
    for _ in 0..3 {
        w.end_others(ALICE, dead.login).await;
        assert!(!w.is_live(&dead.key).await);
    }
    let ended = w.log_in(ALICE).await;
    w.end_login(ALICE, ended.login).await;
    w.end_others(ALICE, ended.login).await;
    assert!(!w.is_live(&ended.key).await);
}

pub(super) async fn a_login_can_be_kept_again_and_again(w: World) {
    let kept = w.log_in(ALICE).await;
    let tokens = w.start(ALICE).await;
    for _ in 0..3 {
        w.end_others(ALICE, kept.login).await;
        let other = w.log_in(ALICE).await;
        assert!(w.is_live(&kept.key).await);
        assert!(w.is_live(&other.key).await);
    }
    assert!(w.refresh_login(&tokens).await.is_none());
    // Another one is kept instead: the first one is one of the others now.
    let newer = w.log_in(ALICE).await;
    w.end_others(ALICE, newer.login).await;
    assert!(w.is_live(&newer.key).await);
    assert!(!w.is_live(&kept.key).await);
}

pub(super) async fn a_repeated_command_does_not_revoke_what_came_after_it(w: World) {
    let first = w.log_in(ALICE).await;
    let realm = w.store.realm().to_owned();
    for revocation in [
        Revocation::login(&realm, ALICE, first.login),
        Revocation::other_logins(&realm, ALICE, LoginId::random()),
        Revocation::subject(&realm, ALICE),
        Revocation::all(),
    ] {
        let op = Op::random();
        w.revoke(op, &revocation).await;
        let (session, tokens) = (w.log_in(ALICE).await, w.start(ALICE).await);
        let epoch = w.store.epoch(ALICE).await.expect("the store answers");
        w.revoke(op, &revocation).await;
        assert!(w.is_live(&session.key).await, "{revocation:?}");
        assert!(w.refresh_login(&tokens).await.is_some(), "{revocation:?}");
        assert_eq!(w.store.epoch(ALICE).await, Ok(epoch), "{revocation:?}");
    }
}

pub(super) async fn an_epoch_read_before_a_revocation_lets_nobody_in_after_it(w: World) {
    let realm = w.store.realm().to_owned();
    let exp = w.now().plus(Duration::from_secs(300));
    let kept = w.log_in(ALICE).await;
    let rows = [
        (Revocation::subject(&realm, ALICE), true),
        (Revocation::other_logins(&realm, ALICE, kept.login), true),
        (Revocation::all(), true),
        (Revocation::login(&realm, ALICE, kept.login), false),
        (Revocation::token(&realm, ISSUER, "a", ALICE, exp), false),
        (Revocation::subject(&realm, BOB), false),
        (Revocation::subject(FOREIGN, ALICE), false),
    ];
    for (revocation, moves) in rows {
        let epoch = w.store.epoch(ALICE).await.expect("the store answers");
        w.revoke(Op::random(), &revocation).await;
        for kind in [LoginKind::Session, LoginKind::Token] {
            let since = Admission {
                since: Some(epoch),
                ..admission(ALICE, kind)
            };
            let admitted = match kind {
                LoginKind::Token => {
                    let start = super::family::start(since);
                    w.store.start(&start).await.expect("the store answers")
                }
                LoginKind::Session => w.admit(&since).await,
            };
            let has_moved = admitted == Admitted::Moved;
            assert_eq!(has_moved, moves, "{kind:?} {revocation:?}: {admitted:?}");
        }
    }
}

pub(super) async fn a_login_refused_by_its_epoch_leaves_nothing(w: World) {
    let epoch = w.store.epoch(ALICE).await.expect("the store answers");
    w.revoke_subject(ALICE).await;
    let start = super::family::start(Admission {
        since: Some(epoch),
        ..admission(ALICE, LoginKind::Token)
    });
    assert_eq!(w.start_by(&start).await.err(), Some(Admitted::Moved));
    let page = w.store.logins(ALICE, None, 10).await;
    assert_eq!(page.map(|page| page.logins.len()), Ok(0));
}

async fn assert_can_log_in(w: &World) {
    let (session, tokens) = (w.log_in(ALICE).await, w.start(ALICE).await);
    assert!(w.is_live(&session.key).await);
    assert_eq!(w.verdict(&session.query(w)).await, Verdict::Active);
    let access = tokens.query(w, tokens.version, "new");
    assert_eq!(w.verdict(&access).await, Verdict::Active);
    w.advance_token(&tokens, tokens.first).await;
}

fn without(parts: &[Part], kept: &[Part]) -> Vec<Part> {
    let is_dead = |part: &Part| !kept.contains(part);
    parts.iter().copied().filter(is_dead).collect()
}
