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

/// The request's own path and query; `/` where a browser would read it as another site.
fn same_origin_target<B>(request: &Request<B>) -> &str {
    let target = request.uri().path_and_query().map_or("/", |pq| pq.as_str());
    match target.as_bytes() {
        [b'/', b'/' | b'\\', ..] => "/",
        [b'/', ..] => target,
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
