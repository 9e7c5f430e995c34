//! Events: what sinks make of them, and who tells what in this crate.
#![cfg(all(feature = "metrics", feature = "tracing"))]
// Helpers of tests: what is broken in them shall be seen.
#![allow(clippy::unwrap_used)]

mod doubles;

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

use auth_core::{
    Authority, Caller, Event, EventSink, InvalidToken, LoginEnd, LoginId, MetricsEvents, Principal,
    PrincipalKind, PrincipalParts, RejectionKind, RequireAuth, RequireScope, Scopes, StoreError,
    Timestamp, TokenOutcome, TracingEvents, Unavailable,
    event::{Asked, Events, LoginRefusal, Revoked},
    revocation::Lane,
    store::{LoginKind, Revocation},
};
use http::{Request, Response};
use tower::{Layer, ServiceExt, service_fn};
use tracing::Level;

use doubles::{Counts, Heard, Records};

const LOGIN: &str = "AAAAAAAAAAAAAAAAAAAAAA";

fn login() -> LoginId {
    LOGIN.parse().unwrap()
}

fn alice() -> String {
    "alice".to_owned()
}

/// Every kind of event, the counter that it counts in, and its record.
fn rows() -> Vec<(Event, &'static str, Level, &'static str)> {
    let (subject, login) = (alice(), login());
    let whom = || Some((alice(), Some(login)));
    vec![
        (
            Event::LoggedIn {
                kind: LoginKind::Session,
                subject: subject.clone(),
                login,
                displaced: vec![LoginId::random()],
            },
            "auth_logins_total{kind=session}",
            Level::INFO,
            "displaced=1 event=logged_in kind=session login=L subject=alice",
        ),
        (
            Event::LoginRefused {
                kind: LoginKind::Token,
                subject: subject.clone(),
                reason: LoginRefusal::TooMany,
            },
            "auth_logins_refused_total{kind=token,reason=too-many}",
            Level::INFO,
            "event=login_refused kind=token reason=too-many subject=alice",
        ),
        (
            Event::LoggedOut {
                kind: LoginKind::Token,
                subject: subject.clone(),
                login,
            },
            "auth_logouts_total{kind=token}",
            Level::INFO,
            "event=logged_out kind=token login=L subject=alice",
        ),
        (
            Event::ProviderLogout {
                issuer: "https://id.example".to_owned(),
                subject: Some(subject.clone()),
                is_session: true,
                ended: 2,
            },
            "auth_provider_logouts_total{scope=session}",
            Level::INFO,
            "ended=2 event=provider_logout kind=session subject=alice",
        ),
        (
            Event::Rotated {
                login: Some((alice(), login)),
            },
            "auth_rotations_total{}",
            Level::DEBUG,
            "event=rotated login=L subject=alice",
        ),
        (
            Event::Refreshed {
                subject: subject.clone(),
                login,
                replayed: true,
            },
            "auth_refreshes_total{result=replayed}",
            Level::DEBUG,
            "event=refreshed login=L reason=replayed subject=alice",
        ),
        (
            Event::RefreshReused {
                subject: subject.clone(),
                login,
            },
            "auth_refresh_alarms_total{reason=reused}",
            Level::WARN,
            "event=refresh_reused login=L subject=alice",
        ),
        (
            Event::RefreshDataLost {
                subject: subject.clone(),
                login,
            },
            "auth_refresh_alarms_total{reason=data-lost}",
            Level::WARN,
            "event=refresh_data_lost login=L subject=alice",
        ),
        (
            Event::RefreshAdopted {
                subject: subject.clone(),
                login,
            },
            "auth_refresh_alarms_total{reason=adopted}",
            Level::WARN,
            "event=refresh_adopted login=L subject=alice",
        ),
        (
            Event::RefreshAhead {
                subject: subject.clone(),
                login,
            },
            "auth_refresh_alarms_total{reason=ahead}",
            Level::WARN,
            "event=refresh_ahead login=L subject=alice",
        ),
        (
            Event::Refused {
                kind: RejectionKind::InvalidToken(InvalidToken::NotYetValid),
                principal: None,
            },
            "auth_refusals_total{reason=not-yet-valid}",
            Level::DEBUG,
            "event=refused reason=not-yet-valid",
        ),
        (
            Event::Refused {
                kind: RejectionKind::InsufficientScope(Scopes::parse("admin")),
                principal: whom(),
            },
            "auth_refusals_total{reason=insufficient-scope}",
            Level::DEBUG,
            "event=refused login=L reason=insufficient-scope subject=alice",
        ),
        (
            Event::StreamEnded {
                end: LoginEnd::Expired,
                principal: whom(),
            },
            "auth_streams_ended_total{reason=expired}",
            Level::INFO,
            "event=stream_ended login=L reason=expired subject=alice",
        ),
        (
            Event::Revoked {
                target: Revoked::Login(login),
                subject: Some(subject),
            },
            "auth_revocations_total{target=login}",
            Level::INFO,
            "event=revoked kind=login login=L subject=alice",
        ),
        (
            Event::Unavailable {
                asked: Asked::Verdict,
            },
            "auth_unavailable_total{asked=verdict}",
            Level::WARN,
            "event=unavailable reason=verdict",
        ),
        (
            Event::DataLost {
                lane: Lane::new(7).unwrap(),
            },
            "auth_data_losses_total{}",
            Level::WARN,
            "event=data_lost",
        ),
        (
            Event::LateSessionChange,
            "auth_late_changes_total{}",
            Level::WARN,
            "event=late_session_change",
        ),
    ]
}

#[test]
fn every_event_counts_once_where_the_table_says() {
    for (event, counter, ..) in rows() {
        let counts = Counts::default();
        metrics::with_local_recorder(&counts, || MetricsEvents::new().event(&event));
        let counted = counts.0.lock().unwrap().clone();
        assert_eq!(counted, BTreeMap::from([(counter.to_owned(), 1)]));
    }
}

#[test]
fn every_event_is_one_record_and_its_subject_can_be_left_out() {
    for (event, _, level, fields) in rows() {
        for (sink, expected) in [
            (TracingEvents::new(), fields.to_owned()),
            (
                TracingEvents::new().without_subjects(),
                fields.replace(" subject=alice", ""),
            ),
        ] {
            let records = Records::default();
            tracing::subscriber::with_default(records.clone(), || sink.event(&event));
            let expected = expected.replace("login=L", &format!("login={LOGIN}"));
            assert_eq!(*records.0.lock().unwrap(), [(level, expected)]);
        }
    }
}

#[test]
fn what_a_revocation_is_told_as() {
    let events = Heard::default();
    let sink = Events::to(events.sink());
    let exp = Timestamp::from_secs(1);
    let rows = [
        (
            Revocation::token("r", "issuer", "a jti", "alice", exp),
            Revoked::Token,
            Some(alice()),
        ),
        (
            Revocation::login("r", "alice", login()),
            Revoked::Login(login()),
            Some(alice()),
        ),
        (
            Revocation::other_logins("r", "alice", login()),
            Revoked::OtherLogins(login()),
            Some(alice()),
        ),
        (
            Revocation::subject("r", "alice"),
            Revoked::Subject,
            Some(alice()),
        ),
        (Revocation::all(), Revoked::All, None),
    ];
    for (revocation, target, subject) in rows {
        sink.tell_revocation(&revocation, &Ok(()));
        assert_eq!(events.take(), [Event::Revoked { target, subject }]);
        let not_made = Err(StoreError::Unavailable(Unavailable::default()));
        sink.tell_revocation(&revocation, &not_made);
        let asked = Asked::Revocation;
        assert_eq!(events.take(), [Event::Unavailable { asked }]);
    }
}

/// A request that a token layer and a session layer with these sinks let through.
fn request(token: &Events, session: &Events, outcome: TokenOutcome) -> Request<()> {
    let mut request = Request::new(());
    let authority = |events: &Events| Arc::new(Authority::new("r").events(events.clone()));
    Caller::join_token(request.extensions_mut(), outcome, &authority(token));
    let nobody = Arc::new(Nobody);
    Caller::join_session(request.extensions_mut(), nobody, &authority(session));
    request
}

#[derive(Debug)]
struct Nobody;

#[async_trait::async_trait]
impl auth_core::SessionSource for Nobody {
    fn principal_now(&self) -> Option<Result<Option<Principal>, Unavailable>> {
        Some(Ok(None))
    }

    async fn principal(&self) -> Result<Option<Principal>, Unavailable> {
        Ok(None)
    }

    fn peek(&self) -> Option<Result<Option<Principal>, Unavailable>> {
        Some(Ok(None))
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn std::any::Any + Send + Sync> {
        self
    }
}

#[tokio::test]
async fn a_guard_tells_once_whichever_layer_listens() {
    let heard = Heard::default();
    let (on, off) = (Events::to(heard.sink()), Events::default());
    let handler = service_fn(|_| async { Ok::<_, Infallible>(Response::new(String::new())) });
    let parts = PrincipalParts::new("alice").login(Some(login()));
    let alice = Principal::insecure_for_tests(PrincipalKind::Token, parts);
    for (token, session, told) in [
        (&on, &off, 1),
        (&off, &on, 1),
        (&on, &on, 1),
        (&off, &off, 0),
    ] {
        let anybody = RequireAuth::new().layer(handler);
        let anonymous = request(token, session, TokenOutcome::Absent);
        let response = anybody.oneshot(anonymous).await.unwrap();
        assert_eq!(response.status(), 401);
        let nobody = Event::refused(RejectionKind::Unauthenticated, None);
        assert_eq!(heard.take(), vec![nobody; told]);

        let admin = RequireScope::new("admin").layer(handler);
        let known = request(token, session, TokenOutcome::Proven(alice.clone()));
        assert_eq!(admin.oneshot(known).await.unwrap().status(), 403);
        let kind = RejectionKind::InsufficientScope(Scopes::parse("admin"));
        let refused = Event::refused(kind, Some(&alice));
        assert_eq!(heard.take(), vec![refused; told]);
    }
}

#[tokio::test]
async fn the_end_of_a_stream_is_told() {
    let heard = Heard::default();
    let parts = PrincipalParts::new("alice").expires_at(Some(Timestamp::from_secs(1)));
    let alice = Principal::insecure_for_tests(PrincipalKind::Token, parts);
    let events = Events::to(heard.sink());
    let request = request(&events, &events, TokenOutcome::Proven(alice));
    let caller = request.extensions().get::<Caller>().unwrap();
    let end = caller.ended(|_: Duration| std::future::pending()).await;
    assert_eq!(end, LoginEnd::Expired);
    let principal = Some(("alice".to_owned(), None));
    assert_eq!(heard.take(), [Event::StreamEnded { end, principal }]);
}
