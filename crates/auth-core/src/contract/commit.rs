//! Cases: changes to a session's data.

use std::sync::Arc;

use super::world::{World, commit, field, fresh, json, put, remove, renewed, session_key};
use crate::store::{
    CommitOutcome, Establish, Established, FieldChange, Load, MAX_DATA_BYTES, MAX_FIELD_BYTES,
    MAX_FIELDS, SessionRecord,
};

pub(super) async fn different_fields_of_two_requests_both_survive(w: World) {
    let key = w.anonymous().await;
    let (one, two) = (w.clone(), w.other_node());
    // Both have loaded before either commits.
    let (_, _) = (one.live(&key).await, two.live(&key).await);
    one.set(&key, &[("a", "1")]).await;
    let both = done(two.set(&key, &[("b", "2")]).await);
    assert_eq!(
        (field(&both, "a"), field(&both, "b")),
        (Some("1"), Some("2"))
    );
    assert_eq!(w.live(&key).await, both);
}

pub(super) async fn the_last_commit_of_a_field_wins(w: World) {
    let key = w.anonymous().await;
    w.set(&key, &[("a", "1"), ("b", "1")]).await;
    done(w.set(&key, &[("a", "2")]).await);
    let record = w.live(&key).await;
    assert_eq!(
        (field(&record, "a"), field(&record, "b")),
        (Some("2"), Some("1"))
    );
}

pub(super) async fn a_removed_field_is_gone(w: World) {
    let key = w.anonymous().await;
    w.set(&key, &[("a", "1"), ("b", "1")]).await;
    let after = done(
        w.commit(&commit(key, vec![remove("a"), remove("never there")]))
            .await,
    );
    assert_eq!((field(&after, "a"), field(&after, "b")), (None, Some("1")));
    assert_eq!(after.fields.len(), 1);
}

pub(super) async fn a_value_survives_byte_by_byte(w: World) {
    let key = w.anonymous().await;
    let odd = "{\"\u{e4}\":[null, 1.50,\"\\u0000\\n\"], \"\":\"\u{1f980}\"}";
    w.set(&key, &[("\u{fc} :\n", odd), ("", "null")]).await;
    let record = w.live(&key).await;
    assert_eq!(field(&record, "\u{fc} :\n"), Some(odd));
    assert_eq!(field(&record, ""), Some("null"));
}

pub(super) async fn an_unexpected_value_is_a_conflict_that_changes_nothing(w: World) {
    let key = w.anonymous().await;
    w.set(&key, &[("a", "1")]).await;
    let before = w.live(&key).await;
    let rows = [
        ("another value", "a", Some("2")),
        ("not there", "a", None),
        ("a value where there is none", "b", Some("1")),
        ("the same number written otherwise", "a", Some("1.0")),
    ];
    for (row, name, expected) in rows {
        let changes = vec![put("innocent", "1"), expecting(name, expected, "3")];
        let outcome = w.commit(&commit(key, changes)).await;
        assert_eq!(
            outcome,
            CommitOutcome::Conflict(Arc::clone(&before)),
            "{row}"
        );
        assert_eq!(w.live(&key).await, before, "{row}");
    }
}

pub(super) async fn an_expected_value_is_replaced(w: World) {
    let key = w.anonymous().await;
    done(
        w.commit(&commit(key, vec![expecting("a", None, "1")]))
            .await,
    );
    let record = done(
        w.commit(&commit(key, vec![expecting("a", Some("1"), "2")]))
            .await,
    );
    assert_eq!(field(&record, "a"), Some("2"));
}

pub(super) async fn a_repeated_commit_happens_once(w: World) {
    let key = w.anonymous().await;
    let once = commit(key, vec![expecting("a", None, "1")]);
    let first = done(w.commit(&once).await);
    let again = done(w.commit(&once).await);
    assert_eq!(again, first);
}

pub(super) async fn a_repeated_commit_does_not_bring_a_session_back(w: World) {
    let key = w.anonymous().await;
    let once = commit(key, vec![put("a", "1")]);
    done(w.commit(&once).await);
    w.end(&key).await;
    assert_eq!(w.commit(&once).await, CommitOutcome::Ended);
    assert_eq!(w.load(&key).await, Load::Ended);
}

pub(super) async fn a_commit_without_changes_is_a_use(w: World) {
    let key = w.anonymous().await;
    w.advance(super::world::SECOND).await;
    let record = done(w.commit(&commit(key, Vec::new())).await);
    w.assert_same_time(record.last_seen_at, w.now());
}

pub(super) async fn data_may_be_as_large_as_its_limits_and_no_larger(w: World) {
    let rows = [
        (
            "a field at its limit",
            vec![sized("a", MAX_FIELD_BYTES)],
            true,
        ),
        (
            "a field beyond",
            vec![sized("a", MAX_FIELD_BYTES + 1)],
            false,
        ),
        ("as many fields as may be", numbered(MAX_FIELDS), true),
        ("one field too many", numbered(MAX_FIELDS + 1), false),
        ("all data at its limit", filling(MAX_DATA_BYTES), true),
        ("one byte too many", filling(MAX_DATA_BYTES + 1), false),
    ];
    for (row, changes, fits) in rows {
        let key = w.anonymous().await;
        let outcome = w.commit(&commit(key, changes.clone())).await;
        let establish = Establish {
            changes,
            ..fresh(session_key())
        };
        let established = w.try_establish(&establish).await;
        if fits {
            done(outcome);
            assert!(matches!(established, Established::Done(_)), "{row}");
        } else {
            assert_eq!(outcome, CommitOutcome::TooLarge, "{row}");
            assert!(w.live(&key).await.fields.is_empty(), "{row}");
            assert_eq!(established, Established::TooLarge, "{row}");
            assert_eq!(w.load(&establish.new).await, Load::Absent, "{row}");
        }
    }
}

pub(super) async fn limits_count_what_other_requests_wrote(w: World) {
    let key = w.anonymous().await;
    done(w.commit(&commit(key, numbered(MAX_FIELDS))).await);
    let before = w.live(&key).await;
    assert_eq!(w.set(&key, &[("more", "1")]).await, CommitOutcome::TooLarge);
    assert_eq!(w.live(&key).await, before);
    // A session whose id changes keeps its data and its limits.
    let renewal = Establish {
        changes: vec![put("more", "1")],
        ..renewed(key)
    };
    assert_eq!(w.try_establish(&renewal).await, Established::TooLarge);
    assert!(w.is_live(&key).await, "the old id lives on");
    assert_eq!(w.load(&renewal.new).await, Load::Absent);
    // What is there is replaced, and what leaves makes room.
    done(w.set(&key, &[("0", "2")]).await);
    done(
        w.commit(&commit(key, vec![put("more", "1"), remove("1")]))
            .await,
    );
}

pub(super) async fn a_value_that_replaces_another_counts_once(w: World) {
    let key = w.anonymous().await;
    done(w.commit(&commit(key, filling(MAX_DATA_BYTES))).await);
    done(w.commit(&commit(key, filling(MAX_DATA_BYTES))).await);
    assert_eq!(w.set(&key, &[("more", "1")]).await, CommitOutcome::TooLarge);
}

/// What was committed.
#[track_caller]
pub(super) fn done(outcome: CommitOutcome) -> Arc<SessionRecord> {
    match outcome {
        CommitOutcome::Done(record) => record,
        other => panic!("not committed: {other:?}"),
    }
}

/// Sets a field if it is as expected.
pub(super) fn expecting(name: &str, expected: Option<&str>, text: &str) -> FieldChange {
    FieldChange {
        expected: Some(expected.map(json)),
        ..put(name, text)
    }
}

/// A field whose value is so many bytes of JSON.
fn sized(name: &str, bytes: usize) -> FieldChange {
    put(name, &format!("\"{}\"", "x".repeat(bytes - 2)))
}

/// So many small fields.
fn numbered(fields: usize) -> Vec<FieldChange> {
    (0..fields).map(|n| put(&n.to_string(), "1")).collect()
}

/// Five fields whose names and values are so many bytes together.
fn filling(bytes: usize) -> Vec<FieldChange> {
    let names = ["a", "b", "c", "d", "e"];
    let (share, rest) = (bytes / names.len(), bytes % names.len());
    let change = |(n, name): (usize, &&str)| {
        let extra = if n == 0 { rest } else { 0 };
        sized(name, share + extra - name.len())
    };
    names.iter().enumerate().map(change).collect()
}
