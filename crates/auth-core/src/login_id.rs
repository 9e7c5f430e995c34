//! The public name of one login.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::random_bytes;

/// The public name of one login: one device's session, or its family of tokens.
///
/// 128 random bits, written as 22 characters of base64url. It is safe to list, to log and to put
/// into a token (`sid`): knowing it proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoginId([u8; 16]);

impl LoginId {
    /// A new one, from the operating system's generator.
    pub fn random() -> Self {
        Self(random_bytes())
    }

    /// From its 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for LoginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for LoginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoginId({self})")
    }
}

impl FromStr for LoginId {
    type Err = ParseLoginIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 16];
        // The length first: the decoder would need a larger buffer to say the same.
        if text.len() != 22 {
            return Err(ParseLoginIdError);
        }
        match URL_SAFE_NO_PAD.decode_slice_unchecked(text, &mut bytes) {
            Ok(16) => Ok(Self(bytes)),
            _ => Err(ParseLoginIdError),
        }
    }
}

/// The text is not 22 characters of canonical base64url.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ParseLoginIdError;

impl fmt::Display for ParseLoginIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a login id")
    }
}

impl std::error::Error for ParseLoginIdError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_its_text_form() {
        let login = LoginId::random();
        assert_eq!(login.to_string().parse(), Ok(login));
    }

    #[test]
    fn other_texts_are_refused() {
        let good = LoginId::from_bytes([7; 16]).to_string();
        let rows = [
            ("empty", String::new()),
            ("short", good[..21].to_owned()),
            ("long", format!("{good}A")),
            ("padded", format!("{good}==")),
            ("standard alphabet", good.replace('c', "+")),
            ("trailing bits", format!("{}x", &good[..21])),
            ("not ASCII", "\u{e4}".repeat(11)),
        ];
        for (row, text) in rows {
            assert_eq!(text.parse::<LoginId>(), Err(ParseLoginIdError), "{row}");
        }
    }
}
