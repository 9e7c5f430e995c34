//! One cookie out of the `Cookie` headers (RFC 6265bis section 5.6, read strictly).

use std::fmt;

use http::{HeaderMap, header::COOKIE};

/// At most so many cookies are looked at.
pub const MAX_COOKIES: usize = 256;
/// At most so many bytes of `Cookie` headers are looked at.
pub const MAX_COOKIE_BYTES: usize = 16 * 1024;

/// What was found under a name. Its Debug does not show the value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum CookieLookup<'a> {
    /// No cookie of that name.
    None,
    /// Exactly one; its value as it came, without any decoding.
    One(&'a [u8]),
    /// More than one, or more cookies than are looked at: it can not be told which is ours, so
    /// none is.
    Ambiguous,
}

impl fmt::Debug for CookieLookup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::One(_) => "One(…)",
            Self::Ambiguous => "Ambiguous",
        })
    }
}

/// Finds the cookie called exactly `name`.
///
/// One pass over the bytes: only ASCII space and tab are trimmed, nothing is decoded, names are
/// compared byte by byte, and other cookies, however broken, never hide ours. So neither a Unicode
/// space before the name nor a percent-encoded name passes for a `__Host-` cookie.
pub fn find_cookie<'a>(headers: &'a HeaderMap, name: &str) -> CookieLookup<'a> {
    let mut found = CookieLookup::None;
    let (mut bytes, mut cookies) = (0, 0);
    // HTTP/2 may split the header (RFC 9113 section 8.2.3).
    for header in headers.get_all(COOKIE) {
        let header = header.as_bytes();
        bytes += header.len();
        if bytes > MAX_COOKIE_BYTES {
            return CookieLookup::Ambiguous;
        }
        for pair in header.split(|b| *b == b';') {
            cookies += 1;
            if cookies > MAX_COOKIES {
                return CookieLookup::Ambiguous;
            }
            if let Some(value) = value_of(pair, name.as_bytes()) {
                if found != CookieLookup::None {
                    return CookieLookup::Ambiguous;
                }
                found = CookieLookup::One(value);
            }
        }
    }
    found
}

fn value_of<'a>(pair: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let pair = trim_start(pair);
    let rest = trim_start(pair.strip_prefix(name)?);
    Some(trim_end(trim_start(rest.strip_prefix(b"=")?)))
}

fn trim_start(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

fn trim_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(values: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_bytes(value).expect("a header value");
            headers.append(COOKIE, value);
        }
        headers
    }

    #[test]
    fn exactly_one_of_exactly_that_name() {
        use CookieLookup::{Ambiguous, None, One};
        let rows: [(&str, &[&[u8]], _); 20] = [
            ("no header", &[], None),
            ("alone", &[b"__Host-id=v"], One(b"v")),
            ("among others", &[b"a=1; __Host-id=v; b=2"], One(b"v")),
            ("without spaces", &[b"a=1;__Host-id=v;b=2"], One(b"v")),
            ("in a second header", &[b"a=1", b"__Host-id=v"], One(b"v")),
            ("twice", &[b"__Host-id=v; __Host-id=v"], Ambiguous),
            (
                "in two headers",
                &[b"__Host-id=v", b"__Host-id=w"],
                Ambiguous,
            ),
            (
                "once plain, once spaced",
                &[b"__Host-id =v; __Host-id=w"],
                Ambiguous,
            ),
            ("empty value", &[b"__Host-id="], One(b"")),
            ("no equals sign", &[b"__Host-id"], None),
            ("another case", &[b"__host-id=v"], None),
            ("longer name", &[b"__Host-idx=v; x__Host-id=v"], None),
            (
                "Unicode space before it",
                &[b"\xe2\x80\x80__Host-id=v"],
                None,
            ),
            (
                "percent-encoded",
                &[b"%5F%5FHost-id=v; __Host%2Did=v"],
                None,
            ),
            ("nameless", &[b"=__Host-id=v"], None),
            ("in the value of another", &[b"a=__Host-id=v"], None),
            (
                "in quotes of another",
                &[b"a=\"; __Host-id=v; b=\""],
                One(b"v"),
            ),
            (
                "other bytes elsewhere",
                &[b"a=\xff\xe4; __Host-id=v; \x80"],
                One(b"v"),
            ),
            (
                "value kept as it is",
                &[b"__Host-id=%41\"=="],
                One(b"%41\"=="),
            ),
            ("trailing space", &[b"__Host-id=v \t; a=1"], One(b"v")),
        ];
        for (row, values, expected) in rows {
            assert_eq!(
                find_cookie(&headers(values), "__Host-id"),
                expected,
                "{row}"
            );
        }
    }

    #[test]
    fn too_much_is_not_looked_at() {
        let many = "a=1;".repeat(MAX_COOKIES) + "id=v";
        assert_eq!(
            find_cookie(&headers(&[many.as_bytes()]), "id"),
            CookieLookup::Ambiguous
        );
        let long = format!("id=v; a={}", "x".repeat(MAX_COOKIE_BYTES));
        assert_eq!(
            find_cookie(&headers(&[long.as_bytes()]), "id"),
            CookieLookup::Ambiguous
        );
    }

    #[test]
    fn the_value_is_not_shown() {
        let headers = headers(&[b"id=secret"]);
        assert!(!format!("{:?}", find_cookie(&headers, "id")).contains("secret"));
    }
}
