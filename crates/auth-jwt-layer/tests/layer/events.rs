//! What the layer tells: each refusal once, with its reason, and what the store could not say.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use auth_core::{
    Event, InvalidToken, ManualClock, OutagePolicy, RejectionKind, Unavailable, Verdict,
    event::Asked,
};
use auth_jwt_layer::{JwtLayer, JwtLayerBuilder, OnInvalid};
use serde_json::json;

use crate::support::*;

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<Event>>>);

impl Heard {
    fn by(&self, builder: JwtLayerBuilder) -> JwtLayerBuilder {
        let heard = self.clone();
        builder.on_event(move |event: &Event| {
            heard.0.lock().expect("whole").push(event.clone());
        })
    }

    fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *self.0.lock().expect("whole"))
    }
}

/// Without a store.
fn layer() -> JwtLayerBuilder {
    let verifier = foreign_verifier(&ManualClock::new(START)).build();
    JwtLayer::builder(verifier.expect("a verifier"))
}

fn refused(kind: RejectionKind) -> Event {
    Event::refused(kind, None)
}

#[tokio::test]
async fn refusals_say_why_and_nothing_of_the_token() {
    let expired = json!({"iat": START.as_secs() - 600, "exp": START.as_secs() - 300});
    let rows = [
        ("no token", None, None),
        ("a good one", Some(foreign_token(json!({}))), None),
        (
            "junk",
            Some("junk".to_owned()),
            Some(InvalidToken::Malformed),
        ),
        (
            "expired",
            Some(foreign_token(expired)),
            Some(InvalidToken::Expired),
        ),
        (
            "for others",
            Some(foreign_token(json!({"aud": "others"}))),
            Some(InvalidToken::Audience),
        ),
    ];
    for on_invalid in [OnInvalid::Refuse, OnInvalid::Anonymous] {
        for (row, token, why) in &rows {
            let heard = Heard::default();
            let layer = heard.by(layer()).on_invalid(on_invalid);
            let layer = layer.build().expect("a layer");
            let request = token.as_deref().map_or_else(request, bearer);
            send(&layer, request).await;
            let expected = why.map(|why| refused(RejectionKind::InvalidToken(why)));
            assert_eq!(heard.take(), Vec::from_iter(expected), "{row}");
        }
    }
}

#[tokio::test]
async fn a_layer_that_requires_somebody_tells_of_nobody() {
    let heard = Heard::default();
    let layer = heard.by(layer()).required().build();
    send(&layer.expect("a layer"), request()).await;
    assert_eq!(heard.take(), [refused(RejectionKind::Unauthenticated)]);
}

#[tokio::test]
async fn what_the_store_can_not_tell_is_told_whatever_is_made_of_it() {
    let asked = Asked::Verdict;
    let unavailable = || refused(RejectionKind::Unavailable(Unavailable::default()));
    let at_most = Duration::from_secs(60);
    let rows = [
        (OutagePolicy::Closed, vec![unavailable()]),
        (OutagePolicy::Stale { at_most }, vec![]),
    ];
    for (policy, then) in rows {
        for (now, later) in [
            (Some(Verdict::Unknown), None),
            (None, Some(Verdict::Unknown)),
        ] {
            let store = Told::new(now, later, Some(Verdict::Active));
            let heard = Heard::default();
            let layer = heard.by(over(&store)).outage(policy).build();
            send(&layer.expect("a layer"), bearer(&foreign_token(json!({})))).await;
            let mut expected = vec![Event::Unavailable { asked }];
            expected.extend(then.clone());
            assert_eq!(heard.take(), expected, "{policy:?} {now:?}");
        }
    }
}
