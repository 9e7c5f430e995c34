//! What depends on the time.

use std::time::Duration;

use auth_core::{InvalidToken, ManualClock, Timestamp};
use serde_json::json;

use super::*;

#[test]
fn times_give_or_take_the_leeway() {
    use InvalidToken::{Expired, NotYetValid};
    for leeway in [0, 30, 60] {
        let verifier = builder().leeway(secs(leeway)).build().expect("a verifier");
        for (what, members, expected) in [
            (
                "exp: one second to go",
                json!({"exp": NOW - leeway + 1}),
                Ok(()),
            ),
            ("exp: now", json!({"exp": NOW - leeway}), Err(Expired)),
            (
                "exp: a second ago",
                json!({"exp": NOW - leeway - 1}),
                Err(Expired),
            ),
            ("exp: the epoch", json!({"exp": 0}), Err(Expired)),
            (
                "exp: the end of time",
                json!({"exp": Timestamp::MAX_SECS}),
                Ok(()),
            ),
            (
                "nbf: a second ago",
                json!({"nbf": NOW + leeway - 1}),
                Ok(()),
            ),
            ("nbf: now", json!({"nbf": NOW + leeway}), Ok(())),
            (
                "nbf: in a second",
                json!({"nbf": NOW + leeway + 1}),
                Err(NotYetValid),
            ),
            (
                "nbf: the end of time",
                json!({"nbf": Timestamp::MAX_SECS}),
                Err(NotYetValid),
            ),
            (
                "iat: a second ago",
                json!({"iat": NOW + leeway - 1}),
                Ok(()),
            ),
            ("iat: now", json!({"iat": NOW + leeway}), Ok(())),
            (
                "iat: in a second",
                json!({"iat": NOW + leeway + 1}),
                Err(NotYetValid),
            ),
            ("iat: the epoch", json!({"iat": 0}), Ok(())),
        ] {
            assert_eq!(
                verdict(&verifier, &token(members)),
                expected,
                "leeway {leeway}, {what}"
            );
        }
    }
}

#[test]
fn times_count_to_the_millisecond() {
    let clock = ManualClock::new(Timestamp::from_secs(NOW));
    let verifier = builder().leeway(secs(30)).clock(clock.clone());
    let verifier = verifier.build().expect("a verifier");
    let (ending, coming) = (token(json!({"exp": NOW})), token(json!({"nbf": NOW + 30})));
    for (what, now_ms, ending_is, coming_is) in [
        (
            "a ms before",
            NOW * 1000 - 1,
            Ok(()),
            Err(InvalidToken::NotYetValid),
        ),
        ("at the time", NOW * 1000, Ok(()), Ok(())),
        (
            "a ms before the leeway is over",
            NOW * 1000 + 29_999,
            Ok(()),
            Ok(()),
        ),
        (
            "when it is over",
            NOW * 1000 + 30_000,
            Err(InvalidToken::Expired),
            Ok(()),
        ),
    ] {
        clock.set(Timestamp::from_millis(now_ms));
        assert_eq!(verdict(&verifier, &ending), ending_is, "{what}");
        assert_eq!(verdict(&verifier, &coming), coming_is, "{what}");
    }
    // Clocks that are far off wrap around nothing.
    clock.set(Timestamp::default());
    assert_eq!(
        verdict(&verifier, &token(json!({"exp": 0}))),
        Err(InvalidToken::Expired)
    );
    assert_eq!(verdict(&verifier, &token(json!({"exp": 1}))), Ok(()));
    clock.set(Timestamp::from_millis(u64::MAX));
    assert_eq!(verdict(&verifier, &ending), Err(InvalidToken::Expired));
}

#[test]
fn the_greatest_lifetime() {
    let verifier = builder()
        .max_lifetime(secs(300))
        .build()
        .expect("a verifier");
    for (what, members, is_taken) in [
        (
            "from iat, as long as that",
            json!({"iat": NOW - 10, "exp": NOW + 290}),
            true,
        ),
        (
            "from iat, a second more",
            json!({"iat": NOW - 10, "exp": NOW + 291}),
            false,
        ),
        (
            "from an iat in the leeway",
            json!({"iat": NOW + 30, "exp": NOW + 330}),
            true,
        ),
        (
            "without iat, as long as that",
            json!({"exp": NOW + 300}),
            true,
        ),
        (
            "without iat, a second more",
            json!({"exp": NOW + 301}),
            false,
        ),
        (
            "exp before iat",
            json!({"iat": NOW + 20, "exp": NOW + 10}),
            true,
        ),
        (
            "to the end of time",
            json!({"iat": NOW, "exp": Timestamp::MAX_SECS}),
            false,
        ),
    ] {
        let expected = if is_taken {
            Ok(())
        } else {
            Err(InvalidToken::Claims)
        };
        assert_eq!(verdict(&verifier, &token(members)), expected, "{what}");
    }
    let endless = builder()
        .max_lifetime(Duration::MAX)
        .build()
        .expect("a verifier");
    assert_eq!(
        verdict(&endless, &token(json!({"exp": Timestamp::MAX_SECS}))),
        Ok(())
    );
}
