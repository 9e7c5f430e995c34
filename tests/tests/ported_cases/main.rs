//! What the tests of ten other libraries say, case by case: what comes of it here, and which of our tests show that.
//!
//! The cases are facts in their libraries' words, without the keys. They are in the folder that `AUTH_PUBLIC_VECTORS`
//! names, see `tests/vectors/README.md`; a class names its cases by a part of their names.

mod flows;
mod refused;
mod taken;

use std::{collections::BTreeMap, env, fs, path::Path};

use auth_jwt_layer::{KeySet, Verifier};
use auth_tests::{sources, vectors};
use serde_json::Value;

const CASES: usize = 556;

/// Cases with the same verdict for the same reason.
#[derive(Debug)]
pub(crate) struct Class {
    about: &'static str,
    here: Here,
    cases: &'static [&'static str],
}

/// What comes of it here.
#[derive(Debug)]
pub(crate) enum Here {
    /// The same: it is refused, as these tests show.
    Refused(&'static [&'static str]),
    /// The same: it is taken, as these tests show.
    Taken(&'static [&'static str]),
    /// What is right here, as these tests show.
    Done(&'static [&'static str]),
    /// It is refused though others take it: why.
    Stricter(&'static str),
    /// It is refused here, as these tests show, and there, too: the verdict of the case is not what the library does.
    Misread(&'static [&'static str]),
    /// It can not happen here: why.
    Apart(&'static str),
}

impl Here {
    fn proofs(&self) -> &[&str] {
        match self {
            Self::Refused(proofs) | Self::Taken(proofs) => proofs,
            Self::Done(proofs) | Self::Misread(proofs) => proofs,
            Self::Stricter(_) | Self::Apart(_) => &[],
        }
    }

    /// Whether that may come of a case of such a verdict.
    fn fits(&self, expected: &str) -> bool {
        match self {
            Self::Refused(_) => expected == "reject",
            Self::Taken(_) | Self::Misread(_) => expected == "accept",
            Self::Stricter(_) => expected != "reject",
            Self::Done(_) | Self::Apart(_) => true,
        }
    }
}

fn tables() -> impl Iterator<Item = &'static Class> {
    let tables = [refused::CLASSES, taken::CLASSES, flows::CLASSES];
    tables.into_iter().flatten()
}

#[test]
fn every_class_has_its_tests_or_a_reason() {
    let source = sources();
    for class in tables() {
        match &class.here {
            Here::Stricter(why) | Here::Apart(why) => assert!(why.len() > 10, "{class:?}"),
            here => assert!(!here.proofs().is_empty(), "{class:?}"),
        }
        for name in class.here.proofs() {
            assert!(source.contains(&format!("fn {name}(")), "{name} is no test");
        }
    }
}

#[test]
fn every_case_of_other_libraries_has_its_verdict() {
    let Some(folder) = env::var_os("AUTH_PUBLIC_VECTORS") else {
        println!("AUTH_PUBLIC_VECTORS is not set: {CASES} public cases were not run");
        return;
    };
    let path = Path::new(&folder).join("ported_cases.jsonl");
    let text = fs::read_to_string(&path);
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let cases: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a case"))
        .collect();
    assert_eq!(cases.len(), CASES);
    let verifiers = verifiers();
    let (mut counts, mut wrong) = (BTreeMap::<_, usize>::new(), Vec::new());
    let mut tokens = 0;
    for case in &cases {
        let member = |name: &str| case[name].as_str().expect("text");
        let (name, expected) = (member("name"), member("expect"));
        // Whoever signed them, it was not our key.
        for token in compact(member("input")) {
            tokens += 1;
            let mut all = verifiers.iter();
            if all.any(|verifier| verifier.verify(token.as_bytes()).is_ok()) {
                wrong.push(format!("{name}: {token} was taken"));
            }
        }
        let table = match (member("lib"), expected) {
            ("express-session" | "tower-sessions" | "ory-fosite", _) => flows::CLASSES,
            (_, "reject") => refused::CLASSES,
            _ => taken::CLASSES,
        };
        let mut classes = table.iter();
        let class = classes.find(|class| class.cases.iter().any(|part| name.contains(part)));
        match class {
            Some(class) if class.here.fits(expected) => {
                let here = format!("{:?}", class.here);
                let verdict = here.split('(').next().unwrap_or_default().to_owned();
                *counts.entry((verdict, class.about)).or_default() += 1;
            }
            other => wrong.push(format!("{name}, {expected}: {other:?}")),
        }
    }
    for ((verdict, about), count) in &counts {
        println!("{verdict:9} {count:4} {about}");
    }
    println!("{CASES} cases, {tokens} tokens in them, of which none was taken");
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    // The tables have no row without a case.
    for class in tables() {
        for part in class.cases {
            let mut names = cases.iter().map(|case| case["name"].as_str());
            assert!(
                names.any(|name| name.is_some_and(|name| name.contains(part))),
                "{part}"
            );
        }
    }
}

fn verifiers() -> Vec<Verifier> {
    let set = fs::read_to_string(vectors().join("jwks_public.json")).expect("the vectors");
    let set: Value = serde_json::from_str(&set).expect("a JWK set");
    let keys = set["keys"].as_array().expect("keys").iter();
    let verifier = |jwk: &Value| {
        let keys = KeySet::builder().jwk(&jwk.to_string()).build();
        let verifier = Verifier::builder("https://issuer.test", "api://orders", keys.expect("one"));
        verifier.accept_typ_jwt().build().expect("a verifier")
    };
    keys.map(verifier).collect()
}

/// What looks like a JWS in compact form.
fn compact(input: &str) -> impl Iterator<Item = &str> {
    let outside = |c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c));
    let words = input.split(outside);
    words.filter(|word| word.starts_with("eyJ") && word.split('.').count() >= 3)
}
