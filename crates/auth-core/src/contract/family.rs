//! Token logins and their refresh tokens.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::world::{World, admission};
use crate::{
    LoginId, Scopes, random_bytes,
    revocation::{Lane, Query},
    store::{
        Admission, Admitted, Derivation, FieldValue, LoginKind, Presented, RefreshGrant,
        RefreshHash, RefreshRecord, RefreshStart, Rotated, Rotation, Successor,
    },
};

/// For how long a rotated token still gets the same successor.
pub(super) const GRACE: Duration = Duration::from_secs(30);

/// The key of the ring that all successors are derived with.
const KEY_ID: u32 = 7;

/// A token login.
#[derive(Clone, Debug)]
pub(super) struct Family {
    pub(super) subject: String,
    pub(super) login: LoginId,
    pub(super) lane: Lane,
    pub(super) version: u64,
    pub(super) first: Presented,
}

impl World {
    pub(super) async fn start(&self, subject: &str) -> Family {
        let start = start(admission(subject, LoginKind::Token));
        self.start_by(&start).await.expect("it is let in")
    }

    pub(super) async fn start_by(&self, start: &RefreshStart) -> Result<Family, Admitted> {
        let admission = &start.admission;
        let started = self.store.start(start).await.expect("the store answers");
        let Admitted::Yes { version, .. } = started else {
            return Err(started);
        };
        Ok(Family {
            subject: admission.subject.clone(),
            login: admission.login,
            lane: Lane::of(self.store.realm(), &admission.subject),
            version,
            first: Presented {
                generation: 1,
                hash: start.hash,
            },
        })
    }

    /// Presents `token`.
    pub(super) async fn rotate(&self, family: &Family, token: Presented) -> Rotated {
        let rotated = self.store.rotate(&rotation(family, token)).await;
        rotated.expect("the store answers")
    }

    /// Presents `token`, which must be the current one; gives its successor and the login.
    pub(super) async fn advance_token(
        &self,
        family: &Family,
        token: Presented,
    ) -> (Presented, RefreshRecord) {
        match self.rotate(family, token).await {
            Rotated::Advanced {
                record,
                adopted: false,
            } => (successor_in(&record, token), record),
            other => panic!("generation {} did not advance: {other:?}", token.generation),
        }
    }

    pub(super) async fn refresh_login(&self, family: &Family) -> Option<RefreshRecord> {
        let login = self.store.refresh_login(family.lane, family.login).await;
        login.expect("the store answers")
    }
}

impl Family {
    /// Asks about the access token named `jti`, made when the login was at `version`.
    pub(super) fn query(&self, world: &World, version: u64, jti: &str) -> Query {
        let realm = world.store.realm();
        Query::own(realm, &self.subject, &self.login, version).token(ISSUER, jti)
    }
}

/// Who issues the suite's access tokens.
pub(super) const ISSUER: &str = "https://issuer.example";

pub(super) fn start(admission: Admission) -> RefreshStart {
    RefreshStart {
        grant: RefreshGrant {
            client_id: Some("app".to_owned()),
            scopes: Scopes::parse("read write"),
            auth_time: None,
            claims: Some(FieldValue::from_json(r#"{"plan":"gold"}"#)),
        },
        hash: RefreshHash::from_bytes(random_bytes()),
        admission,
    }
}

/// A refresh as an issuer makes it: with a successor of its own.
pub(super) fn rotation(family: &Family, presented: Presented) -> Rotation {
    let derivation = Derivation {
        nonce: random_bytes(),
        key_id: KEY_ID,
    };
    Rotation {
        lane: family.lane,
        login: family.login,
        presented,
        successor: Successor {
            hash: derived(presented, &derivation),
            derivation,
        },
        grace: GRACE,
        retry: Duration::ZERO,
    }
}

/// The successor of `token`, computed from what the store says of its derivation as an issuer does;
/// the store must hold the hash of that very token.
#[track_caller]
pub(super) fn successor_in(record: &RefreshRecord, token: Presented) -> Presented {
    let derivation = record.rotation.derived.expect("it was rotated");
    let successor = Presented {
        generation: token.generation + 1,
        hash: derived(token, &derivation),
    };
    let rotation = &record.rotation;
    assert_eq!(derivation.key_id, KEY_ID);
    assert_eq!(rotation.generation, successor.generation);
    assert!(rotation.current == successor.hash, "a fork: {rotation:?}");
    assert!(rotation.previous == Some(token.hash), "{rotation:?}");
    successor
}

/// A token of that generation that was never given out.
pub(super) fn forged(generation: u64) -> Presented {
    Presented {
        generation,
        hash: RefreshHash::from_bytes(random_bytes()),
    }
}

fn derived(token: Presented, derivation: &Derivation) -> RefreshHash {
    let mut hash = Sha256::new();
    hash.update(token.hash.as_bytes());
    hash.update(derivation.nonce);
    RefreshHash::from_bytes(hash.finalize().into())
}
