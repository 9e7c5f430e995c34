//! Tokens and key sets of other people's libraries here, and ours there, by every algorithm that both know.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use auth_core::InvalidToken;
use auth_jwt_layer::{
    Algorithm, Issuer, KeySet, RefreshKeys, SigningKeys, TokenLogin, Verifier, VerifierBuilder,
};
use auth_revocation_memory::MemoryStore;
use auth_tests::{demo::Demo, jwt_library};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

const ISSUER: &str = "https://issuer.test";
const AUDIENCE: &str = "api://orders";

const ALGORITHMS: [Algorithm; 12] = [
    Algorithm::Hs256,
    Algorithm::Hs384,
    Algorithm::Hs512,
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::EdDsa,
];

/// What a library made for one algorithm.
struct Made {
    /// As it spells it.
    alg: String,
    algorithm: Algorithm,
    token: String,
    /// A public JWK, or a secret one.
    key: Value,
    /// The private key, of those that are not secrets.
    pem: Option<String>,
}

impl Made {
    fn kid(&self) -> &str {
        self.key["kid"].as_str().expect("a kid")
    }

    fn secret(&self) -> Vec<u8> {
        let k = self.key["k"].as_str().expect("a secret");
        URL_SAFE_NO_PAD.decode(k).expect("base64url")
    }
}

/// Has a library sign a token by each algorithm, with a key that it makes.
fn made_by(library: &str, algorithms: &[&str]) -> Vec<Made> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.expect("after 1970").as_secs();
    let asked = json!({
        "algorithms": algorithms,
        "header": { "typ": "at+jwt" },
        "claims": {
            "iss": ISSUER, "aud": [AUDIENCE, "another"], "sub": "alice", "jti": "t-1",
            "iat": now, "nbf": now, "exp": now + 600, "scope": "read write",
            "name": "Zoë \u{1f511} \"quoted\"",
        },
    });
    let mut answer = jwt_library(library, "sign", &asked);
    let made = algorithms.iter().map(|alg| {
        let mut one = answer["made"][alg].take();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Made {
            alg: (*alg).to_owned(),
            algorithm: alg.parse().expect("one of ours"),
            token: text(&one["token"]).expect("a token"),
            pem: text(&one["pem"]),
            key: one["key"].take(),
        }
    });
    made.collect()
}

fn verifier(keys: KeySet) -> VerifierBuilder {
    Verifier::builder(ISSUER, AUDIENCE, keys)
}

/// The token with one bit of its signature changed.
fn altered(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').expect("a token");
    let mut signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    signature[9] ^= 1;
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// A verifier of all their public keys, and one for each secret.
fn verifiers(made: &[Made]) -> Vec<(&Made, Verifier)> {
    let public: Vec<_> = made.iter().filter(|one| one.pem.is_some()).collect();
    let set = json!({ "keys": public.iter().map(|one| &one.key).collect::<Vec<_>>() }).to_string();
    let strict = KeySet::builder().jwks(&set).build().expect("their set");
    let published = KeySet::builder().published_jwks(set.as_bytes());
    let published = published.build().expect("their set, as it is fetched");
    assert_eq!(format!("{strict:?}"), format!("{published:?}"));
    let all = verifier(strict).build().expect("a verifier");
    let each = made.iter().map(|one| match one.pem {
        Some(_) => (one, all.clone()),
        None => {
            let key = KeySet::builder().jwk(&one.key.to_string()).build();
            (one, verifier(key.expect("a secret")).build().expect("good"))
        }
    });
    each.collect()
}

fn theirs_verify_here(made: &[Made]) {
    for (one, verifier) in verifiers(made) {
        let alg = &one.alg;
        let verified = verifier.verify(one.token.as_bytes()).expect(alg);
        assert_eq!(verified.subject(), "alice", "{alg}");
        assert!(verified.scopes().contains("write"), "{alg}");
        let claims: Value = verified.claims().expect("JSON");
        assert_eq!(claims["name"], "Zoë \u{1f511} \"quoted\"", "{alg}");
        let refused = verifier.verify(altered(&one.token).as_bytes());
        assert_eq!(refused.map(|_| ()), Err(InvalidToken::Signature), "{alg}");
    }
}

/// An issuer whose first key is theirs for the algorithm; public keys are published all at once.
fn issuer(made: &[Made], first: &Made) -> Issuer {
    let keys = match first.pem {
        None => SigningKeys::builder().secret(first.algorithm, first.kid(), first.secret()),
        Some(_) => {
            let (one, others): (Vec<&Made>, _) = made
                .iter()
                .filter(|one| one.pem.is_some())
                .partition(|one| one.kid() == first.kid());
            let all = one.into_iter().chain(others);
            all.fold(SigningKeys::builder(), |keys, one| {
                let pem = one.pem.as_deref().expect("a private key");
                keys.pem(one.algorithm, one.kid(), pem)
            })
        }
    };
    let store = Arc::new(MemoryStore::new());
    let issuer = Issuer::builder(ISSUER, AUDIENCE, keys.build().expect("their keys"), store);
    issuer
        .refresh_keys(RefreshKeys::generate())
        .build()
        .expect("an issuer")
}

/// Our tokens, each as it is and altered, by all algorithms.
async fn ours_verify_there(library: &str, made: &[Made]) {
    let mut asked = Vec::new();
    for one in made {
        let issuer = issuer(made, one);
        let login = TokenLogin::new("alice").claims(json!({ "name": "Zoë \u{1f511}" }));
        let tokens = issuer.login(login).await.expect("logged in");
        let jwks = match one.pem {
            Some(_) => serde_json::from_str(&issuer.jwks()).expect("JSON"),
            None => json!({ "keys": [one.key] }),
        };
        let token = tokens.access_token();
        for token in [token.to_owned(), altered(token)] {
            asked.push(json!({
                "alg": one.algorithm.as_str(), "token": token, "jwks": jwks,
                "issuer": ISSUER, "audience": AUDIENCE,
            }));
        }
    }
    let read = jwt_library(library, "verify", &Value::Array(asked));
    let read = read.as_array().expect("a list");
    assert_eq!(read.len(), made.len() * 2);
    for (one, read) in made.iter().zip(read.chunks(2)) {
        let alg = &one.alg;
        assert_eq!(read[0]["sub"], "alice", "{alg}");
        assert_eq!(read[0]["name"], "Zoë \u{1f511}", "{alg}");
        assert!(read[1].is_null(), "{alg}: altered");
    }
}

async fn both_ways(library: &str) {
    let made = made_by(library, &ALGORITHMS.map(Algorithm::as_str));
    theirs_verify_here(&made);
    ours_verify_there(library, &made).await;
}

#[tokio::test]
async fn pyjwt_and_we_take_each_others_tokens_and_key_sets() {
    both_ways("pyjwt").await;
}

#[tokio::test]
async fn authlib_and_we_take_each_others_tokens_and_key_sets() {
    both_ways("authlib").await;
}

#[tokio::test]
async fn joserfc_and_we_take_each_others_tokens_and_key_sets() {
    both_ways("joserfc").await;
}

#[tokio::test]
async fn jose_and_we_take_each_others_tokens_and_key_sets() {
    both_ways("jose").await;
}

#[test]
fn eddsa_by_its_new_name_is_taken_from_those_who_write_it() {
    for library in ["jose", "joserfc"] {
        theirs_verify_here(&made_by(library, &["Ed25519"]));
    }
}

#[test]
fn their_clients_fetch_the_keys_of_the_demo() {
    let demo = Demo::start(&[]);
    let tokens = demo.tokens("alice");
    let token = tokens.access.secret();
    let asked = [token.to_owned(), altered(token)].map(|token| {
        json!({
            "alg": "EdDSA", "token": token, "url": demo.url("/.well-known/jwks.json"),
            "issuer": "https://auth.demo", "audience": "demo",
        })
    });
    for library in ["pyjwt", "jose"] {
        let read = jwt_library(library, "verify", &json!(asked));
        assert_eq!(read[0]["sub"], "alice", "{library}");
        assert!(read[1].is_null(), "{library}: altered");
    }
}
