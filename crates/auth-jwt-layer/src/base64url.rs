//! Canonical base64url.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// Decodes base64url without padding, white space or non-zero trailing bits (RFC 7515 section 2, RFC 4648 section 3.5).
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    // Exactly as long as it gets, so that what is kept of it is not moved again.
    let mut decoded = vec![0; text.len() * 3 / 4];
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut decoded).ok()?;
    (length == decoded.len()).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_spelling_is_decoded() {
        for (what, text, decoded) in [
            ("nothing", "", Some(&b""[..])),
            ("one byte", "_w", Some(&b"\xff"[..])),
            ("three bytes", "Zm9v", Some(&b"foo"[..])),
            ("padding", "_w==", None),
            ("trailing bits", "_x", None),
            ("a lone character", "Zm9vY", None),
            ("the other alphabet", "/w", None),
            ("white space inside", "Zm 9v", None),
            ("a line end after", "Zm9v\n", None),
            ("a byte beyond ASCII", "Zm9\u{e9}", None),
        ] {
            assert_eq!(decode(text.as_bytes()).as_deref(), decoded, "{what}");
        }
    }
}
