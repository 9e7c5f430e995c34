//! The response table, its HTTP half: status, challenge, `Retry-After`.

use http::{
    HeaderMap, HeaderValue,
    header::{RETRY_AFTER, WWW_AUTHENTICATE},
};

use super::{Rejection, RejectionKind};

impl Rejection {
    /// The `WWW-Authenticate` of this refusal, where the table has one.
    pub fn challenge(&self) -> Option<HeaderValue> {
        let challenge = self.challenge_source();
        let error = self.error_code().map(|code| ("error", code));
        Some(match &self.kind() {
            // RFC 6750 section 3.1: no error code for a request without credentials.
            RejectionKind::Unauthenticated => challenge.header(&[]),
            RejectionKind::InvalidRequest => challenge.header(&[error?]),
            RejectionKind::InvalidToken(why) => {
                challenge.header(&[error?, ("error_description", why.description())])
            }
            RejectionKind::InsufficientScope(scopes) => {
                challenge.header(&[error?, ("scope", scopes.as_str())])
            }
            RejectionKind::InsufficientAuthentication(max_age) => {
                challenge.header(&[error?, ("max_age", &max_age.as_secs().to_string())])
            }
            RejectionKind::Unavailable(_)
            | RejectionKind::SessionEnded
            | RejectionKind::CommitFailed
            | RejectionKind::TooManyLogins => return None,
        })
    }

    /// Writes the headers of the HTTP half of the table.
    pub(super) fn write_http_headers(&self, headers: &mut HeaderMap) {
        if let Some(challenge) = self.challenge() {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let RejectionKind::Unavailable(unavailable) = self.kind() {
            headers.insert(RETRY_AFTER, unavailable.retry_after_secs().into());
        }
    }
}
