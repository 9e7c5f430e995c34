//! One of each credential, to see which of them a revocation kills.

use std::time::Duration;

use super::{
    family::Family,
    world::{LoggedIn, World, commit, neighbour},
};
use crate::{
    Timestamp, Verdict,
    revocation::Query,
    store::{CommitOutcome, Load, Rotated},
};

pub(super) const ALICE: &str = "alice";
pub(super) const BOB: &str = "bob";

/// The issuer of tokens that are not ours; its subjects are a realm of their own.
pub(super) const FOREIGN: &str = "https://foreign.example";

/// How the credentials of the scene are called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part {
    /// Alice's session.
    Session,
    /// Alice's other session.
    OtherSession,
    /// Alice's token login: its refresh token, and the access token `b` of it.
    Tokens,
    /// The access token `a` of it.
    TokenA,
    /// Alice's other token login, with its access token `a`.
    OtherTokens,
    /// Bob's session and token login.
    Bob,
    /// The same of somebody whose state is in Alice's lane.
    Neighbour,
    /// A token of somebody else's issuer, whose subject is an Alice too.
    ForeignAlice,
    /// Another token of that Alice.
    ForeignAliceToo,
    /// A token of that issuer for Bob.
    ForeignBob,
}

pub(super) struct Scene {
    pub(super) session: LoggedIn,
    pub(super) other_session: LoggedIn,
    pub(super) tokens: Family,
    pub(super) other_tokens: Family,
    bystanders: [(Part, LoggedIn, Family); 2],
    pub(super) foreign_iat: Timestamp,
}

impl Scene {
    pub(super) async fn new(world: &World) -> Self {
        let neighbour = neighbour(world.store.realm(), ALICE);
        let scene = Self {
            session: world.log_in(ALICE).await,
            other_session: world.log_in(ALICE).await,
            tokens: world.start(ALICE).await,
            other_tokens: world.start(ALICE).await,
            bystanders: [
                (Part::Bob, world.log_in(BOB).await, world.start(BOB).await),
                (
                    Part::Neighbour,
                    world.log_in(&neighbour).await,
                    world.start(&neighbour).await,
                ),
            ],
            foreign_iat: world.now().plus(Duration::from_secs(10)),
        };
        // Foreign tokens are only good when they are clearly younger than any epoch.
        world.advance(Duration::from_secs(20)).await;
        scene
    }

    /// Says whether `dead` are dead, and all others alive.
    pub(super) async fn assert_dead(&self, world: &World, dead: &[Part]) {
        let is_dead = |part| dead.contains(&part);
        for (part, session) in [
            (Part::Session, &self.session),
            (Part::OtherSession, &self.other_session),
        ] {
            assert_session(world, part, session, is_dead(part)).await;
        }
        for (part, tokens) in [
            (Part::Tokens, &self.tokens),
            (Part::OtherTokens, &self.other_tokens),
        ] {
            assert_family(world, part, tokens, is_dead(part)).await;
        }
        let token_a = self.tokens.query(world, self.tokens.version, "a");
        assert_verdict(world, Part::TokenA, &token_a, is_dead(Part::TokenA)).await;
        for (part, session, tokens) in &self.bystanders {
            assert_session(world, *part, session, is_dead(*part)).await;
            assert_family(world, *part, tokens, is_dead(*part)).await;
        }
        for (part, subject, jti) in [
            (Part::ForeignAlice, ALICE, "f"),
            (Part::ForeignAliceToo, ALICE, "g"),
            (Part::ForeignBob, BOB, "f"),
        ] {
            assert_verdict(world, part, &self.foreign(subject, jti), is_dead(part)).await;
        }
    }

    /// Asks about a token of the foreign issuer.
    pub(super) fn foreign(&self, subject: &str, jti: &str) -> Query {
        // The token of that name of one subject is another one than that of another subject.
        let jti = format!("{subject}/{jti}");
        Query::foreign(FOREIGN, subject, self.foreign_iat).token(FOREIGN, &jti)
    }
}

async fn assert_verdict(world: &World, part: Part, query: &Query, is_dead: bool) {
    let expected = if is_dead {
        Verdict::Revoked
    } else {
        Verdict::Active
    };
    for node in [world.clone(), world.other_node()] {
        assert_eq!(node.verdict(query).await, expected, "{part:?}");
    }
}

async fn assert_session(world: &World, part: Part, session: &LoggedIn, is_dead: bool) {
    assert_verdict(world, part, &session.query(world), is_dead).await;
    for node in [world.clone(), world.other_node()] {
        let load = node.load(&session.key).await;
        let outcome = node.commit(&commit(session.key, Vec::new())).await;
        if is_dead {
            assert!(matches!(load, Load::Absent | Load::Ended), "{part:?}");
            assert_eq!(outcome, CommitOutcome::Ended, "{part:?}");
        } else {
            assert!(matches!(load, Load::Live(_)), "{part:?}: {load:?}");
            assert!(matches!(outcome, CommitOutcome::Done(_)), "{part:?}");
        }
    }
}

/// Presents its refresh token, too: of each family only once.
async fn assert_family(world: &World, part: Part, family: &Family, is_dead: bool) {
    let query = family.query(world, family.version, "b");
    assert_verdict(world, part, &query, is_dead).await;
    let record = world.refresh_login(family).await;
    assert_eq!(record.is_none(), is_dead, "{part:?}");
    let rotated = world.rotate(family, family.first).await;
    if is_dead {
        assert_eq!(rotated, Rotated::Invalid, "{part:?}");
    } else {
        assert!(matches!(rotated, Rotated::Advanced { .. }), "{part:?}");
    }
}
