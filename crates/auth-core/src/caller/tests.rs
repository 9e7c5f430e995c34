use super::*;
use crate::{Authority, PrincipalKind, PrincipalParts};

#[derive(Debug)]
struct Loaded(Option<Principal>);

#[async_trait]
impl SessionSource for Loaded {
    fn principal_now(&self) -> Option<Result<Option<Principal>, Unavailable>> {
        None
    }

    async fn principal(&self) -> Result<Option<Principal>, Unavailable> {
        Ok(self.0.clone())
    }

    fn peek(&self) -> Option<Result<Option<Principal>, Unavailable>> {
        None
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

fn somebody(kind: PrincipalKind, subject: &str) -> Principal {
    Principal::insecure_for_tests(kind, PrincipalParts::new(subject))
}

fn session_of(subject: &str) -> Arc<dyn SessionSource> {
    Arc::new(Loaded(Some(somebody(PrincipalKind::Session, subject))))
}

async fn subject(caller: &Caller) -> Option<String> {
    let principal = caller.principal().await.expect("available");
    principal.map(|p| p.subject().to_owned())
}

#[tokio::test]
async fn layers_share_one_caller_in_either_order_and_the_token_wins() {
    let authority = Arc::new(Authority::new("r"));
    let token = || TokenOutcome::Proven(somebody(PrincipalKind::Token, "bearer"));
    for session_first in [true, false] {
        let mut extensions = Extensions::new();
        let first = if session_first {
            let first = Caller::join_session(&mut extensions, session_of("cookie"), &authority);
            let first = first.clone();
            Caller::join_token(&mut extensions, token(), &authority);
            first
        } else {
            let first = Caller::join_token(&mut extensions, token(), &authority);
            let first = first.clone();
            Caller::join_session(&mut extensions, session_of("cookie"), &authority);
            first
        };
        assert_eq!(subject(&first).await.as_deref(), Some("bearer"));
        let shared = extensions.get::<Caller>().expect("inserted");
        assert!(shared.session::<Loaded>().is_some());
    }
}

#[tokio::test]
async fn a_refused_token_hides_the_session_and_an_absent_one_does_not() {
    let authority = Arc::new(Authority::new("r"));
    for (outcome, expected) in [
        (TokenOutcome::Refused, None),
        (TokenOutcome::Absent, Some("cookie".to_owned())),
    ] {
        let mut extensions = Extensions::new();
        Caller::join_token(&mut extensions, outcome, &authority);
        let caller = Caller::join_session(&mut extensions, session_of("cookie"), &authority);
        assert_eq!(subject(caller).await, expected);
    }
}

#[tokio::test]
async fn a_caller_that_came_along_from_another_request_is_replaced() {
    let authority = Arc::new(Authority::new("r"));
    let mut extensions = Extensions::new();
    Caller::join_session(&mut extensions, session_of("mallory"), &authority);
    extensions.insert(somebody(PrincipalKind::Session, "mallory"));
    let fresh = Caller::join_session(&mut extensions, session_of("alice"), &authority);
    assert_eq!(subject(fresh).await.as_deref(), Some("alice"));
    assert!(extensions.get::<Principal>().is_none());
}

#[tokio::test]
async fn a_second_token_layer_decides_about_the_token_and_leaves_the_session() {
    let authority = Arc::new(Authority::new("r"));
    let token = |subject| TokenOutcome::Proven(somebody(PrincipalKind::Token, subject));
    for (first, second, expected) in [
        (TokenOutcome::Absent, TokenOutcome::Absent, Some("cookie")),
        (TokenOutcome::Refused, token("second"), Some("second")),
        (token("first"), TokenOutcome::Refused, None),
    ] {
        let mut extensions = Extensions::new();
        Caller::join_session(&mut extensions, session_of("cookie"), &authority);
        Caller::join_token(&mut extensions, first, &authority);
        let caller = Caller::join_token(&mut extensions, second, &authority);
        assert_eq!(subject(caller).await.as_deref(), expected);
        assert!(caller.session::<Loaded>().is_some());
    }
}

#[tokio::test]
async fn what_came_along_is_replaced_by_the_layers_of_both_kinds() {
    let authority = Arc::new(Authority::new("r"));
    let mut extensions = Extensions::new();
    let token = TokenOutcome::Proven(somebody(PrincipalKind::Token, "mallory"));
    Caller::join_token(&mut extensions, token, &authority);
    Caller::join_session(&mut extensions, session_of("mallory"), &authority);
    Caller::join_session(&mut extensions, session_of("alice"), &authority);
    let caller = Caller::join_token(&mut extensions, TokenOutcome::Absent, &authority);
    assert_eq!(subject(caller).await.as_deref(), Some("alice"));
}

#[tokio::test]
async fn unavailable_is_neither_somebody_nor_nobody() {
    let mut extensions = Extensions::new();
    let outcome = TokenOutcome::Unavailable(Unavailable::default());
    let authority = Arc::new(Authority::new("r"));
    let caller = Caller::join_token(&mut extensions, outcome, &authority);
    assert_eq!(caller.principal().await, Err(Unavailable::default()));
    assert_eq!(caller.peek(), Err(NotResolved));
}

#[tokio::test]
async fn peeking_does_not_take_unresolved_for_nobody() {
    let mut extensions = Extensions::new();
    let caller = Caller::join_session(
        &mut extensions,
        session_of("alice"),
        &Arc::new(Authority::new("r")),
    );
    assert_eq!(caller.peek(), Err(NotResolved));
}

#[tokio::test]
async fn what_the_application_vouches_for_comes_first() {
    let authority = Arc::new(Authority::new("r"));
    let mut extensions = Extensions::new();
    Caller::vouch(
        &mut extensions,
        Principal::vouched(PrincipalParts::new("machine")),
    );
    let caller = Caller::join_session(&mut extensions, session_of("cookie"), &authority);
    assert_eq!(subject(caller).await.as_deref(), Some("machine"));
}

#[test]
fn what_a_layer_knows_of_a_token_is_told_only_where_the_token_proved_the_caller() {
    let authority = Arc::new(Authority::new("r"));
    let alice = || somebody(PrincipalKind::Token, "alice");
    for (what, outcome, vouched, is_told) in [
        ("proven", TokenOutcome::Proven(alice()), false, true),
        (
            "proven, and vouched for",
            TokenOutcome::Proven(alice()),
            true,
            false,
        ),
        ("refused", TokenOutcome::Refused, false, false),
        (
            "not known",
            TokenOutcome::Unavailable(Unavailable::default()),
            false,
            false,
        ),
    ] {
        let mut extensions = Extensions::new();
        let details: Arc<dyn Any + Send + Sync> = Arc::new("details");
        Caller::join_token_with(&mut extensions, outcome, Some(details), &authority);
        if vouched {
            let bob = somebody(PrincipalKind::Vouched, "bob");
            Caller::vouch(&mut extensions, bob);
        }
        let caller = extensions.get::<Caller>().expect("inserted");
        assert_eq!(caller.token::<&str>().is_some(), is_told, "{what}");
        assert!(caller.token::<String>().is_none(), "{what}");
    }
}
