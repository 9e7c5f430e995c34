//! The layer: whose bodies it watches.

use auth_core::{TokenOutcome, Verdict, store::Notice, stream::EndingBody};
use http_body::{Body, SizeHint};

use crate::support::{Read, Reader, Source, World};

#[test]
fn bodies_that_need_no_watch_go_through_as_they_are() {
    let world = World::new();
    let endless = Source::default;
    let rows = [
        ("no layer around", None, endless()),
        ("nobody", Some(world.token(TokenOutcome::Absent)), endless()),
        (
            "a length that is known",
            Some(world.by_token()),
            Source::with_hint(SizeHint::with_exact(4)),
        ),
    ];
    world.store.says(Verdict::Revoked);
    for (row, caller, source) in rows {
        let response = world.response(caller, None, source.clone());
        let hint = (source.size_hint().lower(), source.size_hint().upper());
        let body = response.into_body();
        assert_eq!((body.size_hint().lower(), body.size_hint().upper()), hint);
        let mut reader = Reader::new(body);
        assert_eq!(reader.read(), Read::Waits, "{row}");
        assert_eq!(world.store.listeners(), 0, "{row}");
        world.store.tells(Notice::All);
        source.feed("data");
        source.push(None);
        assert_eq!(reader.run(), Read::Data("data".to_owned()), "{row}");
        assert_eq!(reader.read(), Read::End, "{row}");
        assert_eq!(world.store.was_asked(), 0, "{row}");
    }
}

#[test]
fn layers_further_out_can_make_one() {
    let _: EndingBody<String> = EndingBody::default();
    let body: EndingBody<String> = EndingBody::from("text".to_owned());
    assert_eq!(body.size_hint().exact(), Some(4));
}
