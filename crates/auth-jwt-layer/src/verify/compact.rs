//! The compact form (RFC 7515 section 7.1).

use auth_core::InvalidToken;

use crate::base64url;

/// The longest signature: RSA with 4096 bits.
const MAX_SIGNATURE: usize = 512;

/// The three parts, decoded.
pub(super) struct Compact<'a> {
    pub(super) header: Vec<u8>,
    pub(super) claims: Vec<u8>,
    pub(super) signature: Vec<u8>,
    /// What is signed: the first two parts as they came.
    pub(super) signed: &'a [u8],
}

/// Takes a token apart: exactly three parts, each canonical base64url.
pub(super) fn split(token: &[u8]) -> Result<Compact<'_>, InvalidToken> {
    let malformed = InvalidToken::Malformed;
    let mut dots = token.iter().enumerate().filter(|(_, b)| **b == b'.');
    let (Some((first, _)), Some((second, _)), None) = (dots.next(), dots.next(), dots.next())
    else {
        return Err(malformed);
    };
    let (header, claims) = (&token[..first], &token[first + 1..second]);
    let signature = &token[second + 1..];
    if signature.len() > MAX_SIGNATURE * 4 / 3 + 3 {
        return Err(InvalidToken::TooLarge);
    }
    if header.is_empty() || claims.is_empty() || signature.is_empty() {
        return Err(malformed);
    }
    Ok(Compact {
        header: base64url::decode(header).ok_or(malformed)?,
        claims: base64url::decode(claims).ok_or(malformed)?,
        signature: base64url::decode(signature).ok_or(malformed)?,
        signed: &token[..second],
    })
}
