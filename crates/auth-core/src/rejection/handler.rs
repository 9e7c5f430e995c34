//! Who builds the response to a refusal.

use http::{HeaderValue, Response, header::CONTENT_TYPE, response};

use super::Rejection;

/// Builds the response to a refusal.
///
/// It is given the head of the handler's response where there was one: a session that could not be
/// saved is refused after the handler ran. A closure of the same form is a handler, too.
pub trait RejectionHandler<B>: Send + Sync + 'static {
    /// The response.
    fn respond(&self, rejection: &Rejection, handled: Option<&response::Parts>) -> Response<B>;
}

impl<B, F> RejectionHandler<B> for F
where
    F: Fn(&Rejection, Option<&response::Parts>) -> Response<B> + Send + Sync + 'static,
{
    fn respond(&self, rejection: &Rejection, handled: Option<&response::Parts>) -> Response<B> {
        self(rejection, handled)
    }
}

/// Answers by the table, without a body: the default.
#[derive(Clone, Copy, Default, Debug)]
pub struct DefaultRejections;

impl<B: Default> RejectionHandler<B> for DefaultRejections {
    fn respond(&self, rejection: &Rejection, _handled: Option<&response::Parts>) -> Response<B> {
        respond_with(rejection, B::default())
    }
}

/// Answers by the table, with an `application/problem+json` body (RFC 9457); gRPC stays without.
#[derive(Clone, Copy, Default, Debug)]
pub struct ProblemJson;

impl<B: Default + From<String>> RejectionHandler<B> for ProblemJson {
    fn respond(&self, rejection: &Rejection, _handled: Option<&response::Parts>) -> Response<B> {
        if rejection.protocol().is_grpc() {
            return respond_with(rejection, B::default());
        }
        let status = rejection.status();
        let mut problem = serde_json::json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": rejection.message(),
        });
        if let (Some(code), Some(members)) = (rejection.error_code(), problem.as_object_mut()) {
            members.insert("error".to_owned(), code.into());
        }
        let mut response = respond_with(rejection, B::from(problem.to_string()));
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        response
    }
}

fn respond_with<B>(rejection: &Rejection, body: B) -> Response<B> {
    let mut response = Response::new(body);
    match rejection.protocol().grpc_content_type() {
        Some(content_type) => {
            rejection.write_grpc_headers(content_type, response.headers_mut());
        }
        None => {
            *response.status_mut() = rejection.status();
            rejection.write_http_headers(response.headers_mut());
        }
    }
    response
}

/// Refuses: `handler`'s response with the rejection in its extensions. The one way in which layers
/// and guards refuse.
pub fn reject<B, H>(
    handler: &H,
    rejection: Rejection,
    handled: Option<&response::Parts>,
) -> Response<B>
where
    H: RejectionHandler<B> + ?Sized,
{
    let mut response = handler.respond(&rejection, handled);
    response.extensions_mut().insert(rejection);
    response
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderMap;

    use super::{super::*, *};
    use crate::{InvalidToken, Scopes, Unavailable};

    fn grpc() -> Protocol {
        let mut headers = HeaderMap::new();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/grpc+proto"),
        );
        Protocol::of(&http::Method::POST, &headers)
    }

    fn rows() -> Vec<(RejectionKind, u16, Option<&'static str>, u8)> {
        vec![
            (
                RejectionKind::Unauthenticated,
                401,
                Some(r#"Bearer realm="x""#),
                16,
            ),
            (
                RejectionKind::InvalidRequest,
                400,
                Some(r#"Bearer realm="x", error="invalid_request""#),
                16,
            ),
            (
                RejectionKind::InvalidToken(InvalidToken::Expired),
                401,
                Some(
                    r#"Bearer realm="x", error="invalid_token", error_description="the token expired""#,
                ),
                16,
            ),
            (
                RejectionKind::InsufficientScope(Scopes::parse("read admin")),
                403,
                Some(r#"Bearer realm="x", error="insufficient_scope", scope="read admin""#),
                7,
            ),
            (
                RejectionKind::InsufficientAuthentication(Duration::from_secs(300)),
                401,
                Some(
                    r#"Bearer realm="x", error="insufficient_user_authentication", max_age="300""#,
                ),
                16,
            ),
            (
                RejectionKind::Unavailable(Unavailable::default()),
                503,
                None,
                14,
            ),
            (RejectionKind::SessionEnded, 409, None, 10),
            (RejectionKind::CommitFailed, 500, None, 13),
            (RejectionKind::TooManyLogins, 403, None, 9),
        ]
    }

    #[test]
    fn the_http_half_of_the_table() {
        for (kind, status, challenge, _) in rows() {
            let rejection =
                Rejection::new(kind.clone(), Protocol::HTTP, Challenge::bearer("x".into()));
            let response: Response<String> = reject(&DefaultRejections, rejection.clone(), None);
            assert_eq!(response.status(), status, "{kind:?}");
            let headers = response.headers();
            let found = headers
                .get("www-authenticate")
                .map(|v| v.to_str().expect("ASCII"));
            assert_eq!(found, challenge, "{kind:?}");
            let retries = matches!(kind, RejectionKind::Unavailable(_));
            assert_eq!(headers.contains_key("retry-after"), retries, "{kind:?}");
            assert!(!headers.contains_key("set-cookie"));
            assert_eq!(response.extensions().get::<Rejection>(), Some(&rejection));
            assert!(response.body().is_empty());
        }
    }

    #[test]
    fn the_grpc_half_of_the_table() {
        for (kind, _, challenge, code) in rows() {
            let rejection = Rejection::new(kind.clone(), grpc(), Challenge::bearer("x".into()));
            for response in [
                reject::<String, _>(&DefaultRejections, rejection.clone(), None),
                reject::<String, _>(&ProblemJson, rejection.clone(), None),
            ] {
                assert_eq!(response.status(), 200, "{kind:?}");
                let headers = response.headers();
                assert_eq!(headers["content-type"], "application/grpc+proto");
                assert_eq!(
                    headers["grpc-status"],
                    code.to_string().as_str(),
                    "{kind:?}"
                );
                assert!(headers.contains_key("grpc-message"));
                let found = headers
                    .get("www-authenticate")
                    .map(|v| v.to_str().expect("ASCII"));
                assert_eq!(found, challenge, "{kind:?}");
                assert!(response.body().is_empty());
            }
        }
    }

    #[test]
    fn problem_json_says_what_the_table_says() {
        let kind = RejectionKind::InvalidToken(InvalidToken::Revoked);
        let rejection = Rejection::new(kind, Protocol::HTTP, Challenge::bearer("x".into()));
        let response: Response<String> = reject(&ProblemJson, rejection, None);
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
        let body: serde_json::Value = serde_json::from_str(response.body()).expect("JSON");
        assert_eq!(
            body,
            serde_json::json!({
                "type": "about:blank", "title": "Unauthorized", "status": 401,
                "detail": "the token was revoked", "error": "invalid_token",
            })
        );
    }

    #[test]
    fn a_closure_is_a_handler() {
        let teapot = |_: &Rejection, _: Option<&response::Parts>| {
            let mut response = Response::new("short and stout".to_owned());
            *response.status_mut() = http::StatusCode::IM_A_TEAPOT;
            response
        };
        let kind = RejectionKind::Unauthenticated;
        let rejection = Rejection::new(kind, Protocol::HTTP, Challenge::default());
        let response: Response<String> = reject(&teapot, rejection, None);
        assert_eq!(response.status(), 418);
        assert!(response.extensions().get::<Rejection>().is_some());
    }
}
