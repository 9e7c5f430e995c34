//! Tokens that an issuer could have made, or an attacker.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::Value;

/// The key of the service: the one of RFC 8037, appendix A.
pub(crate) const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
";

/// Its public half.
pub(crate) const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
";

/// Somebody else's: the second test of RFC 8032, section 7.1.
pub(crate) const FOREIGN: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7
-----END PRIVATE KEY-----
";

/// A token of any header and claims.
pub(crate) fn sign(header: &Header, claims: &Value, pem: &str) -> String {
    let key = EncodingKey::from_ed_pem(pem.as_bytes()).expect("a key");
    encode(header, claims, &key).expect("JSON")
}

/// The header of a token of the service's key.
pub(crate) fn header(typ: &str, kid: &str) -> Header {
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(typ.to_owned());
    header.kid = Some(kid.to_owned());
    header
}

/// The claims with one of them changed; a null takes it away.
pub(crate) fn with(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    let members = claims.as_object_mut().expect("claims are an object");
    match value {
        Value::Null => members.remove(name),
        value => members.insert(name.to_owned(), value),
    };
    claims
}
