//! The verifier's rules, row by row: what the tables share.

use std::time::Duration;

use auth_core::{InvalidToken, ManualClock, Timestamp};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{Algorithm, KeySet, Verifier, VerifierBuilder};

mod cached;
mod claims;
mod header;
mod scopes;
mod settings;
mod times;

const NOW: u64 = 1_800_000_000;
const SECRET: &[u8] = b"a test secret of thirty-two bytes";

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn builder() -> VerifierBuilder {
    let keys = KeySet::builder().secret(Algorithm::Hs256, "k", SECRET);
    Verifier::builder("iss", "aud", keys.build().expect("keys"))
        .clock(ManualClock::new(Timestamp::from_secs(NOW)))
}

pub(super) fn verifier() -> Verifier {
    builder().build().expect("a verifier")
}

pub(super) fn header() -> Value {
    json!({"alg": "HS256", "typ": "at+jwt", "kid": "k"})
}

pub(super) fn claims() -> Value {
    json!({"iss": "iss", "aud": "aud", "sub": "alice", "exp": NOW + 300})
}

/// An object with some members set, or with null removed.
fn with(mut object: Value, members: Value) -> Value {
    let all = object.as_object_mut().expect("an object");
    for (name, value) in members.as_object().expect("an object") {
        if value.is_null() {
            all.remove(name);
        } else {
            all.insert(name.clone(), value.clone());
        }
    }
    object
}

/// A token of these two parts, whatever they are, with a good signature.
pub(super) fn sign(header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let signed = format!("{}.{}", text(header.as_ref()), text(claims.as_ref()));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).expect("any length");
    mac.update(signed.as_bytes());
    format!("{signed}.{}", text(&mac.finalize().into_bytes()))
}

fn token(members: Value) -> String {
    sign(header().to_string(), with(claims(), members).to_string())
}

fn verdict(verifier: &Verifier, token: &str) -> Result<(), InvalidToken> {
    verifier.verify(token.as_bytes()).map(|_| ())
}
