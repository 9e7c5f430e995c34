//! What an access token says.

use auth_core::store::FieldValue;
use serde::{Serialize, Serializer, de::DeserializeSeed};
use serde_json::{Map, Value};

use super::error::ClaimsError;
use crate::json::Skip;

/// The claims of an access token (RFC 9068 section 2.2) or an assertion.
#[derive(Clone, Serialize)]
pub(super) struct Claims<'c> {
    pub(super) iss: &'c str,
    pub(super) sub: &'c str,
    pub(super) aud: Audience<'c>,
    pub(super) exp: u64,
    pub(super) iat: u64,
    pub(super) nbf: u64,
    pub(super) jti: &'c str,
    pub(super) client_id: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sid: Option<String>,
    #[serde(rename = "gen", skip_serializing_if = "Option::is_none")]
    pub(super) generation: Option<u64>,
    #[serde(rename = "ver", skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<u64>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) scope: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) auth_time: Option<u64>,
    #[serde(flatten)]
    pub(super) custom: &'c Custom,
}

/// Whom a token is for: one as a text, several as a list (RFC 7519 section 4.1.3).
#[derive(Clone, Copy)]
pub(super) struct Audience<'c>(pub(super) &'c [String]);

impl Serialize for Audience<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [only] => serializer.serialize_str(only),
            several => several.serialize(serializer),
        }
    }
}

/// The names above.
const REGISTERED: [&str; 13] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "client_id",
    "sid",
    "gen",
    "ver",
    "scope",
    "auth_time",
];

/// In base64url, with a header and the longest signature, this stays below the 8 KiB that verifiers
/// and proxies take.
const MAX_BYTES: usize = 5_120;
/// The application's own.
const MAX_CUSTOM: usize = 64;
/// The longest subject and client id, in bytes.
const MAX_NAME: usize = 1024;

impl Claims<'_> {
    /// As JSON, if verifiers will take it.
    pub(super) fn to_json(&self) -> Result<Vec<u8>, ClaimsError> {
        let is_name = |name: &str| (1..=MAX_NAME).contains(&name.len());
        if !is_name(self.sub) {
            return Err(ClaimsError::Subject);
        }
        if !is_name(self.client_id) {
            return Err(ClaimsError::ClientId);
        }
        let json = serde_json::to_vec(self).map_err(|_| ClaimsError::NotAnObject)?;
        if json.len() > MAX_BYTES {
            return Err(ClaimsError::TooLarge);
        }
        Ok(json)
    }
}

/// The application's own claims, none of which is one of the issuer's.
#[derive(Clone, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Custom(Map<String, Value>);

impl Custom {
    pub(super) fn new(claims: &impl Serialize) -> Result<Self, ClaimsError> {
        match serde_json::to_value(claims) {
            Ok(Value::Object(claims)) => Self::checked(claims),
            _ => Err(ClaimsError::NotAnObject),
        }
    }

    fn checked(claims: Map<String, Value>) -> Result<Self, ClaimsError> {
        if REGISTERED.iter().any(|name| claims.contains_key(*name)) {
            return Err(ClaimsError::Registered);
        }
        let json = serde_json::to_vec(&claims).map_err(|_| ClaimsError::NotAnObject)?;
        let mut json = serde_json::Deserializer::from_slice(&json);
        if claims.len() > MAX_CUSTOM || Skip::MEMBER.deserialize(&mut json).is_err() {
            return Err(ClaimsError::TooLarge);
        }
        Ok(Self(claims))
    }

    /// As a store keeps them.
    pub(super) fn to_stored(&self) -> Option<FieldValue> {
        let json = serde_json::to_string(&self.0).ok();
        json.filter(|_| !self.0.is_empty())
            .map(FieldValue::from_json)
    }

    /// As a store kept them. None if it holds something else.
    pub(super) fn from_stored(stored: Option<&FieldValue>) -> Option<Self> {
        let Some(stored) = stored else {
            return Some(Self::default());
        };
        let claims = serde_json::from_str(stored.as_json()).ok()?;
        Self::checked(claims).ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims<'c>(custom: &'c Custom, scope: &'c str) -> Claims<'c> {
        Claims {
            iss: "i",
            sub: "s",
            aud: Audience(&[]),
            exp: 1,
            iat: 2,
            nbf: 3,
            jti: "j",
            client_id: "c",
            sid: Some("l".to_owned()),
            generation: Some(4),
            version: Some(5),
            scope,
            auth_time: Some(6),
            custom,
        }
    }

    #[test]
    fn the_list_of_registered_names_is_the_list_of_the_fields() {
        let json = claims(&Custom::default(), "x").to_json().unwrap();
        let written: Map<String, Value> = serde_json::from_slice(&json).unwrap();
        let mut names: Vec<_> = written.keys().map(String::as_str).collect();
        let mut registered = REGISTERED;
        names.sort_unstable();
        registered.sort_unstable();
        assert_eq!(names, registered);
    }

    #[test]
    fn no_claim_of_the_applications_is_one_of_ours() {
        for name in REGISTERED {
            let claims = json!({ "role": "admin", name: "x" });
            let custom = Custom::new(&claims).err();
            assert_eq!(custom, Some(ClaimsError::Registered), "{name}");
            let stored = FieldValue::from_json(claims.to_string());
            assert!(Custom::from_stored(Some(&stored)).is_none(), "{name}");
        }
        for other in [json!([]), json!("x"), json!(null)] {
            assert_eq!(Custom::new(&other).err(), Some(ClaimsError::NotAnObject));
        }
    }

    #[test]
    fn claims_survive_the_store() {
        let custom = Custom::new(&json!({ "role": "admin", "n": [1, { "a": null }] })).unwrap();
        let stored = custom.to_stored();
        let back = Custom::from_stored(stored.as_ref()).unwrap();
        assert_eq!(back.0, custom.0);
        assert_eq!(Custom::default().to_stored(), None);
        assert!(Custom::from_stored(None).unwrap().0.is_empty());
        let broken = FieldValue::from_json("[1");
        assert!(Custom::from_stored(Some(&broken)).is_none());
    }

    #[test]
    fn names_are_bounded() {
        let custom = Custom::default();
        for (row, name, is_name) in [
            ("empty", String::new(), false),
            ("the longest", "x".repeat(MAX_NAME), true),
            ("one longer", "x".repeat(MAX_NAME + 1), false),
        ] {
            let claims = claims(&custom, "");
            let subject = Claims {
                sub: &name,
                ..claims.clone()
            };
            let expected = if is_name {
                None
            } else {
                Some(ClaimsError::Subject)
            };
            assert_eq!(subject.to_json().err(), expected, "{row}");
            let client_id = Claims {
                client_id: &name,
                ..claims
            };
            let expected = if is_name {
                None
            } else {
                Some(ClaimsError::ClientId)
            };
            assert_eq!(client_id.to_json().err(), expected, "{row}");
        }
    }

    #[test]
    fn claims_are_bounded() {
        let many = |n: usize| Map::from_iter((0..n).map(|n| (n.to_string(), json!(n))));
        assert!(Custom::new(&many(MAX_CUSTOM)).is_ok());
        let too_large = Some(ClaimsError::TooLarge);
        assert_eq!(Custom::new(&many(MAX_CUSTOM + 1)).err(), too_large);
        let deep = |n: usize| (0..n).fold(json!(1), |inner, _| json!([inner]));
        assert!(Custom::new(&json!({ "deep": deep(30) })).is_ok());
        assert_eq!(Custom::new(&json!({ "deep": deep(31) })).err(), too_large);

        let long = Custom::new(&json!({ "long": "x".repeat(MAX_BYTES) })).unwrap();
        assert_eq!(claims(&long, "").to_json(), Err(ClaimsError::TooLarge));
        let short = Custom::new(&json!({ "long": "x".repeat(MAX_BYTES - 200) })).unwrap();
        assert!(claims(&short, "").to_json().is_ok());
    }
}
