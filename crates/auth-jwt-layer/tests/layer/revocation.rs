//! Tokens of our own over the memory store, and how they are taken back.

use std::{sync::Arc, time::Duration};

use auth_core::{LoginId, store::Revocations};
use auth_jwt_layer::{JwtLayer, TokenLogin, Tokens};
use auth_revocation_memory::MemoryStore;
use serde_json::Value;

use crate::support::*;

async fn login(world: &World, subject: &str) -> Tokens {
    let tokens = world.issuer.login(TokenLogin::new(subject)).await;
    tokens.expect("a login")
}

/// The claim of a token.
fn claim(tokens: &Tokens, name: &str) -> Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let claims = tokens
        .access_token()
        .split('.')
        .nth(1)
        .expect("three parts");
    let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64url");
    serde_json::from_slice::<Value>(&claims).expect("claims")[name].clone()
}

/// Two logins of alice and one of bob: who of them is still let in.
async fn let_in(world: &World, tokens: &[Tokens]) -> Vec<bool> {
    let layer = world.own().build().expect("a layer");
    let mut all = Vec::new();
    for tokens in tokens {
        let answer = send(&layer, bearer(tokens.access_token())).await;
        if answer.status != 200 {
            assert_eq!(answer, invalid("the token was revoked"));
        }
        all.push(answer.status == 200);
    }
    all
}

#[tokio::test]
async fn every_revocation_kills_what_it_names_and_nothing_else() {
    for (what, expected) in [
        ("nothing", [true, true, true]),
        ("a token", [false, true, true]),
        ("somebody else's token of that name", [true, true, true]),
        ("a login", [false, true, true]),
        ("a login of another subject", [true, true, true]),
        ("the other logins", [true, false, true]),
        ("a subject", [false, false, true]),
        ("all", [false, false, false]),
    ] {
        let world = World::new();
        let tokens = [
            login(&world, "alice").await,
            login(&world, "alice").await,
            login(&world, "bob").await,
        ];
        assert_eq!(let_in(&world, &tokens).await, [true; 3], "{what}");
        let jti = claim(&tokens[0], "jti");
        let jti = jti.as_str().expect("a jti");
        let first: LoginId = tokens[0].login();
        let exp = START.plus(Duration::from_secs(300));
        let store = &world.store;
        let done = match what {
            "nothing" => Ok(()),
            "a token" => store.revoke_token(OWN, jti, "alice", exp).await,
            "somebody else's token of that name" => {
                store.revoke_token(FOREIGN, jti, "alice", exp).await
            }
            "a login" => store.end_login("alice", first).await,
            "a login of another subject" => store.end_login("bob", first).await,
            "the other logins" => store.end_other_logins("alice", first).await,
            "a subject" => store.revoke_subject("alice").await,
            "all" => store.revoke_all().await,
            other => panic!("{other}"),
        };
        done.expect("revoked");
        assert_eq!(let_in(&world, &tokens).await, expected, "{what}");
        // A login after it works at once.
        let again = [login(&world, "alice").await, login(&world, "bob").await];
        assert_eq!(let_in(&world, &again).await, [true, true], "{what}");
    }
}

#[tokio::test]
async fn a_token_from_before_the_stores_start_is_refused() {
    let world = World::new();
    let tokens = login(&world, "alice").await;
    world.clock.advance(Duration::from_millis(1));
    let restarted = |trusting: bool| {
        let builder = MemoryStore::builder().clock(world.clock.clone());
        let builder = if trusting {
            builder.insecure_trust_before_start()
        } else {
            builder
        };
        let verifier = world.issuer.verifier().expect("a verifier");
        let store = Arc::new(builder.build().expect("a store"));
        let layer = JwtLayer::builder(verifier).store(store).build();
        layer.expect("a layer")
    };
    let request = || bearer(tokens.access_token());
    assert_eq!(
        send(&restarted(false), request()).await,
        invalid("the token was revoked")
    );
    assert_eq!(
        send(&restarted(true), request()).await,
        passed("token alice")
    );
}

#[tokio::test]
async fn the_principal_says_what_the_token_says() {
    use auth_core::{Caller, PrincipalKind, Scopes};
    use http::{Request, Response};
    use tower::{Layer, ServiceExt, service_fn};

    let world = World::new();
    let login = TokenLogin::new("alice").scopes(Scopes::parse("read"));
    let tokens = world.issuer.login(login).await.expect("a login");
    let handler = service_fn(|request: Request<()>| async move {
        let caller = request.extensions().get::<Caller>().expect("a caller");
        let principal = caller.principal().await.expect("known");
        let mut response = Response::new(String::new());
        response
            .extensions_mut()
            .insert(principal.expect("somebody"));
        Ok::<_, std::convert::Infallible>(response)
    });
    let layer = world.own().build().expect("a layer");
    let service = layer.layer(handler);
    let response = service.oneshot(bearer(tokens.access_token())).await;
    let response = response.expect("no error");
    let principal = response.extensions().get::<auth_core::Principal>();
    let principal = principal.expect("a principal");
    assert_eq!(
        (principal.kind(), principal.subject()),
        (PrincipalKind::Token, "alice")
    );
    assert_eq!(principal.issuer(), Some(OWN));
    assert_eq!(principal.login(), Some(tokens.login()));
    assert_eq!(principal.scopes(), &Scopes::parse("read"));
    assert_eq!(principal.auth_time(), Some(START));
    let exp = claim(&tokens, "exp").as_u64();
    assert_eq!(principal.expires_at().map(|at| at.as_secs()), exp);
}

#[tokio::test]
async fn a_token_of_our_own_needs_its_login_and_version() {
    use auth_core::ManualClock;
    use serde_json::json;

    let clock = ManualClock::new(START);
    let store = MemoryStore::builder().clock(clock.clone()).build();
    // Our issuer, as far as the verifier is told.
    let verifier = foreign_verifier(&clock).own().build().expect("a verifier");
    let layer = JwtLayer::builder(verifier).store(Arc::new(store.expect("a store")));
    let layer = layer.build().expect("a layer");
    let (sid, ver) = (LoginId::random().to_string(), START.as_millis());
    for (what, members, expected) in [
        (
            "both",
            json!({"sid": sid, "ver": ver}),
            passed("token alice"),
        ),
        (
            "no sid",
            json!({"ver": ver}),
            invalid("the claims are invalid"),
        ),
        (
            "sid is no login",
            json!({"sid": "x", "ver": ver}),
            invalid("the claims are invalid"),
        ),
        (
            "no ver",
            json!({"sid": sid}),
            invalid("the claims are invalid"),
        ),
        (
            "an old ver",
            json!({"sid": sid, "ver": ver - 1}),
            invalid("the token was revoked"),
        ),
    ] {
        assert_eq!(
            send(&layer, bearer(&foreign_token(members))).await,
            expected,
            "{what}"
        );
    }
}
