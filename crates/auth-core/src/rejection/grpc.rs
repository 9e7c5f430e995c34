//! The response table, its gRPC half: a trailers-only response.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::Rejection;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

impl Rejection {
    /// Writes the headers of a trailers-only response, sent with HTTP 200 (gRPC over HTTP/2,
    /// "Responses"): content type as requested, status, message, and the challenge as metadata.
    pub(super) fn write_grpc_headers(&self, content_type: &HeaderValue, headers: &mut HeaderMap) {
        headers.insert(header::CONTENT_TYPE, content_type.clone());
        headers.insert(GRPC_STATUS, u16::from(self.grpc_status()).into());
        if let Ok(message) = HeaderValue::try_from(percent_encode(self.message())) {
            headers.insert(GRPC_MESSAGE, message);
        }
        if let Some(challenge) = self.challenge() {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
    }
}

/// As gRPC has it for `grpc-message`: printable ASCII but `%` stands for itself, every other byte
/// of the UTF-8 is percent-encoded.
fn percent_encode(message: &str) -> String {
    let mut encoded = String::with_capacity(message.len());
    for byte in message.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_percent_encoded() {
        assert_eq!(percent_encode("a b%\n\u{e4}~"), "a b%25%0A%C3%A4~");
    }
}
