//! Logout tokens (OpenID Connect Back-Channel Logout 1.0).

use std::{fmt, time::Duration};

use auth_core::{InvalidToken, Timestamp};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::{
    Refusal, Verifier,
    claims::{Audience, Name, has_come, unproven_issuer},
    compact,
    header::Header,
};
use crate::json::{NumericDate, OtherNames, Skip, Str, fill};

/// The member of `events` that makes a token a logout token.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// More members than anybody's claims have.
const MAX_MEMBERS: usize = 128;
/// A token may live for so long: its `jti` is remembered until then. Two minutes are usual.
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// What a logout token says, checked but for whether it was heard before.
#[derive(Debug)]
pub(crate) struct LogoutToken {
    pub(crate) token_id: String,
    /// This, or `session`, or both.
    pub(crate) subject: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) expires_at: Timestamp,
}

/// Checks a logout token against the verifier of its issuer, one of these (section 2.6). `waited` says
/// that it has waited for keys once.
pub(crate) fn verify_logout<'v>(
    verifiers: &'v [Verifier],
    plain_jwt: bool,
    token: &[u8],
    waited: bool,
) -> Result<(&'v Verifier, LogoutToken), Refusal> {
    if Some(token.len()) > verifiers.iter().map(Verifier::size_limit).max() {
        return Err(InvalidToken::TooLarge.into());
    }
    let parts = compact::split(token)?;
    let header = Header::read(&parts.header)?;
    let issuer = unproven_issuer(&parts.claims).ok_or(InvalidToken::Claims)?;
    let mut verifiers = verifiers.iter();
    let verifier = verifiers
        .find(|verifier| *verifier.issuer() == *issuer)
        .ok_or(InvalidToken::Issuer)?;
    if token.len() > verifier.size_limit() {
        return Err(InvalidToken::TooLarge.into());
    }
    if !header.is_of_logout(plain_jwt) {
        return Err(InvalidToken::Type.into());
    }
    verifier.prove(&header, &parts, waited)?;
    Ok((verifier, check(verifier, &parts.claims)?))
}

/// Checks claims whose signature is good.
fn check(verifier: &Verifier, json: &[u8]) -> Result<LogoutToken, InvalidToken> {
    let missing = InvalidToken::Claims;
    let claims: Claims<'_> = serde_json::from_slice(json).map_err(|_| missing)?;
    if claims.iss.ok_or(missing)?.0 != verifier.issuer() {
        return Err(InvalidToken::Issuer);
    }
    if !claims.aud.ok_or(missing)?.is_any_of(verifier.audiences()) {
        return Err(InvalidToken::Audience);
    }
    // An ID token has no events, and often a nonce.
    if !claims.is_logout || claims.has_nonce {
        return Err(InvalidToken::Type);
    }
    let text = |name: Name<'_>| name.0.into_owned();
    let token_id = claims.jti.map(text).ok_or(missing)?;
    let (subject, session) = (claims.sub.map(text), claims.sid.map(text));
    if subject.is_none() && session.is_none() {
        return Err(missing);
    }
    let (issued_at, expires_at) = (claims.iat.ok_or(missing)?.0, claims.exp.ok_or(missing)?.0);
    let (now, leeway) = (verifier.clock().now(), verifier.leeway());
    if expires_at <= now.minus(leeway) {
        return Err(InvalidToken::Expired);
    }
    let latest = now.plus(leeway);
    let not_before = claims.nbf.map(|at| at.0);
    if !has_come(Some(issued_at), latest) || !has_come(not_before, latest) {
        return Err(InvalidToken::NotYetValid);
    }
    if expires_at > issued_at.plus(MAX_LIFETIME) {
        return Err(missing);
    }
    Ok(LogoutToken {
        token_id,
        subject,
        session,
        expires_at,
    })
}

/// The claims that mean something here.
#[derive(Default)]
struct Claims<'a> {
    iss: Option<Str<'a>>,
    sub: Option<Name<'a>>,
    sid: Option<Name<'a>>,
    aud: Option<Audience<'a>>,
    exp: Option<NumericDate>,
    nbf: Option<NumericDate>,
    iat: Option<NumericDate>,
    jti: Option<Name<'a>>,
    is_logout: bool,
    has_nonce: bool,
}

impl<'de> Deserialize<'de> for Claims<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClaimsVisitor)
    }
}

struct ClaimsVisitor;

impl<'de> Visitor<'de> for ClaimsVisitor {
    type Value = Claims<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a claims set")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut claims = Claims::default();
        let mut events = None;
        let mut others = OtherNames::at_most(MAX_MEMBERS);
        while let Some(Str(name)) = map.next_key()? {
            match &*name {
                "iss" => fill(&mut claims.iss, map.next_value()?)?,
                "sub" => fill(&mut claims.sub, map.next_value()?)?,
                "sid" => fill(&mut claims.sid, map.next_value()?)?,
                "aud" => fill(&mut claims.aud, map.next_value()?)?,
                "exp" => fill(&mut claims.exp, map.next_value()?)?,
                "nbf" => fill(&mut claims.nbf, map.next_value()?)?,
                "iat" => fill(&mut claims.iat, map.next_value()?)?,
                "jti" => fill(&mut claims.jti, map.next_value()?)?,
                "events" => fill(&mut events, map.next_value()?)?,
                other => {
                    // Whatever it is: it must not be there.
                    claims.has_nonce |= other == "nonce";
                    others.note(name)?;
                    map.next_value_seed(Skip::MEMBER)?;
                }
            }
        }
        claims.is_logout = events.is_some_and(|Events { is_logout }| is_logout);
        Ok(claims)
    }
}

/// `events`: an object, whose member for logouts is an object.
struct Events {
    is_logout: bool,
}

impl<'de> Deserialize<'de> for Events {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EventsVisitor)
    }
}

struct EventsVisitor;

impl<'de> Visitor<'de> for EventsVisitor {
    type Value = Events;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of events")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Events, A::Error> {
        let mut is_logout = false;
        let mut names = OtherNames::at_most(MAX_MEMBERS);
        while let Some(Str(name)) = map.next_key()? {
            if name == EVENT {
                let Object = map.next_value()?;
                is_logout = true;
            } else {
                map.next_value_seed(Skip::MEMBER)?;
            }
            names.note(name)?;
        }
        Ok(Events { is_logout })
    }
}

/// An object, whatever is in it.
struct Object;

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;

        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let member = Skip::MEMBER.deeper()?;
                while map.next_key_seed(member)?.is_some() {
                    map.next_value_seed(member)?;
                }
                Ok(Object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor)
    }
}
