//! The header (RFC 7515 section 4).

use std::fmt;

use auth_core::InvalidToken;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::json::{OtherNames, Skip, Str, fill};

/// More members than anybody's header has.
const MAX_MEMBERS: usize = 32;

/// What is read of a header.
#[derive(Default)]
pub(super) struct Header<'a> {
    alg: Option<Str<'a>>,
    kid: Option<Str<'a>>,
    typ: Option<Str<'a>>,
    /// Whether it has a member that would change what the rest means.
    is_critical: bool,
    is_encrypted: bool,
}

impl<'a> Header<'a> {
    /// Reads the header.
    pub(super) fn read(json: &'a [u8]) -> Result<Self, InvalidToken> {
        let header: Self = serde_json::from_slice(json).map_err(|_| InvalidToken::Malformed)?;
        if header.is_critical {
            return Err(InvalidToken::Critical);
        }
        if header.is_encrypted || header.alg.is_none() {
            return Err(InvalidToken::Malformed);
        }
        Ok(header)
    }

    pub(super) fn alg(&self) -> &str {
        self.alg.as_ref().map_or("", |alg| &alg.0)
    }

    pub(super) fn kid(&self) -> Option<&str> {
        self.kid.as_ref().map(|kid| &*kid.0)
    }

    /// Whether it is an access token (RFC 9068 section 2.1), or where that will do, a plain JWT.
    pub(super) fn is_of_type(&self, plain_jwt: bool) -> bool {
        self.is("at+jwt", plain_jwt)
    }

    /// Whether it is a logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4), or where that will do, a
    /// plain JWT.
    pub(super) fn is_of_logout(&self, plain_jwt: bool) -> bool {
        self.is("logout+jwt", plain_jwt)
    }

    fn is(&self, wanted: &str, plain_jwt: bool) -> bool {
        let Some(Str(typ)) = &self.typ else {
            return plain_jwt;
        };
        let typ: &str = typ;
        // A media type whose `application/` may be left out (RFC 7515 section 4.1.9).
        let typ = match typ.split_at_checked("application/".len()) {
            Some((prefix, typ)) if prefix.eq_ignore_ascii_case("application/") => typ,
            _ => typ,
        };
        typ.eq_ignore_ascii_case(wanted) || plain_jwt && typ.eq_ignore_ascii_case("JWT")
    }
}

impl<'de> Deserialize<'de> for Header<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JOSE header")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut header = Header::default();
        let mut others = OtherNames::at_most(MAX_MEMBERS);
        while let Some(Str(name)) = map.next_key()? {
            match &*name {
                "alg" => fill(&mut header.alg, map.next_value()?)?,
                "kid" => fill(&mut header.kid, map.next_value()?)?,
                "typ" => fill(&mut header.typ, map.next_value()?)?,
                other => {
                    match other {
                        // `b64` means something only if it is critical (RFC 7797 section 6).
                        "crit" | "b64" => header.is_critical = true,
                        "enc" | "zip" => header.is_encrypted = true,
                        _ => {}
                    }
                    others.note(name)?;
                    map.next_value_seed(Skip::MEMBER)?;
                }
            }
        }
        Ok(header)
    }
}
