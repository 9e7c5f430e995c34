//! Fills stores with sessions and denied tokens.

use std::{sync::Arc, time::Duration};

use auth_layers::{
    LoginId, Scopes, StoreError, Timestamp,
    revocation::{Lane, Op},
    store::{
        Admission, Admitted, Establish, FieldChange, FieldValue, Lifetimes, LoginChange, LoginKind,
        Logins, Revocation, Revocations, SessionKey, SessionLogin, Sessions,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::keys::ISSUER;

const LIFETIMES: Lifetimes = Lifetimes {
    idle: Some(Duration::from_secs(30 * 60)),
    absolute: Duration::from_secs(12 * 3600),
};
/// Name and JSON of the one field: 60 bytes.
pub const FIELD: (&str, &str) = (
    "count",
    "\"an article, another one, and one more: 60 with name!!\"",
);
pub const FIELD_BYTES: usize = FIELD.0.len() + FIELD.1.len();

/// The id of the session numbered so: its lane, and 256 bits that look random.
fn id(number: u64) -> [u8; 34] {
    let random = Sha256::digest(number.to_be_bytes());
    let mut id = [0; 34];
    id[2..].copy_from_slice(&random);
    id[0] = random[0] & 3;
    id[1] = random[1];
    id
}

/// What its cookie is.
pub fn cookie(number: u64) -> String {
    format!("__Host-id={}", URL_SAFE_NO_PAD.encode(id(number)))
}

fn key(number: u64) -> SessionKey {
    let id = id(number);
    let lane = u16::from_be_bytes([id[0], id[1]]);
    SessionKey {
        lane: Lane::new(lane).expect("ten bits"),
        hash: Sha256::digest(id).into(),
    }
}

fn subject(number: u64) -> String {
    format!("user-{number:08}")
}

/// A login that was let in.
#[derive(Clone, Copy, Debug)]
pub struct Login {
    login: LoginId,
    version: u64,
}

/// The first step of a login: it enters the list of its subject's.
pub async fn admit<S: Logins + ?Sized>(store: &S, number: u64) -> Login {
    let login = LoginId::random();
    let admission = Admission {
        subject: subject(number),
        login,
        kind: LoginKind::Session,
        device: None,
        lifetimes: LIFETIMES,
        since: None,
        limit: None,
        session: Some(key(number)),
        op: Op::random(),
    };
    match store.admit(&admission).await {
        Ok(Admitted::Yes { version, .. }) => Login { login, version },
        other => panic!("not let in: {other:?}"),
    }
}

/// The second: its session, with one field; `count` is a number in it if it is to be read.
pub async fn establish<S: Sessions + ?Sized>(store: &S, number: u64, login: Login, json: &str) {
    let establish = Establish {
        old: None,
        new: key(number),
        login: LoginChange::Set(SessionLogin {
            login: login.login,
            subject: subject(number).into(),
            version: login.version,
            auth_time: Timestamp::default(),
            scopes: Scopes::default(),
            persistent: false,
        }),
        keep_data: true,
        changes: vec![FieldChange {
            name: Arc::from(FIELD.0),
            value: Some(FieldValue::from_json(json)),
            expected: None,
        }],
        lifetimes: LIFETIMES,
        op: Op::random(),
    };
    store.establish(&establish).await.expect("made");
}

/// Denies a token.
pub async fn deny<S: Revocations + ?Sized>(
    store: &S,
    number: u64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let jti = format!("jti-{number:018}");
    let exp = now.plus(Duration::from_secs(3600));
    let revocation = Revocation::token(store.realm(), ISSUER, &jti, &subject(number), exp);
    store.revoke(Op::random(), &revocation).await
}
