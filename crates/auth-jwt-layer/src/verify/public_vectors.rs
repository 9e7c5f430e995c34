//! The signatures and tokens of public test suites.
//!
//! They are about JWS and not about access tokens, so they are run against the verifier's own steps, without `typ` and
//! claims: the key set that the case brings along, the compact form, the header, the key, the signature.
//!
//! The suites are not part of this repository: `AUTH_PUBLIC_VECTORS` names the folder that holds them, see
//! `tests/vectors/README.md`. The examples of the RFCs run always.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use auth_core::InvalidToken;
use serde_json::{Value, json};

use super::{claims::Claims, compact, header::Header, scopes::ScopePaths, verifier::verifies};
use crate::{Algorithm, ConfigErrorKind, KeySet, Verifier};

/// The suites, and how many cases each has.
const SUITES: [(&str, usize); 8] = [
    ("wycheproof_jws", 401),
    ("wycheproof_jwk", 26),
    ("wycheproof_jwc", 83),
    ("wycheproof_jwe_as_jws", 65),
    ("wycheproof_ed25519", 151),
    ("wycheproof_p256_p1363", 262),
    ("rfc7520", 66),
    ("envoy_parse", 30),
];

/// What is refused here though its source takes it: how the name of the case ends, what refuses it, and why that is
/// right.
const REFUSED_ON_PURPOSE: [(&str, By, &str); 4] = [
    (
        "-emptyPayload",
        By::Token(InvalidToken::Malformed),
        "claims are a JSON object, and nothing is none",
    ),
    (
        "rfc7520-jws_4_2_rsa-pss_signature-compact",
        By::Token(InvalidToken::Algorithm),
        "a key has one algorithm: an RSA key that does not say which is for RS256, the token is PS384",
    ),
    (
        "envoy-parse-GoodJwtLongClaim",
        By::Token(InvalidToken::TooLarge),
        "11,349 bytes; the cap is 8 KiB",
    ),
    (
        "envoy-parse-GoodJwtLongCustomClaims",
        By::Token(InvalidToken::TooLarge),
        "11,392 bytes; the cap is 8 KiB",
    ),
];

/// Cases that contradict their suite: token and key are byte for byte those of a case that is to be accepted, as the
/// padding they are named for was lost before they were written down.
const CONTRADICTED: [&str; 2] = [
    "wycheproof-jws-367-invalidBase64Padding",
    "wycheproof-jws-370-invalidBase64PaddingInPayload",
];

/// What refuses a case.
#[derive(Clone, Copy, PartialEq, Debug)]
enum By {
    Key(ConfigErrorKind),
    Token(InvalidToken),
}

#[test]
fn the_examples_of_the_rfcs() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    run(&folder, &[("rfc_examples", 8)]);
}

#[test]
fn the_public_suites() {
    match env::var_os("AUTH_PUBLIC_VECTORS") {
        Some(folder) => run(Path::new(&folder), &SUITES),
        None => {
            let cases: usize = SUITES.iter().map(|(_, cases)| cases).sum();
            println!("AUTH_PUBLIC_VECTORS is not set: {cases} public cases were not run");
        }
    }
}

fn run(folder: &Path, suites: &[(&str, usize)]) {
    let mut wrong = Vec::new();
    for (suite, size) in suites {
        let path = folder.join(format!("{suite}.jsonl"));
        let text = fs::read_to_string(&path);
        let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let all: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("a case"))
            .collect();
        for case in &all {
            let name = case["name"].as_str().expect("a name");
            let outcome = outcome(case);
            let on_purpose = |by: By| {
                let mut rows = REFUSED_ON_PURPOSE.iter();
                rows.any(|(end, step, _)| name.ends_with(end) && by == *step)
            };
            let count = match (case["expect"].as_str().expect("a verdict"), &outcome) {
                ("accept" | "either", Ok(())) => "accepted",
                ("reject" | "either", Err(_)) => "refused",
                ("accept", Err(by)) if on_purpose(*by) => "refused on purpose",
                ("reject", Ok(())) if CONTRADICTED.contains(&name) => {
                    let same = |other: &&Value| {
                        other["token"] == case["token"] && other["key"] == case["key"]
                    };
                    let mut twins = all.iter().filter(same);
                    assert!(twins.any(|twin| twin["expect"] == "accept"), "{name}");
                    "contradicted"
                }
                (_, outcome) => {
                    wrong.push(format!("{name}: {outcome:?}; {}", case["why"]));
                    "wrong"
                }
            };
            *counts.entry(count).or_default() += 1;
        }
        println!("{suite}: {counts:?}");
        assert_eq!(counts.values().sum::<usize>(), *size, "{suite}");
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

fn outcome(case: &Value) -> Result<(), By> {
    let token = case["token"].as_str().unwrap_or_default().as_bytes();
    match case["kind"].as_str().expect("a kind") {
        "jws" => jws(&keys(case).map_err(By::Key)?, token).map_err(By::Token),
        "jwt-expired" => {
            let keys = keys(case).map_err(By::Key)?;
            let verifier = Verifier::builder("joe", "us", keys).accept_typ_jwt();
            let verifier = verifier.build().expect("a verifier");
            verifier.verify(token).map(|_| ()).map_err(By::Token)
        }
        "parse-only" => parse(token).map_err(By::Token),
        "raw-signature" => {
            let keys = keys(case).map_err(By::Key)?;
            let key = keys.find(None).expect("the only key");
            assert_eq!(case["alg"], key.algorithm().as_str());
            match key.verifies(&hex(&case["msg_hex"]), &hex(&case["sig_hex"])) {
                true => Ok(()),
                false => Err(By::Token(InvalidToken::Signature)),
            }
        }
        kind => panic!("a case of the kind {kind}"),
    }
}

/// The keys of a case: its key set or its one key.
fn keys(case: &Value) -> Result<KeySet, ConfigErrorKind> {
    let mut keys = match (&case["jwks"]["keys"], &case["key"]) {
        (Value::Array(keys), _) | (_, Value::Array(keys)) => keys.clone(),
        (_, key) => vec![key.clone()],
    };
    for key in &mut keys {
        // Examples leave out what a secret is for.
        if key["kty"] == "oct" && key["alg"].is_null() {
            key["alg"] = json!("HS256");
        }
    }
    // One by one, as a set of secrets is not taken.
    let builder = keys.iter().fold(KeySet::builder(), |builder, key| {
        builder.jwk(&key.to_string())
    });
    builder.build().map_err(|error| error.kind())
}

fn jws(keys: &KeySet, token: &[u8]) -> Result<(), InvalidToken> {
    let parts = compact::split(token)?;
    let header = Header::read(&parts.header)?;
    match verifies(keys, &header, &parts)? {
        true => Ok(()),
        false => Err(InvalidToken::Signature),
    }
}

/// All that is read before the signature, and the claims.
fn parse(token: &[u8]) -> Result<(), InvalidToken> {
    if token.len() > 8 * 1024 {
        return Err(InvalidToken::TooLarge);
    }
    let parts = compact::split(token)?;
    let header = Header::read(&parts.header)?;
    Algorithm::from_name(header.alg()).ok_or(InvalidToken::Algorithm)?;
    Claims::read(&parts.claims, false, false, &ScopePaths::default()).map(|_| ())
}

fn hex(text: &Value) -> Vec<u8> {
    let digits = text.as_str().expect("hex").bytes();
    let digits: Vec<u32> = digits
        .map(|c| char::from(c).to_digit(16).expect("a hex digit"))
        .collect();
    digits
        .chunks(2)
        .map(|pair| (pair[0] << 4 | pair[1]) as u8)
        .collect()
}
