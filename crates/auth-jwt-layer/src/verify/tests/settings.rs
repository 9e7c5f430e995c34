//! Settings.

use std::time::Duration;

use super::*;
use crate::ConfigErrorKind;

#[test]
fn settings_that_make_no_sense_are_refused() {
    use ConfigErrorKind::{Audience, Issuer, Leeway, MaxLifetime, Realm, ScopePath, SizeLimit};
    let keys = || {
        KeySet::builder()
            .secret(Algorithm::Hs256, "k", SECRET)
            .build()
            .expect("keys")
    };
    let paths = |n: usize| {
        (1..n).fold(builder(), |builder, i| {
            builder.more_scopes_at([i.to_string()])
        })
    };
    for (what, builder, expected) in [
        (
            "no issuer",
            Verifier::builder("", "aud", keys()),
            Some(Issuer),
        ),
        (
            "no audience",
            Verifier::builder("iss", "", keys()),
            Some(Audience),
        ),
        ("leeway of 60 s", builder().leeway(secs(60)), None),
        (
            "more leeway",
            builder().leeway(secs(60) + Duration::from_nanos(1)),
            Some(Leeway),
        ),
        (
            "no lifetime",
            builder().max_lifetime(Duration::ZERO),
            Some(MaxLifetime),
        ),
        ("size of 0", builder().size_limit(0), Some(SizeLimit)),
        ("size of 8 KiB", builder().size_limit(8192), None),
        ("a byte more", builder().size_limit(8193), Some(SizeLimit)),
        ("no path", builder().scopes_at([""; 0]), Some(ScopePath)),
        ("an empty name", builder().scopes_at([""]), Some(ScopePath)),
        (
            "a path with an empty name",
            builder().scopes_at(["a", "", "b"]),
            Some(ScopePath),
        ),
        (
            "a path that is too deep",
            builder().scopes_at(["a"; 9]),
            Some(ScopePath),
        ),
        ("eight paths", paths(8), None),
        ("nine paths", paths(9), Some(ScopePath)),
        (
            "a path to a claim with a meaning",
            builder().scopes_at(["aud"]),
            Some(ScopePath),
        ),
        (
            "a path into such a claim",
            builder().more_scopes_at(["sub", "roles"]),
            Some(ScopePath),
        ),
        (
            "a path to the same name further down",
            builder().scopes_at(["x", "aud"]),
            None,
        ),
        ("a realm", builder().realm("staff"), None),
        ("an empty realm", builder().realm(""), Some(Realm)),
        (
            "a realm of our own",
            builder().own().realm("staff"),
            Some(Realm),
        ),
        (
            "a second audience without a name",
            builder().audience(""),
            Some(Audience),
        ),
    ] {
        let kind = builder.build().err().map(|error| error.kind());
        assert_eq!(kind, expected, "{what}");
    }
    let unknown = "none".parse::<Algorithm>().map_err(|error| error.kind());
    assert_eq!(unknown, Err(ConfigErrorKind::Algorithm));
}
