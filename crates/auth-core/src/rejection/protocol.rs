//! Whether a request speaks gRPC.

use http::{HeaderMap, HeaderValue, Method, header::CONTENT_TYPE};

/// What a request speaks, and so what shape its refusal takes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Protocol(Option<HeaderValue>);

impl Protocol {
    /// Plain HTTP.
    pub const HTTP: Self = Self(None);

    /// Looks at the request's method and content type: gRPC is a POST of `application/grpc`, alone
    /// or followed by `+`, `;` or `-web`.
    ///
    /// The method counts because a gRPC refusal is sent with HTTP 200: somebody who asks by the
    /// status alone, as gateways and caches do, must not be told 200 by a content type.
    pub fn of(method: &Method, headers: &HeaderMap) -> Self {
        if method != Method::POST {
            return Self::HTTP;
        }
        let content_type = headers.get(CONTENT_TYPE);
        Self(
            content_type
                .filter(|value| is_grpc(value.as_bytes()))
                .cloned(),
        )
    }

    /// Whether it is gRPC.
    pub const fn is_grpc(&self) -> bool {
        self.0.is_some()
    }

    /// Whether it is gRPC-Web, which has its trailers in the body.
    pub(crate) fn is_grpc_web(&self) -> bool {
        let rest = self.0.as_ref().map(|value| &value.as_bytes()[GRPC.len()..]);
        rest.is_some_and(|rest| rest.starts_with(b"-"))
    }

    /// The request's content type, if it speaks gRPC: the response's, too.
    pub(super) fn grpc_content_type(&self) -> Option<&HeaderValue> {
        self.0.as_ref()
    }
}

const GRPC: &[u8] = b"application/grpc";

fn is_grpc(content_type: &[u8]) -> bool {
    let Some((start, rest)) = content_type.split_at_checked(GRPC.len()) else {
        return false;
    };
    start.eq_ignore_ascii_case(GRPC)
        && match rest {
            [] | [b'+' | b';', ..] => true,
            _ => rest.len() >= 4 && rest[..4].eq_ignore_ascii_case(b"-web"),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_is_told_by_its_content_type() {
        let rows = [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc;x=y", true),
            ("application/grpc-web", true),
            ("application/grpc-web-text+proto", true),
            ("Application/GRPC", true),
            ("application/grpcx", false),
            ("application/grpc-we", false),
            ("application/json", false),
            ("application/json; application/grpc", false),
            ("", false),
        ];
        for (content_type, expected) in rows {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, content_type.parse().expect("a header value"));
            let protocol = Protocol::of(&Method::POST, &headers);
            assert_eq!(protocol.is_grpc(), expected, "{content_type}");
            assert!(
                !Protocol::of(&Method::GET, &headers).is_grpc(),
                "{content_type}"
            );
        }
        assert!(!Protocol::of(&Method::POST, &HeaderMap::new()).is_grpc());
    }
}
