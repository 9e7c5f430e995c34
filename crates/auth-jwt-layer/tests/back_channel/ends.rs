//! What a logout token ends, and what not.

use auth_core::{
    Event, ProviderLogin,
    store::{Logins, Revocations},
};
use serde_json::json;

use crate::{
    issuer_support::{World, login as password_login, secs},
    support::*,
};

fn session(sid: &str) -> ProviderLogin {
    ProviderLogin::new(PROVIDER, "u1").session(sid)
}

#[tokio::test]
async fn a_session_takes_its_logins_and_tokens_along_and_no_others() {
    for (row, members) in [
        ("sid only", json!({"sid": "s1", "iat": 1_800_000_020})),
        (
            "sid and sub",
            json!({"sid": "s1", "sub": "u1", "iat": 1_800_000_020}),
        ),
    ] {
        let world = World::new();
        let (issuer, receiver) = (world.issuer(), receiver(&world));
        // Two browsers of one session at the provider, another session, another provider's of that name.
        let ends = [
            login(&issuer, "alice", session("s1")).await,
            login(&issuer, "alice", session("s1")).await,
        ];
        let elsewhere = ProviderLogin::new(OTHER, "u1").session("s1");
        let stay = [
            login(&issuer, "alice", session("s2")).await,
            login(&issuer, "alice", elsewhere).await,
            login(&issuer, "alice", ProviderLogin::new(PROVIDER, "u1")).await,
            password_login(&issuer).await,
        ];
        world.clock.advance(secs(20));
        let dead = access_token(&json!({"sid": "s1"}));
        let of_others = [
            access_token(&json!({"sid": "s2"})),
            access_token(&json!({"sid": "s1", "iss": OTHER})),
            access_token(&json!({})),
        ];
        assert_eq!(status(&world, &dead).await, 200, "{row}");
        world.heard_all();

        end(&receiver, &members).await;
        let heard = world.heard_all();
        let subject = members.get("sub").map(|_| "u1".to_owned());
        let expected = Event::ProviderLogout {
            issuer: PROVIDER.to_owned(),
            subject,
            is_session: true,
            ended: 2,
        };
        assert_eq!(heard, [expected], "{row}");
        for tokens in &ends {
            assert!(!goes_on(&issuer, tokens).await, "{row}");
        }
        for tokens in &stay {
            assert!(goes_on(&issuer, tokens).await, "{row}");
        }
        assert_eq!(status(&world, &dead).await, 401, "{row}");
        for token in &of_others {
            assert_eq!(status(&world, token).await, 200, "{row}");
        }
        // What the provider issues for it later on, too, as long as that is remembered.
        world.clock.advance(secs(60 * 60));
        let at = 1_800_000_000 + 3_600;
        let later = access_token(&json!({"sid": "s1", "iat": at, "exp": at + 300}));
        assert_eq!(status(&world, &later).await, 401, "{row}");
    }
}

#[tokio::test]
async fn a_user_takes_everything_of_theirs_along_and_nobody_elses() {
    let world = World::new();
    let (issuer, receiver) = (world.issuer(), receiver(&world));
    // As our subjects are named: alice has logged in as u1, also by password and by another provider.
    let ends = [
        login(&issuer, "alice", session("s1")).await,
        login(&issuer, "alice", ProviderLogin::new(PROVIDER, "u1")).await,
        login(&issuer, "alice", ProviderLogin::new(OTHER, "u9")).await,
        password_login(&issuer).await,
    ];
    // Our own u1 is somebody else, and so are the other provider's u1 and this one's u2.
    let stay = [
        login(&issuer, "u1", ProviderLogin::new(OTHER, "u1")).await,
        login(&issuer, "bob", ProviderLogin::new(OTHER, "u1")).await,
        login(
            &issuer,
            "carol",
            ProviderLogin::new(PROVIDER, "u2").session("s3"),
        )
        .await,
    ];
    world.clock.advance(secs(20));
    let dead = [
        access_token(&json!({"sid": "s1"})),
        access_token(&json!({"sid": "s7"})),
        access_token(&json!({})),
    ];
    let of_others = [
        access_token(&json!({"sub": "u2"})),
        access_token(&json!({"iss": OTHER})),
    ];
    world.heard_all();
    end(&receiver, &json!({"sub": "u1"})).await;
    let expected = Event::ProviderLogout {
        issuer: PROVIDER.to_owned(),
        subject: Some("u1".to_owned()),
        is_session: false,
        ended: 1,
    };
    assert_eq!(world.heard_all(), [expected]);
    for tokens in &ends {
        assert!(!goes_on(&issuer, tokens).await);
    }
    for tokens in &stay {
        assert!(goes_on(&issuer, tokens).await);
    }
    for token in &dead {
        assert_eq!(status(&world, token).await, 401);
    }
    for token in &of_others {
        assert_eq!(status(&world, token).await, 200);
    }
    // Whoever comes back is let in, by the same session at the provider.
    let again = login(&issuer, "alice", session("s1")).await;
    assert!(goes_on(&issuer, &again).await);
}

/// A `sub` is the provider's name for somebody: it is no name of ours.
#[tokio::test]
async fn a_provider_can_not_end_logins_that_are_not_by_way_of_it() {
    let world = World::new();
    let (issuer, receiver) = (world.issuer(), receiver(&world));
    let alice = password_login(&issuer).await;
    let sid = alice.login().to_string();
    for (number, members) in [
        json!({"sub": "alice"}),
        json!({"sid": sid}),
        json!({"sub": "alice", "sid": sid}),
        json!({"sub": "alice", "iss": OTHER}),
    ]
    .iter()
    .enumerate()
    {
        let mut members = members.clone();
        members["jti"] = json!(number.to_string());
        end(&receiver, &members).await;
    }
    assert!(goes_on(&issuer, &alice).await);
}

#[tokio::test]
async fn links_are_in_nobodys_list_and_leave_with_their_logins() {
    let world = World::new();
    let (issuer, receiver) = (world.issuer(), receiver(&world));
    login(&issuer, "alice", session("s1")).await;
    let listed = world.store.logins("alice", None, 10).await.unwrap();
    assert_eq!(listed.logins.len(), 1);
    end(&receiver, &json!({"sid": "s1"})).await;
    let listed = world.store.logins("alice", None, 10).await.unwrap();
    assert_eq!(listed.logins.len(), 0);
    // The provider may repeat itself, in another token: there is nothing left to end.
    world.heard_all();
    end(&receiver, &json!({"sid": "s1", "jti": "l2"})).await;
    let heard = world.heard_all();
    assert!(
        matches!(heard[..], [Event::ProviderLogout { ended: 0, .. }]),
        "{heard:?}"
    );
    // Nobody's own realm has anything to do with it.
    assert_ne!(world.store.realm(), PROVIDER);
}

#[tokio::test]
async fn a_token_that_outlives_what_is_remembered_of_sessions_is_refused() {
    let world = World::new();
    world.clock.advance(secs(20));
    let at = 1_800_000_010;
    for (row, members, expected) in [
        ("as long", json!({"sid": "s1", "exp": at + 86_400}), 200),
        ("longer", json!({"sid": "s1", "exp": at + 86_401}), 401),
        (
            "longer, without a session",
            json!({"exp": at + 86_401}),
            200,
        ),
        ("a session that is none", json!({"sid": 1}), 401),
    ] {
        let token = access_token(&members);
        assert_eq!(status(&world, &token).await, expected, "{row}");
    }
}
