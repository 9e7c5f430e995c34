//! What is a logout token, and what is none.

use std::sync::Arc;

use auth_core::{Event, InvalidToken, RejectionKind};
use auth_jwt_layer::{BackChannelLogout, ConfigErrorKind, Verifier};
use serde_json::{Value, json};

use crate::{
    issuer_support::{START, World},
    support::*,
};

const CLAIMS: &str = "the claims are invalid";
const KIND: &str = "the token is of another kind";
const SIGNATURE: &str = "the signature is invalid";

#[tokio::test]
async fn its_claims_are_checked() {
    let world = World::new();
    let receiver = receiver(&world);
    let start = START.as_secs();
    let both = json!({"sub": "u1", "sid": "s1"});
    assert_eq!(post(&receiver, &logout_token(&both)).await.status(), 200);
    world.heard_all();
    let rows = [
        ("neither sub nor sid", json!({}), CLAIMS),
        ("sub is null", json!({"sub": [null]}), CLAIMS),
        ("sub is a number", json!({"sub": 1}), CLAIMS),
        ("sub is empty", json!({"sub": ""}), CLAIMS),
        ("sid is empty", json!({"sub": "u1", "sid": ""}), CLAIMS),
        ("sid is a list", json!({"sub": "u1", "sid": ["s1"]}), CLAIMS),
        ("sid without end", json!({"sid": "x".repeat(1025)}), CLAIMS),
        ("no issuer", json!({"sub": "u1", "iss": null}), CLAIMS),
        (
            "another issuer",
            json!({"sub": "u1", "iss": "https://evil.example"}),
            "the issuer is not trusted",
        ),
        ("no audience", json!({"sub": "u1", "aud": null}), CLAIMS),
        (
            "another audience",
            json!({"sub": "u1", "aud": "shop-api"}),
            "the token is for another audience",
        ),
        ("no jti", json!({"sub": "u1", "jti": null}), CLAIMS),
        ("an empty jti", json!({"sub": "u1", "jti": ""}), CLAIMS),
        ("no iat", json!({"sub": "u1", "iat": null}), CLAIMS),
        (
            "iat is a text",
            json!({"sub": "u1", "iat": start.to_string()}),
            CLAIMS,
        ),
        (
            "from the future",
            json!({"sub": "u1", "iat": start + 31}),
            "the token is not valid yet",
        ),
        (
            "not before the future",
            json!({"sub": "u1", "nbf": start + 31}),
            "the token is not valid yet",
        ),
        ("no exp", json!({"sub": "u1", "exp": null}), CLAIMS),
        (
            "expired",
            json!({"sub": "u1", "exp": start - 30}),
            "the token expired",
        ),
        (
            "for ever",
            json!({"sub": "u1", "exp": start + 86_401}),
            CLAIMS,
        ),
        ("no events", json!({"sub": "u1", "events": null}), KIND),
        (
            "events is a text",
            json!({"sub": "u1", "events": EVENT}),
            CLAIMS,
        ),
        (
            "events is a list",
            json!({"sub": "u1", "events": [EVENT]}),
            CLAIMS,
        ),
        ("no event", json!({"sub": "u1", "events": {}}), KIND),
        (
            "another event",
            json!({"sub": "u1", "events": {"https://schemas.openid.net/secevent/risc": {}}}),
            KIND,
        ),
        (
            "the event is a text",
            json!({"sub": "u1", "events": {EVENT: ""}}),
            CLAIMS,
        ),
        (
            "the event is null",
            json!({"sub": "u1", "events": {EVENT: null}}),
            CLAIMS,
        ),
        ("a nonce", json!({"sub": "u1", "nonce": "n"}), KIND),
        (
            "a nonce that is none",
            json!({"sub": "u1", "nonce": []}),
            KIND,
        ),
    ];
    for (row, members, description) in rows {
        let mut members = members;
        // A name of its own, so that none is refused for having been used.
        if members.get("jti").is_none() {
            members["jti"] = row.into();
        }
        let response = post(&receiver, &logout_token(&members)).await;
        assert_refused(response, description, row);
        let heard = world.heard_all();
        let refused = matches!(&heard[..], [Event::Refused { kind, .. }]
            if matches!(kind, RejectionKind::InvalidToken(_)));
        assert!(refused, "{row}: {heard:?}");
    }
    // Members twice, and a null, by hand.
    let good = claims(&json!({"sub": "u1"})).to_string();
    for (row, more) in [
        ("events twice", format!(r#""events":{{"{EVENT}":{{}}}}"#)),
        ("sub twice", r#""sub":"u2""#.to_owned()),
        ("a nonce that is null", r#""nonce":null"#.to_owned()),
        ("a null sid", r#""sid":null"#.to_owned()),
        (
            "an event twice",
            format!(r#""e":{{"{EVENT}":{{}},"{EVENT}":{{}}}}"#).replace("\"e\"", "\"events\""),
        ),
    ] {
        let twice = good.replacen('{', &format!("{{{more},"), 1);
        let token = sign(&header(json!("logout+jwt")), &twice);
        assert_eq!(post(&receiver, &token).await.status(), 400, "{row}");
    }
}

#[tokio::test]
async fn odd_ones_that_the_specification_allows_are_taken() {
    let world = World::new();
    let receiver = receiver(&world);
    let start = START.as_secs();
    for (row, members) in [
        ("sub only", json!({"sub": "u1"})),
        ("sid only", json!({"sid": "s1"})),
        (
            "several audiences",
            json!({"sub": "u1", "aud": ["x", CLIENT]}),
        ),
        (
            "more in the event",
            json!({"sub": "u1", "events": {"x": 1, EVENT: {"a": {"b": []}}}}),
        ),
        (
            "claims of its own",
            json!({"sub": "u1", "typ": "Logout", "azp": CLIENT}),
        ),
        (
            "expired within the leeway",
            json!({"sub": "u1", "exp": start - 29}),
        ),
        ("of the other provider", json!({"sub": "u1", "iss": OTHER})),
    ] {
        let mut members = members;
        members["jti"] = row.into();
        let response = post(&receiver, &logout_token(&members)).await;
        assert_eq!(response.status(), 200, "{row}");
    }
}

#[tokio::test]
async fn its_type_is_logout_unless_plain_jwts_are_asked_for() {
    let world = World::new();
    let strict = receiver(&world);
    let lax = builder(&world).accept_typ_jwt().build().unwrap();
    for (number, (typ, strictly, laxly)) in [
        (json!("logout+jwt"), 200, 200),
        (json!("LOGOUT+JWT"), 200, 200),
        (json!("application/logout+jwt"), 200, 200),
        (json!("JWT"), 400, 200),
        (json!("application/jwt"), 400, 200),
        (Value::Null, 400, 200),
        (json!("at+jwt"), 400, 400),
        (json!("secevent+jwt"), 400, 400),
        (json!(""), 400, 400),
        (json!("application/"), 400, 400),
        (json!(["logout+jwt"]), 400, 400),
    ]
    .into_iter()
    .enumerate()
    {
        for (receiver, status) in [(&strict, strictly), (&lax, laxly)] {
            let jti = format!("{number} {status}");
            let jti = json!({"sub": "u1", "jti": format!("{jti}{}", std::ptr::eq(receiver, &lax))});
            let token = sign(&header(typ.clone()), &claims(&jti).to_string());
            let response = post(receiver, &token).await;
            assert_eq!(response.status(), status, "{typ}");
        }
    }
    // An ID token is none, even so.
    let id_token = json!({"sub": "u1", "events": null, "nonce": "n"});
    let token = sign(&header(json!("JWT")), &claims(&id_token).to_string());
    assert_refused(post(&lax, &token).await, KIND, "an ID token");
    // And no layer takes a logout token for an access token.
    let token = logout_token(&json!({"sub": "u1", "aud": "shop-api"}));
    assert_eq!(status(&world, &token).await, 401);
}

#[tokio::test]
async fn only_the_providers_own_key_signs_it() {
    let world = World::new();
    // Of a provider that signs with a public key, and publishes it.
    let issuer = world.issuer();
    let keys = issuer.key_set();
    let of = Verifier::builder(PROVIDER, CLIENT, keys).clock(world.clock.clone());
    let store = world.store.clone();
    let receiver = BackChannelLogout::builder(of.build().unwrap(), store);
    let receiver = receiver.build().unwrap();
    let claims = claims(&json!({"sub": "u1"})).to_string();
    let typ = "logout+jwt";
    let published: Value = serde_json::from_str(&issuer.jwks()).unwrap();
    let x = published["keys"][0]["x"].as_str().unwrap();
    let mut rows = vec![
        (
            "a stranger's",
            sign(&json!({"alg": "EdDSA", "kid": "ed", "typ": typ}), &claims),
        ),
        (
            "an unknown key",
            sign(&json!({"alg": "EdDSA", "kid": "x", "typ": typ}), &claims),
        ),
    ];
    // The public key as if it were a secret.
    for (row, secret) in [
        ("its text", x.as_bytes()),
        ("its JWK", issuer.jwks().as_bytes()),
    ] {
        let header = json!({"alg": "HS256", "kid": "ed", "typ": typ});
        rows.push((row, sign_with(secret, &header, &claims)));
    }
    for (row, token) in rows {
        assert_refused(post(&receiver, &token).await, SIGNATURE, row);
    }
    let none = sign(&json!({"alg": "none", "typ": typ}), &claims);
    assert_refused(post(&receiver, &none).await, SIGNATURE, "none");
    for (row, token) in [
        (
            "nothing signed",
            none.rsplit_once('.').unwrap().0.to_owned() + ".",
        ),
        ("garbage", "x".to_owned()),
        ("three dots", "a.b.c.d".to_owned()),
        ("too long", format!("{}.a.a", "a".repeat(8192))),
    ] {
        let malformed = "the token is malformed";
        assert_refused(post(&receiver, &token).await, malformed, row);
    }
}

#[test]
fn an_issuer_is_trusted_once() {
    let world = World::new();
    let again = verifier(&world, OTHER, "another").build().unwrap();
    let error = builder(&world).trust(again).build().unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::DuplicateIssuer);
    assert_eq!(InvalidToken::Type.description(), KIND);
    assert_eq!(Arc::strong_count(&world.store), 1);
}
