//! Sending a browser to the login page, and back.

use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE},
};

/// Where a browser without a session is sent.
pub(super) struct LoginPage(pub(super) String);

impl LoginPage {
    /// Turns the refusal of a navigation into a redirect to the login page; other requests are
    /// refused as they were.
    pub(super) fn redirect<Req, Res>(&self, request: &Request<Req>, response: &mut Response<Res>) {
        if !is_navigation(request) {
            return;
        }
        let next = percent_encode(same_origin_target(request));
        let separator = if self.0.contains('?') { '&' } else { '?' };
        let location = format!("{}{separator}next={next}", self.0);
        if let Ok(location) = HeaderValue::try_from(location) {
            *response.status_mut() = StatusCode::SEE_OTHER;
            let headers = response.headers_mut();
            headers.remove(WWW_AUTHENTICATE);
            headers.remove(CONTENT_TYPE);
            headers.insert(LOCATION, location);
        }
    }
}

/// A GET by which a person goes to a page: what browsers say of themselves (Fetch metadata), and
/// without that, a wish for HTML.
fn is_navigation<B>(request: &Request<B>) -> bool {
    if request.method() != Method::GET {
        return false;
    }
    match request.headers().get("sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => request
            .headers()
            .get(ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("text/html")),
    }
}

/// The request's own path and query.
fn same_origin_target<B>(request: &Request<B>) -> &str {
    let target = request.uri().path_and_query().map_or("/", |pq| pq.as_str());
    local_path(target)
}

/// Where a browser may be sent that says it wants to go to `next`: there, if that is a path on the
/// site it is on, and to `/` otherwise. For login pages, whose `next` comes back through the browser.
///
/// Browsers read `//host` and `/\host` as another site, and leave out tabs and line breaks before
/// they look (WHATWG URL section 4.4): only printable ASCII is a path.
///
/// ```
/// use auth_core::guard::local_path;
///
/// assert_eq!(local_path("/account?tab=1"), "/account?tab=1");
/// assert_eq!(local_path("//evil.example/"), "/");
/// assert_eq!(local_path("https://evil.example/"), "/");
/// ```
pub fn local_path(next: &str) -> &str {
    match next.as_bytes() {
        [b'/', b'/' | b'\\', ..] => "/",
        [b'/', rest @ ..] if rest.iter().all(u8::is_ascii_graphic) => next,
        _ => "/",
    }
}

fn percent_encode(target: &str) -> String {
    let mut encoded = String::with_capacity(target.len());
    for byte in target.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_site() {
        let rows = [
            ("a page", "/account", true),
            (
                "with a query",
                "/account?tab=1&next=//evil.example#top",
                true,
            ),
            ("the root", "/", true),
            ("encoded slashes are no slashes", "/%2Fevil.example", true),
            ("a dot before slashes", "/.//evil.example", true),
            ("nothing", "", false),
            ("another site", "https://evil.example/", false),
            ("another scheme", "javascript:alert(1)", false),
            ("a relative path", "account", false),
            ("without a scheme", "//evil.example/", false),
            ("a backslash for a slash", "/\\evil.example/", false),
            ("two backslashes", "\\\\evil.example/", false),
            ("a tab that browsers leave out", "/\t/evil.example/", false),
            (
                "a line break that they leave out",
                "/\n/evil.example/",
                false,
            ),
            ("a carriage return", "/\r\nset-cookie: a=1", false),
            ("a space before it", " //evil.example/", false),
            ("a space", "/a b", false),
            ("a null byte", "/\0", false),
            ("not ASCII", "/\u{2028}/evil.example/", false),
            ("a userinfo", "@evil.example", false),
        ];
        for (row, next, is_local) in rows {
            assert_eq!(local_path(next), if is_local { next } else { "/" }, "{row}");
            assert!(HeaderValue::try_from(local_path(next)).is_ok(), "{row}");
        }
    }
}
