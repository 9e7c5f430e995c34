//! The parameters of a request.

use std::fmt;

use http::{HeaderMap, header::CONTENT_TYPE};
use percent_encoding::percent_decode;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use crate::json::{OtherNames, Skip, Str};

/// More members than anybody sends.
const MAX_MEMBERS: usize = 64;

/// The parameters that mean something here. Those without a value count as absent, and all others are
/// ignored (RFC 6749 section 3.2). Secret: no Debug.
#[derive(Default)]
pub(crate) struct Params {
    pub(crate) grant_type: Option<String>,
    pub(crate) refresh_token: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) logout_token: Option<String>,
}

/// Why there are no parameters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ParamsError {
    /// Neither a form nor JSON.
    ContentType,
    /// Not what its content type says, or a parameter is there twice.
    Malformed,
}

impl Params {
    /// Reads a form, or a JSON object of texts.
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, ParamsError> {
        let content_type = headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
        let essence = content_type.map(|it| it.split(|b| *b == b';').next().unwrap_or(it));
        let is = |name: &[u8]| {
            essence.is_some_and(|essence| essence.trim_ascii().eq_ignore_ascii_case(name))
        };
        if is(b"application/x-www-form-urlencoded") {
            Self::from_form(body).ok_or(ParamsError::Malformed)
        } else if is(b"application/json") {
            serde_json::from_slice(body).map_err(|_| ParamsError::Malformed)
        } else {
            Err(ParamsError::ContentType)
        }
    }

    fn field(&mut self, name: &str) -> Option<&mut Option<String>> {
        Some(match name {
            "grant_type" => &mut self.grant_type,
            "refresh_token" => &mut self.refresh_token,
            "scope" => &mut self.scope,
            "client_id" => &mut self.client_id,
            "token" => &mut self.token,
            "logout_token" => &mut self.logout_token,
            _ => return None,
        })
    }

    fn from_form(form: &[u8]) -> Option<Self> {
        let mut params = Self::default();
        for pair in form.split(|b| *b == b'&') {
            let at = pair.iter().position(|b| *b == b'=');
            let (name, value) = at.map_or((pair, &b""[..]), |at| (&pair[..at], &pair[at + 1..]));
            // What is not text is no name of ours.
            let Some(field) = decode(name).and_then(|name| params.field(&name)) else {
                continue;
            };
            let value = decode(value)?;
            if !value.is_empty() && field.replace(value).is_some() {
                return None;
            }
        }
        Some(params)
    }
}

/// A name or value of `application/x-www-form-urlencoded`.
fn decode(text: &[u8]) -> Option<String> {
    let spaced: Vec<u8> = text
        .iter()
        .map(|b| if *b == b'+' { b' ' } else { *b })
        .collect();
    let decoded = percent_decode(&spaced).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

impl<'de> Deserialize<'de> for Params {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ParamsVisitor)
    }
}

struct ParamsVisitor;

impl<'de> Visitor<'de> for ParamsVisitor {
    type Value = Params;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of parameters")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Params, A::Error> {
        let mut params = Params::default();
        let mut others = OtherNames::at_most(MAX_MEMBERS);
        while let Some(Str(name)) = map.next_key()? {
            let Some(field) = params.field(&name) else {
                others.note(name)?;
                map.next_value_seed(Skip::MEMBER)?;
                continue;
            };
            let Some(Str(value)) = map.next_value()? else {
                continue;
            };
            if !value.is_empty() && field.replace(value.into_owned()).is_some() {
                return Err(A::Error::custom("a duplicate member"));
            }
        }
        Ok(params)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";
    const JSON: &str = "application/json";

    fn token(content_type: &str, body: &[u8]) -> Result<Option<String>, ParamsError> {
        let mut headers = HeaderMap::new();
        let content_type = HeaderValue::from_str(content_type).unwrap();
        headers.insert(CONTENT_TYPE, content_type);
        Params::read(&headers, body).map(|params| params.token)
    }

    #[test]
    fn a_parameter_is_read_from_a_form_or_from_json() {
        let found = |text: &str| Ok(Some(text.to_owned()));
        let (malformed, other) = (Err(ParamsError::Malformed), Err(ParamsError::ContentType));
        for (row, content_type, body, expected) in [
            ("a form", FORM, "token=a.b", found("a.b")),
            ("among others", FORM, "x=1&token=a&y", found("a")),
            ("escapes", FORM, "tok%65n=a%2Bb+c%3D", found("a+b c=")),
            ("an equals sign in it", FORM, "token=a==", found("a==")),
            ("without a value", FORM, "token=", Ok(None)),
            ("without an equals sign", FORM, "token", Ok(None)),
            ("absent", FORM, "Token=a", Ok(None)),
            ("an empty form", FORM, "", Ok(None)),
            ("twice", FORM, "token=a&token=a", malformed.clone()),
            ("twice, once empty", FORM, "token=&token=a", found("a")),
            ("others twice", FORM, "x=1&x=2&token=a", found("a")),
            ("not UTF-8", FORM, "token=%ff", malformed.clone()),
            (
                "a name that is not UTF-8",
                FORM,
                "%ff=1&token=a",
                found("a"),
            ),
            (
                "a charset",
                "Application/X-WWW-Form-Urlencoded; charset=UTF-8",
                "token=a",
                found("a"),
            ),
            ("JSON", JSON, r#"{"token":"a","x":[1,{}]}"#, found("a")),
            (
                "JSON with a charset",
                "application/json;charset=utf-8",
                r#"{"token":"a"}"#,
                found("a"),
            ),
            ("JSON, null", JSON, r#"{"token":null}"#, Ok(None)),
            (
                "JSON, escaped",
                JSON,
                r#"{"tok\u0065n":"\u0061"}"#,
                found("a"),
            ),
            ("JSON, a number", JSON, r#"{"token":1}"#, malformed.clone()),
            (
                "JSON, twice",
                JSON,
                r#"{"token":"a","token":"a"}"#,
                malformed.clone(),
            ),
            (
                "JSON, another twice",
                JSON,
                r#"{"x":1,"x":1,"token":"a"}"#,
                malformed.clone(),
            ),
            ("JSON, a list", JSON, r#"["a"]"#, malformed.clone()),
            (
                "JSON and more",
                JSON,
                r#"{"token":"a"} x"#,
                malformed.clone(),
            ),
            ("a form that says JSON", JSON, "token=a", malformed.clone()),
            ("text", "text/plain", "token=a", other.clone()),
            (
                "a list of types",
                "text/plain, application/json",
                "{}",
                other.clone(),
            ),
            ("a longer name", "application/jsonx", "{}", other),
        ] {
            assert_eq!(token(content_type, body.as_bytes()), expected, "{row}");
        }
    }

    #[test]
    fn without_a_content_type_nothing_is_read() {
        let read = Params::read(&HeaderMap::new(), b"token=a");
        assert_eq!(read.err(), Some(ParamsError::ContentType));
    }
}
