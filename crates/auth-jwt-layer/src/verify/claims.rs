//! The claims (RFC 7519 section 4): read in one pass, each of the right type.

use std::{borrow::Cow, fmt};

use auth_core::{InvalidToken, Scopes, Timestamp};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::scopes::{Gathered, ScopePaths};
use crate::json::{NumericDate, OtherNames, Skip, Str, fill};

/// More members than anybody's claims have.
const MAX_MEMBERS: usize = 128;
/// The longest `sub` and `jti`, in bytes.
const MAX_NAME: usize = 1024;

/// The claims that mean something here.
#[derive(Default)]
pub(super) struct Claims<'a> {
    iss: Option<Str<'a>>,
    sub: Option<Name<'a>>,
    aud: Option<Audience<'a>>,
    pub(super) exp: Option<NumericDate>,
    pub(super) nbf: Option<NumericDate>,
    pub(super) iat: Option<NumericDate>,
    pub(super) auth_time: Option<NumericDate>,
    jti: Option<Name<'a>>,
    client_id: Option<Name<'a>>,
    sid: Option<Name<'a>>,
    pub(super) generation: Option<u64>,
    pub(super) ver: Option<u64>,
    scopes: Gathered<'a>,
}

impl<'a> Claims<'a> {
    /// Reads the claims. `own` says whether `sid`, `gen` and `ver` are ours, `sessions` whether `sid` is a session's
    /// in any case: in somebody else's token they may otherwise be anything.
    pub(super) fn read(
        json: &'a [u8],
        own: bool,
        sessions: bool,
        scopes_at: &ScopePaths,
    ) -> Result<Self, InvalidToken> {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let read = deserializer.deserialize_map(ClaimsVisitor {
            own,
            sid: own || sessions,
            scopes_at,
        });
        let claims = read.map_err(|_| InvalidToken::Claims)?;
        deserializer.end().map_err(|_| InvalidToken::Claims)?;
        Ok(claims)
    }

    pub(super) fn issuer(&self) -> Option<&str> {
        self.iss.as_ref().map(|iss| &*iss.0)
    }

    /// Whether it is for any of these.
    pub(super) fn is_for(&self, audiences: &[Box<str>]) -> Option<bool> {
        self.aud.as_ref().map(|aud| aud.is_any_of(audiences))
    }

    pub(super) fn subject(&self) -> Option<&str> {
        self.sub.as_ref().map(|sub| &*sub.0)
    }

    pub(super) fn token_id(&self) -> Option<&str> {
        self.jti.as_ref().map(|jti| &*jti.0)
    }

    pub(super) fn client_id(&self) -> Option<&str> {
        self.client_id.as_ref().map(|id| &*id.0)
    }

    pub(super) fn session_id(&self) -> Option<&str> {
        self.sid.as_ref().map(|sid| &*sid.0)
    }

    pub(super) fn scopes(&self) -> Scopes {
        self.scopes.scopes()
    }
}

struct ClaimsVisitor<'p> {
    own: bool,
    sid: bool,
    scopes_at: &'p ScopePaths,
}

impl<'de> Visitor<'de> for ClaimsVisitor<'_> {
    type Value = Claims<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a claims set")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut claims = Claims::default();
        let mut others = OtherNames::at_most(MAX_MEMBERS);
        while let Some(Str(name)) = map.next_key()? {
            match &*name {
                "iss" => fill(&mut claims.iss, map.next_value()?)?,
                "sub" => fill(&mut claims.sub, map.next_value()?)?,
                "aud" => fill(&mut claims.aud, map.next_value()?)?,
                "exp" => fill(&mut claims.exp, map.next_value()?)?,
                "nbf" => fill(&mut claims.nbf, map.next_value()?)?,
                "iat" => fill(&mut claims.iat, map.next_value()?)?,
                "jti" => fill(&mut claims.jti, map.next_value()?)?,
                "auth_time" => fill(&mut claims.auth_time, map.next_value()?)?,
                "client_id" => fill(&mut claims.client_id, map.next_value()?)?,
                "sid" if self.sid => fill(&mut claims.sid, map.next_value()?)?,
                "gen" if self.own => fill(&mut claims.generation, map.next_value()?)?,
                "ver" if self.own => fill(&mut claims.ver, map.next_value()?)?,
                _ => {
                    match self.scopes_at.at(&name, &mut claims.scopes) {
                        Some(scopes) => map.next_value_seed(scopes)?,
                        None => map.next_value_seed(Skip::MEMBER)?,
                    }
                    others.note(name)?;
                }
            }
        }
        Ok(claims)
    }
}

/// A string that names something: neither empty nor endless.
pub(super) struct Name<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Str(name) = Str::deserialize(deserializer)?;
        if name.is_empty() || name.len() > MAX_NAME {
            return Err(D::Error::custom("empty or too long"));
        }
        Ok(Self(name))
    }
}

/// `aud`: a string, or an array of strings only (RFC 7519 section 4.1.3).
pub(super) struct Audience<'a>(Vec<Cow<'a, str>>);

impl Audience<'_> {
    /// Whether any of these is among them.
    pub(super) fn is_any_of(&self, audiences: &[Box<str>]) -> bool {
        let ours = |one: &Cow<'_, str>| audiences.iter().any(|audience| **audience == **one);
        self.0.iter().any(ours)
    }
}

impl<'de> Deserialize<'de> for Audience<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AudienceVisitor)
    }
}

struct AudienceVisitor;

impl<'de> Visitor<'de> for AudienceVisitor {
    type Value = Audience<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an array of strings")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Audience(vec![Cow::Borrowed(text)]))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Audience(vec![Cow::Owned(text.to_owned())]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Str(one)) = seq.next_element()? {
            all.push(one);
        }
        Ok(Audience(all))
    }
}

/// The issuer that unproven claims name, to choose by and for nothing else: what follows it is not even read.
/// None when it can not be found; what is wrong is then said by [`Claims::read`].
pub(super) fn unproven_issuer(json: &[u8]) -> Option<Cow<'_, str>> {
    struct Peek<'o, 'de>(&'o mut Option<Cow<'de, str>>);

    impl<'de> Visitor<'de> for Peek<'_, 'de> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a claims set")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(Str(name)) = map.next_key()? {
                if name == "iss" {
                    let Str(issuer) = map.next_value()?;
                    *self.0 = Some(issuer);
                    break;
                }
                map.next_value_seed(Skip::MEMBER)?;
            }
            Ok(())
        }
    }

    let mut issuer = None;
    // That the object goes on behind the issuer is an error to the deserializer and none here.
    let _ = serde_json::Deserializer::from_slice(json).deserialize_map(Peek(&mut issuer));
    issuer
}

/// A time that must have come, give or take `leeway`.
pub(super) fn has_come(at: Option<Timestamp>, latest: Timestamp) -> bool {
    at.is_none_or(|at| at <= latest)
}
