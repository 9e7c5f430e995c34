//! The bodies of the fuzz targets in `tests/fuzz`: each takes any bytes, panics when a promise is broken, and says
//! whether it was given something good.

use std::{
    collections::BTreeSet,
    fs,
    sync::{Arc, LazyLock},
    task::{Context, Poll, Waker},
};

use auth_core::{
    ManualClock, Timestamp,
    credentials::{CookieLookup, bearer_token, find_cookie, has_bearer},
};
use auth_jwt_layer::{Algorithm, Issuer, KeySet, RefreshKeys, SigningKeys, Verifier};
use auth_revocation_memory::MemoryStore;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use http::{
    HeaderMap, HeaderValue,
    header::{AUTHORIZATION, COOKIE},
};
use serde_json::Value;
use sha2::Sha256;

/// A target: its name, which is also that of the folder of its seeds, and its body.
pub type Target = (&'static str, fn(&[u8]) -> bool);

/// All targets.
pub const TARGETS: [Target; 6] = [
    ("token", token),
    ("claims", claims),
    ("authorization", authorization),
    ("cookie", cookie),
    ("refresh", refresh),
    ("jwks", jwks),
];

const ISSUER: &str = "https://issuer.test";
const AUDIENCE: &str = "api://orders";
const NOW: u64 = 1_800_000_000;
const SECRET: &[u8] = b"a secret of thirty-two bytes, fuzz";

/// Tokens, as they come. None is taken but those that were signed.
pub fn token(data: &[u8]) -> bool {
    static SIGNED: LazyLock<(Vec<Verifier>, BTreeSet<Vec<u8>>)> = LazyLock::new(|| {
        let read = |name: &str| fs::read_to_string(crate::vectors().join(name)).expect("a vector");
        let set: Value = serde_json::from_str(&read("jwks_public.json")).expect("a JWK set");
        let keys = set["keys"].as_array().expect("keys").iter();
        let verifiers = keys.map(|jwk| {
            let keys = KeySet::builder().jwk(&jwk.to_string()).build();
            let verifier = Verifier::builder(ISSUER, AUDIENCE, keys.expect("a key"));
            verifier.accept_typ_jwt().build().expect("a verifier")
        });
        let cases = read("attacks.jsonl");
        let signed = cases.lines().filter_map(|line| {
            let case: Value = serde_json::from_str(line).expect("a case");
            Some(case["token"].as_str()?.as_bytes().to_vec())
        });
        (verifiers.collect(), signed.collect())
    });
    let (verifiers, signed) = &*SIGNED;
    let mut taken = false;
    for verifier in verifiers {
        // Twice, as good ones are remembered.
        let verdicts = [verifier.verify(data), verifier.verify(data)].map(|v| v.map(|_| ()));
        assert_eq!(verdicts[0], verdicts[1]);
        assert!(verdicts[0].is_err() || signed.contains(data), "forged");
        taken |= verdicts[0].is_ok();
    }
    taken
}

/// Headers and claims with a good signature: a line of header, then the claims. What is taken is what any other reader
/// of JSON would read there, too.
pub fn claims(data: &[u8]) -> bool {
    static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
        let keys = KeySet::builder().secret(Algorithm::Hs256, "k", SECRET);
        Verifier::builder(ISSUER, AUDIENCE, keys.build().expect("keys"))
            .clock(ManualClock::new(Timestamp::from_secs(NOW)))
            .more_scopes_at(["realm_access", "roles"])
            .more_scopes_at(["https://example.com/roles"])
            .cache(1 << 16)
            .build()
            .expect("a verifier")
    });
    let end = data.iter().position(|b| *b == b'\n').unwrap_or(data.len());
    let (header, claims) = (&data[..end], data.get(end + 1..).unwrap_or_default());
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let signed = format!("{}.{}", text(header), text(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).expect("any length");
    mac.update(signed.as_bytes());
    let token = format!("{signed}.{}", text(&mac.finalize().into_bytes()));
    let Ok(verified) = VERIFIER.verify(token.as_bytes()) else {
        return false;
    };
    let header: Value = serde_json::from_slice(header).expect("JSON");
    let claims: Value = serde_json::from_slice(claims).expect("JSON");
    assert_eq!(header["alg"], "HS256");
    assert!(header.get("crit").is_none());
    assert_eq!(claims["iss"], ISSUER);
    assert_eq!(claims["sub"], verified.subject());
    let for_us = claims["aud"] == AUDIENCE
        || claims["aud"]
            .as_array()
            .is_some_and(|all| all.contains(&AUDIENCE.into()));
    assert!(for_us && !verified.subject().is_empty());
    assert!(
        claims["exp"]
            .as_f64()
            .is_some_and(|exp| exp > NOW as f64 - 30.0)
    );
    let come = |name: &str| match &claims[name] {
        Value::Null => claims.get(name).is_none(),
        time => time.as_f64().is_some_and(|time| time < NOW as f64 + 31.0),
    };
    assert!(come("nbf") && come("iat"));
    assert!(verified.claims::<Value>().is_ok_and(|all| all == claims));
    true
}

/// `Authorization` headers, a line each.
pub fn authorization(data: &[u8]) -> bool {
    let headers = headers(AUTHORIZATION, data);
    let values: Vec<_> = headers.get_all(AUTHORIZATION).iter().collect();
    let found = bearer_token(&headers);
    match found {
        Ok(Some(token)) => {
            let [value] = &values[..] else {
                panic!("a token out of several headers");
            };
            let (scheme, rest) = value.as_bytes().split_at(7);
            assert!(scheme.eq_ignore_ascii_case(b"bearer "));
            assert_eq!(rest, token.as_bytes());
            assert!(has_bearer(&headers) && !rest.is_empty());
        }
        Ok(None) => assert!(values.len() < 2 && !has_bearer(&headers)),
        Err(_) => assert!(values.len() > 1 || has_bearer(&headers)),
    }
    matches!(found, Ok(Some(_)))
}

/// `Cookie` headers, a line each.
pub fn cookie(data: &[u8]) -> bool {
    const NAME: &str = "__Host-id";
    let headers = headers(COOKIE, data);
    let trim = |bytes: &[u8]| {
        let blank = |b: &u8| *b != b' ' && *b != b'\t';
        let start = bytes.iter().position(blank).unwrap_or(bytes.len());
        let end = bytes.iter().rposition(blank).map_or(start, |end| end + 1);
        bytes[start..end].to_vec()
    };
    // The slow way.
    let values = headers.get_all(COOKIE).iter();
    let pairs = values.flat_map(|value| value.as_bytes().split(|b| *b == b';'));
    let ours: Vec<_> = pairs
        .filter_map(|pair| {
            let equals = pair.iter().position(|b| *b == b'=')?;
            let is_ours = trim(&pair[..equals]) == NAME.as_bytes();
            is_ours.then(|| trim(&pair[equals + 1..]))
        })
        .collect();
    let found = find_cookie(&headers, NAME);
    match found {
        CookieLookup::One(value) => assert_eq!(ours, [value.to_vec()]),
        CookieLookup::None => assert!(ours.is_empty()),
        // Or too many to look at.
        CookieLookup::Ambiguous => assert!(ours.len() > 1 || data.len() > 256),
    }
    matches!(found, CookieLookup::One(_))
}

fn headers(name: http::HeaderName, data: &[u8]) -> HeaderMap {
    let lines = data.split(|b| *b == b'\n');
    let values = lines.filter_map(|line| HeaderValue::from_bytes(line).ok());
    values.take(64).map(|value| (name.clone(), value)).collect()
}

/// Refresh tokens, as they come. None is good, as none was ever issued.
pub fn refresh(data: &[u8]) -> bool {
    static ISSUER_OF: LazyLock<Issuer> = LazyLock::new(|| {
        let keys = SigningKeys::builder().generate_ed25519("k").build();
        let store = Arc::new(MemoryStore::new());
        let ring = RefreshKeys::from_base64_lines("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        Issuer::builder(ISSUER, AUDIENCE, keys.expect("keys"), store)
            .refresh_keys(ring.expect("a ring"))
            .build()
            .expect("an issuer")
    });
    let introspection = now(ISSUER_OF.introspect(data)).expect("the store is there");
    assert!(!introspection.is_active());
    assert!(now(ISSUER_OF.refresh(data, None)).is_err());
    now(ISSUER_OF.revoke_refresh_token(data)).expect("nothing to do");
    false
}

/// JWK sets, as they come. What is made of one verifies nothing that its keys did not sign.
pub fn jwks(data: &[u8]) -> bool {
    let strict = std::str::from_utf8(data).map(|text| KeySet::builder().jwks(text).build());
    let lenient = KeySet::builder().published_jwks(data).build();
    if matches!(strict, Ok(Ok(_))) {
        assert!(lenient.is_ok(), "what is strictly right is right");
    }
    let Ok(keys) = lenient else { return false };
    let verifier = Verifier::builder(ISSUER, AUDIENCE, keys)
        .build()
        .expect("a verifier");
    for alg in ["EdDSA", "ES256", "ES384", "RS256", "PS512", "HS256"] {
        let header = format!(r#"{{"alg":"{alg}","typ":"at+jwt"}}"#);
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let claims =
            format!(r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","sub":"a","exp":4102444800}}"#);
        let token = [
            text(header.as_bytes()),
            text(claims.as_bytes()),
            text(&[0; 64]),
        ]
        .join(".");
        assert!(verifier.verify(token.as_bytes()).is_err(), "{alg}");
    }
    true
}

/// What a future says at once: the store in memory does not wait.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}
