//! Telling others about the tokens issued here (RFC 7662).

use auth_core::{Unavailable, Verdict, revocation::Query};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Issuer;
use crate::{Verified, refresh::RefreshToken};

/// What an introspection endpoint answers (RFC 7662 section 2.2): its JSON form is the response.
///
/// Of a token that is not active it says that, and nothing else.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
#[serde(into = "Members")]
pub struct Introspection(Members);

#[derive(Clone, PartialEq, Debug, Default, Serialize)]
struct Members {
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<u64>,
}

/// A text or a list of them.
#[derive(Deserialize)]
struct Aud {
    aud: Value,
}

impl From<Introspection> for Members {
    fn from(introspection: Introspection) -> Self {
        introspection.0
    }
}

impl Introspection {
    /// Whether the token is good now.
    pub fn is_active(&self) -> bool {
        self.0.active
    }
}

impl Issuer {
    /// Says whether a token issued here is good, an access token or a refresh token, and what it
    /// says. Changes nothing. Whoever may ask learns about everybody: guard it.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when the store can not tell.
    pub async fn introspect(&self, token: &[u8]) -> Result<Introspection, Unavailable> {
        if let Some(opened) = RefreshToken::open(token, self.refresh_keys()) {
            return self.introspect_refresh(&opened.token, opened.hash).await;
        }
        match self.own_verifier().verify(token) {
            Ok(verified) => self.introspect_access(&verified).await,
            Err(_) => Ok(Introspection::default()),
        }
    }

    async fn introspect_access(&self, verified: &Verified) -> Result<Introspection, Unavailable> {
        let login = verified.session_id().and_then(|sid| sid.parse().ok());
        let (Some(jti), Some(login), Some(version)) =
            (verified.token_id(), login, verified.version())
        else {
            return Ok(Introspection::default());
        };
        let store = self.store();
        let query = Query::own(store.realm(), verified.subject(), &login, version)
            .token(verified.issuer(), jti);
        match store.verdict(&query).await {
            Verdict::Unknown => return Err(Unavailable::default()),
            Verdict::Revoked => return Ok(Introspection::default()),
            Verdict::Active => {}
        }
        self.own_verifier().presented(verified);
        Ok(Introspection(Members {
            active: true,
            token_type: Some("Bearer"),
            scope: Some(verified.scopes().to_string()),
            client_id: verified.client_id().map(str::to_owned),
            sub: Some(verified.subject().to_owned()),
            iss: Some(verified.issuer().to_owned()),
            aud: verified.claims::<Aud>().ok().map(|claims| claims.aud),
            jti: Some(jti.to_owned()),
            sid: Some(login.to_string()),
            iat: verified.issued_at().map(|at| at.as_secs()),
            exp: Some(verified.expires_at().as_secs()),
        }))
    }

    async fn introspect_refresh(
        &self,
        token: &RefreshToken,
        hash: auth_core::store::RefreshHash,
    ) -> Result<Introspection, Unavailable> {
        let record = self.store().refresh_login(token.lane, token.login).await?;
        // Only the current token is good for anything but a replay.
        let current = record.filter(|record| record.rotation.current == hash);
        if current.is_some() {
            self.arrived(token);
        }
        Ok(current.map_or_else(Introspection::default, |record| {
            Introspection(Members {
                active: true,
                scope: Some(record.grant.scopes.to_string()),
                client_id: record.grant.client_id.clone(),
                exp: Some(record.expires_at().as_secs()),
                sid: Some(record.login.to_string()),
                sub: Some(record.subject),
                iss: Some(self.issuer().to_owned()),
                ..Members::default()
            })
        }))
    }
}
