//! `Authorization: Bearer` (RFC 6750 section 2.1).

use std::fmt;

use http::{HeaderMap, header::AUTHORIZATION};

/// Longer tokens are not looked at: no verifier takes them. 8 KiB.
const MAX_SCANNED: usize = 8 * 1024;

/// A bearer token as it came, not proven yet. Its Debug does not show it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BearerToken<'a>(&'a [u8]);

impl<'a> BearerToken<'a> {
    /// The token's bytes: `token68` characters, at least one; what is longer than 8 KiB was not
    /// looked at.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for BearerToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(…)")
    }
}

/// The `Authorization` header can not be read: two of them, or `Bearer` without exactly one token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MalformedAuthorization;

impl fmt::Display for MalformedAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed Authorization header")
    }
}

impl std::error::Error for MalformedAuthorization {}

/// The bearer token of a request, if it has one.
///
/// The scheme is compared without regard to case and is followed by exactly one space and a
/// `token68` (RFC 9110 section 11.2). Other schemes are no credential of ours: None.
///
/// # Errors
///
/// [`MalformedAuthorization`] for two `Authorization` headers, whatever their schemes, and for
/// `Bearer` followed by anything but one token.
pub fn bearer_token(
    headers: &HeaderMap,
) -> Result<Option<BearerToken<'_>>, MalformedAuthorization> {
    // A look-up by name is dear compared with the check for no headers at all.
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(MalformedAuthorization);
    }
    let Some(rest) = after_scheme(value.as_bytes()) else {
        return Ok(None);
    };
    match rest {
        [b' ', token @ ..] if token.len() > MAX_SCANNED || is_token68(token) => {
            Ok(Some(BearerToken(token)))
        }
        _ => Err(MalformedAuthorization),
    }
}

/// Whether any `Authorization` header is of the scheme Bearer, well formed or not: then ambient
/// credentials count as absent.
pub fn has_bearer(headers: &HeaderMap) -> bool {
    headers
        .get_all(AUTHORIZATION)
        .iter()
        .any(|value| after_scheme(value.as_bytes()).is_some())
}

/// What follows the word `Bearer`; None if the scheme is another one.
fn after_scheme(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(6)?;
    let ends = rest.first().is_none_or(|b| !is_token_byte(*b));
    (scheme.eq_ignore_ascii_case(b"bearer") && ends).then_some(rest)
}

/// The characters of a scheme (RFC 9110 section 5.6.2).
fn is_token_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

fn is_token68(token: &[u8]) -> bool {
    let padding = token.iter().rev().take_while(|b| **b == b'=').count();
    let body = &token[..token.len() - padding];
    // Every request pays for this, so it is one look-up for each byte and no branch.
    let sound = |all, byte: &u8| all & TOKEN68[usize::from(*byte)];
    !body.is_empty() && body.iter().fold(true, sound)
}

/// What a `token68` is made of, but for the padding.
const TOKEN68: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = matches!(
            byte as u8,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'+' | b'/'
        );
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(values: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_bytes(value).expect("a header value");
            headers.append(AUTHORIZATION, value);
        }
        headers
    }

    #[test]
    fn one_bearer_or_none_or_a_bad_request() {
        let token = |t: &'static [u8]| Ok(Some(BearerToken(t)));
        let bad = Err(MalformedAuthorization);
        let rows: [(&str, &[&[u8]], _); 20] = [
            ("no header", &[], Ok(None)),
            (
                "plain",
                &[b"Bearer abc.def-_~+/=="],
                token(b"abc.def-_~+/=="),
            ),
            ("scheme in another case", &[b"bEARER abc"], token(b"abc")),
            ("another scheme", &[b"Basic YTpi"], Ok(None)),
            ("a longer scheme", &[b"BearerX abc"], Ok(None)),
            ("a shorter scheme", &[b"Bear abc"], Ok(None)),
            ("empty", &[b""], Ok(None)),
            ("no token", &[b"Bearer"], bad),
            ("no token after the space", &[b"Bearer "], bad),
            ("two spaces", &[b"Bearer  abc"], bad),
            ("a tab", &[b"Bearer\tabc"], bad),
            ("space behind", &[b"Bearer abc "], bad),
            ("two tokens", &[b"Bearer abc def"], bad),
            ("a list", &[b"Bearer abc, Bearer def"], bad),
            ("quoted", &[b"Bearer \"abc\""], bad),
            ("not ASCII", &[b"Bearer ab\xe4"], bad),
            ("padding in the middle", &[b"Bearer a=b"], bad),
            ("only padding", &[b"Bearer =="], bad),
            ("two headers", &[b"Bearer abc", b"Bearer abc"], bad),
            (
                "two headers of two schemes",
                &[b"Basic YTpi", b"Bearer abc"],
                bad,
            ),
        ];
        for (row, values, expected) in rows {
            assert_eq!(bearer_token(&headers(values)), expected, "{row}");
        }
    }

    #[test]
    fn what_is_too_long_for_a_token_is_left_to_the_verifier() {
        let value = format!("Bearer {}\"", "a".repeat(MAX_SCANNED));
        let headers = headers(&[value.as_bytes()]);
        let token = bearer_token(&headers).expect("not looked at");
        assert_eq!(token.map(|t| t.as_bytes().len()), Some(MAX_SCANNED + 1));
    }

    #[test]
    fn a_bearer_is_noticed_however_broken() {
        for yes in [&b"Bearer"[..], b"Bearer  x", b"bearer x", b"Bearer\tx"] {
            assert!(has_bearer(&headers(&[yes])), "{yes:?}");
        }
        assert!(has_bearer(&headers(&[b"Basic x", b"Bearer x"])));
        assert!(!has_bearer(&headers(&[b"Basic x"])));
        assert!(!has_bearer(&headers(&[])));
    }

    #[test]
    fn the_token_is_not_shown() {
        let headers = headers(&[b"Bearer secret"]);
        let token = bearer_token(&headers).expect("well formed");
        assert!(!format!("{token:?}").contains("secret"));
    }
}
