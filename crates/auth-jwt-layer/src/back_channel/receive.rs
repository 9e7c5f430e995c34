//! From a logout token to what it ends.

use std::sync::Arc;

use auth_core::{
    Event, InvalidToken, RejectionKind,
    event::{Asked, Events},
    provider::{ProviderLoggedOut, ProviderLogout},
    store::Logins,
};
use http::{Response, StatusCode};

use crate::{
    EndpointBody, Verifier,
    endpoint::{
        Answer, Answering, Params, bad_request, bad_request_because, no_store, unavailable,
    },
    layer::foreign_realm,
    verify::{LogoutToken, Refusal, verify_logout},
};

pub(super) struct Receiver {
    pub(super) verifiers: Box<[Verifier]>,
    pub(super) store: Arc<dyn Logins>,
    pub(super) plain_jwt: bool,
    pub(super) events: Events,
}

impl Answer for Arc<Receiver> {
    fn answer(&self, params: Params) -> Answering<'_> {
        Box::pin(self.receive(params))
    }
}

impl Receiver {
    async fn receive(&self, params: Params) -> Response<EndpointBody> {
        let Some(token) = params.logout_token else {
            return bad_request("invalid_request");
        };
        let mut waited = false;
        let (verifier, token) = loop {
            match verify_logout(&self.verifiers, self.plain_jwt, token.as_bytes(), waited) {
                Ok(verified) => break verified,
                Err(Refusal::Invalid(why)) => return self.refuse(why),
                Err(Refusal::Unavailable(why)) => {
                    let asked = Asked::Keys;
                    self.events.tell(|| Event::Unavailable { asked });
                    return unavailable(why);
                }
                Err(Refusal::Wait(keys)) => keys.await,
            }
            waited = true;
        };
        let logout = self.logout(verifier, token);
        match logout.end(&*self.store).await {
            Ok(ProviderLoggedOut::Done { ended }) => {
                self.events.tell(|| Event::ProviderLogout {
                    is_session: logout.session.is_some(),
                    issuer: logout.issuer,
                    subject: logout.subject,
                    ended,
                });
                no_store(StatusCode::OK)
            }
            Ok(ProviderLoggedOut::Replayed) => self.refuse(InvalidToken::Revoked),
            Err(error) => {
                let asked = Asked::Revocation;
                self.events.tell(|| Event::Unavailable { asked });
                unavailable(error.into())
            }
        }
    }

    fn logout(&self, verifier: &Verifier, token: LogoutToken) -> ProviderLogout {
        let now = verifier.clock().now();
        let realm = match verifier.is_own() {
            true => self.store.realm(),
            false => foreign_realm(verifier),
        };
        ProviderLogout {
            issuer: verifier.issuer().to_owned(),
            realm: realm.to_owned(),
            subject: token.subject,
            session: token.session,
            token_id: token.token_id,
            expires_in: token.expires_at.plus(verifier.leeway()).since(now),
            now,
        }
    }

    fn refuse(&self, why: InvalidToken) -> Response<EndpointBody> {
        let kind = RejectionKind::InvalidToken(why);
        self.events.tell(|| Event::refused(kind, None));
        bad_request_because(match why {
            InvalidToken::Revoked => "the token was used before",
            why => why.description(),
        })
    }
}
