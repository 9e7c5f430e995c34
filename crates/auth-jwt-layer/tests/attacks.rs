//! The hostile tokens of `tests/vectors/attacks.jsonl`, one by one.
#![cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]

use std::{collections::BTreeMap, fs, path::PathBuf};

use auth_jwt_layer::{KeySet, Verifier};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

fn vectors(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/vectors")
        .join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// One verifier for each algorithm: secrets and public keys do not mix in one.
fn verifiers() -> BTreeMap<String, Verifier> {
    let set: Value = serde_json::from_str(&vectors("jwks_public.json")).expect("a JWK set");
    let keys = set["keys"].as_array().expect("keys");
    keys.iter()
        .map(|jwk| {
            let keys = KeySet::builder()
                .jwk(&jwk.to_string())
                .build()
                .expect("a key");
            let verifier = Verifier::builder("https://issuer.test", "api://orders", keys)
                .accept_typ_jwt()
                .require_token_id()
                .build()
                .expect("a verifier");
            (jwk["alg"].as_str().expect("alg").to_owned(), verifier)
        })
        .collect()
}

#[test]
fn every_token_gets_its_verdict() {
    let verifiers = verifiers();
    let mut counts: BTreeMap<(String, &str), usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for line in vectors("attacks.jsonl").lines() {
        let case: Value = serde_json::from_str(line).expect("a case");
        let text = |member: &str| case[member].as_str().unwrap_or_default();
        let token = match case["token_b64"].as_str() {
            Some(bytes) => STANDARD.decode(bytes).expect("base64"),
            None => text("token").as_bytes().to_vec(),
        };
        // A token is tried against every verifier: none may take what is bad.
        let verdicts: Vec<_> = verifiers
            .iter()
            .map(|(alg, verifier)| (alg.as_str(), verifier.verify(&token)))
            .collect();
        let accepted = verdicts.iter().any(|(_, verdict)| verdict.is_ok());
        let own = verdicts.iter().find(|(alg, _)| *alg == text("alg"));
        let reason = match own.map(|(_, verdict)| verdict) {
            Some(Ok(_)) => "accepted",
            Some(Err(why)) => why.as_str(),
            None => "no verifier for its algorithm",
        };
        let (class, name) = (text("class").to_owned(), text("name"));
        match (text("expect"), accepted) {
            ("reject", true) => wrong.push(format!("{name}: accepted; {}", text("why"))),
            ("accept", false) => {
                wrong.push(format!("{name}: refused as {reason}; {}", text("why")));
            }
            _ => {}
        }
        *counts.entry((class, reason)).or_default() += 1;
    }
    for ((class, reason), count) in &counts {
        println!("{class:16} {reason:16} {count}");
    }
    println!("{} tokens", counts.values().sum::<usize>());
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}
