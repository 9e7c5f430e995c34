//! The devices of a user, and every way to end them: one, the others, all, everyone's.

use auth_tests::{
    Request,
    demo::{Credential, Demo, NOBODY, Tokens},
};
use serde_json::Value;

/// Everything by which one user is logged in.
struct Logins {
    session: Credential,
    phone: Tokens,
    tablet: Tokens,
}

impl Logins {
    fn of(demo: &Demo, user: &str) -> Self {
        Self {
            session: demo.session(user),
            phone: demo.tokens(user),
            tablet: demo.tokens(user),
        }
    }

    fn credentials(&self) -> [&Credential; 3] {
        [&self.session, &self.phone.access, &self.tablet.access]
    }

    #[track_caller]
    fn assert_dead(&self, demo: &Demo) {
        for credential in self.credentials() {
            assert_eq!(demo.who(credential), NOBODY);
        }
        for tokens in [&self.phone, &self.tablet] {
            assert_refresh_refused(demo, tokens);
        }
    }

    #[track_caller]
    fn assert_live(&self, demo: &Demo, user: &str) {
        for credential in self.credentials() {
            assert_eq!(demo.who(credential), user);
        }
        assert_eq!(demo.logins(&self.session).len(), 3);
    }
}

#[track_caller]
fn assert_refresh_refused(demo: &Demo, tokens: &Tokens) {
    let response = demo.refresh(&tokens.refresh);
    assert_eq!(response.status, 400, "{response:?}");
    assert_eq!(response.json()["error"], "invalid_grant");
}

#[track_caller]
fn assert_done(demo: &Demo, method: &str, path: &str, who: &Credential) {
    let response = demo.request(method, path, who);
    assert_eq!(response.status, 204, "{method} {path}: {response:?}");
}

/// Logging in again works at once, in both ways, and can be refreshed.
#[track_caller]
fn assert_can_log_in(demo: &Demo, user: &str) {
    assert_eq!(demo.who(&demo.session(user)), user);
    let tokens = demo.tokens(user);
    assert_eq!(demo.who(&tokens.access), user);
    let next = Tokens::of(&demo.refresh(&tokens.refresh));
    assert_eq!(demo.who(&next.access), user);
}

#[test]
fn the_list_shows_logins_of_both_kinds() {
    let demo = Demo::start(&[]);
    let with_device = |path: &str, device: &str| {
        let body = format!("user=alice&password=wonderland&device={device}");
        demo.send(&Request::post(path).form(&body))
    };
    let session = with_device("/session/login", "Laptop");
    let cookie = auth_tests::demo::SetCookie::of(&session).expect("a cookie");
    let session = Credential::Cookie(cookie.pair);
    let phone = Tokens::of(&with_device("/token/login", "Phone+of+Alice"));
    demo.session("user-1");

    for (who, device) in [(&session, "Laptop"), (&phone.access, "Phone of Alice")] {
        let list = demo.logins(who);
        assert_eq!(list.len(), 2, "{list:?}");
        let me = demo.me(who);
        for login in &list {
            let seconds = |name: &str| login[name].as_u64().expect("seconds");
            assert!(seconds("created_at") <= seconds("last_seen_at"), "{login}");
            assert!(
                seconds("created_at").abs_diff(me["auth_time"].as_u64().expect("seconds")) <= 60
            );
            let current = login["login"] == me["login"];
            assert_eq!(login["current"], current, "{login}");
            if current {
                assert_eq!(login["device"], device, "{login}");
                assert_eq!(login["kind"], me["kind"], "{login}");
            }
        }
        let mut kinds: Vec<&Value> = list.iter().map(|login| &login["kind"]).collect();
        kinds.sort_by_key(|kind| kind.to_string());
        assert_eq!(kinds, ["session", "token"]);
    }
}

#[test]
fn logging_out_everywhere_ends_every_login_of_that_user_and_nobody_elses() {
    let demo = Demo::start(&[]);
    let somebody_else = Logins::of(&demo, "user-1");
    let admin = Logins::of(&demo, "admin");
    let by: [fn(&Logins) -> &Credential; 2] =
        [|logins| &logins.session, |logins| &logins.phone.access];
    for credential in by {
        let alice = Logins::of(&demo, "alice");
        alice.assert_live(&demo, "alice");
        assert_done(&demo, "POST", "/api/logout-everywhere", credential(&alice));
        alice.assert_dead(&demo);
        assert_can_log_in(&demo, "alice");
        somebody_else.assert_live(&demo, "user-1");
        admin.assert_live(&demo, "admin");
        let again = demo.session("alice");
        assert_done(&demo, "POST", "/api/logout-everywhere", &again);
    }
}

#[test]
fn ending_the_others_spares_the_current_login() {
    let demo = Demo::start(&[]);
    let somebody_else = Logins::of(&demo, "user-2");

    // By the cookie: the session stays.
    let alice = Logins::of(&demo, "user-1");
    assert_done(&demo, "DELETE", "/api/logins", &alice.session);
    assert_eq!(demo.who(&alice.session), "user-1");
    for tokens in [&alice.phone, &alice.tablet] {
        assert_eq!(demo.who(&tokens.access), NOBODY);
        assert_refresh_refused(&demo, tokens);
    }
    assert_eq!(demo.logins(&alice.session).len(), 1);

    // By a bearer: its login stays, refresh token and all.
    let phone = demo.tokens("user-1");
    let tablet = demo.tokens("user-1");
    assert_done(&demo, "DELETE", "/api/logins", &phone.access);
    assert_eq!(demo.who(&phone.access), "user-1");
    assert_eq!(demo.who(&alice.session), NOBODY);
    assert_eq!(demo.who(&tablet.access), NOBODY);
    assert_refresh_refused(&demo, &tablet);
    let next = Tokens::of(&demo.refresh(&phone.refresh));
    assert_eq!(demo.who(&next.access), "user-1");
    assert_eq!(demo.logins(&next.access).len(), 1);

    // Again with what was refreshed, and new logins work at once.
    let other = demo.session("user-1");
    assert_done(&demo, "DELETE", "/api/logins", &next.access);
    assert_eq!(demo.who(&other), NOBODY);
    assert_eq!(demo.who(&next.access), "user-1");
    assert_can_log_in(&demo, "user-1");
    assert_eq!(demo.who(&next.access), "user-1");
    somebody_else.assert_live(&demo, "user-2");
}

#[test]
fn one_login_can_be_ended_and_only_by_its_own_user() {
    let demo = Demo::start(&[]);
    let alice = Logins::of(&demo, "alice");
    let mallory = demo.session("user-1");
    for victim in alice.credentials() {
        let path = format!("/api/logins/{}", demo.login_of(victim));
        let response = demo.request("DELETE", &path, &mallory);
        assert!(matches!(response.status, 204 | 403 | 404), "{response:?}");
        assert_eq!(demo.request("DELETE", &path, &Credential::None).status, 401);
    }
    alice.assert_live(&demo, "alice");

    let path = |who: &Credential| format!("/api/logins/{}", demo.login_of(who));
    // The phone ends the session, the tablet ends the phone, and then itself.
    assert_done(&demo, "DELETE", &path(&alice.session), &alice.phone.access);
    assert_eq!(demo.who(&alice.session), NOBODY);
    assert_eq!(demo.logins(&alice.tablet.access).len(), 2);
    assert_done(
        &demo,
        "DELETE",
        &path(&alice.phone.access),
        &alice.tablet.access,
    );
    assert_eq!(demo.who(&alice.phone.access), NOBODY);
    assert_refresh_refused(&demo, &alice.phone);
    assert_eq!(demo.who(&alice.tablet.access), "alice");
    assert_done(
        &demo,
        "DELETE",
        &path(&alice.tablet.access),
        &alice.tablet.access,
    );
    alice.assert_dead(&demo);
    assert_can_log_in(&demo, "alice");
}

#[test]
fn a_logout_ends_this_session_only() {
    let demo = Demo::start(&[]);
    let (one, two) = (demo.session("user-1"), demo.session("user-1"));
    let tokens = demo.tokens("user-1");
    assert_done(&demo, "POST", "/session/logout", &one);
    assert_eq!(demo.who(&one), NOBODY);
    assert_eq!(demo.who(&two), "user-1");
    assert_eq!(demo.who(&tokens.access), "user-1");
    assert_eq!(demo.logins(&two).len(), 2);
}

#[test]
fn an_admin_can_revoke_a_subject_again_and_again() {
    let demo = Demo::start(&[]);
    let admin = Logins::of(&demo, "admin");
    let somebody_else = Logins::of(&demo, "user-1");
    for by in [&admin.session, &admin.phone.access, &admin.tablet.access] {
        let alice = Logins::of(&demo, "alice");
        assert_done(&demo, "POST", "/api/revoke-subject/alice", by);
        alice.assert_dead(&demo);
        assert_can_log_in(&demo, "alice");
        // What was made right after it, too.
        assert_done(&demo, "POST", "/api/revoke-subject/alice", by);
    }
    assert_done(
        &demo,
        "POST",
        "/api/revoke-subject/nobody-of-that-name",
        &admin.session,
    );
    somebody_else.assert_live(&demo, "user-1");
    admin.assert_live(&demo, "admin");
}

#[test]
fn an_admin_can_revoke_everything() {
    let demo = Demo::start(&[]);
    for round in 0..3 {
        let users = ["alice", "admin", "user-1", "user-2"];
        let everybody = users.map(|user| Logins::of(&demo, user));
        let admin = &everybody[1];
        let by = [&admin.session, &admin.phone.access, &admin.tablet.access][round];
        assert_done(&demo, "POST", "/api/revoke-all", by);
        for logins in &everybody {
            logins.assert_dead(&demo);
        }
        for user in users {
            assert_can_log_in(&demo, user);
        }
        assert_done(
            &demo,
            "POST",
            "/api/revoke-all",
            &demo.tokens("admin").access,
        );
    }
}

#[test]
fn nobody_but_an_admin_revokes_what_is_not_his() {
    let demo = Demo::start(&[]);
    let alice = Logins::of(&demo, "alice");
    let admin = Logins::of(&demo, "admin");
    for path in [
        "/api/revoke-all",
        "/api/revoke-subject/admin",
        "/api/revoke-subject/alice",
    ] {
        for by in alice.credentials() {
            assert_eq!(demo.request("POST", path, by).status, 403, "{path}");
        }
        assert_eq!(
            demo.request("POST", path, &Credential::None).status,
            401,
            "{path}"
        );
    }
    alice.assert_live(&demo, "alice");
    admin.assert_live(&demo, "admin");
}

#[test]
fn a_new_password_ends_the_other_logins() {
    let demo = Demo::start(&[]);
    let somebody_else = Logins::of(&demo, "user-2");
    let logins = Logins::of(&demo, "user-1");
    assert_done(&demo, "POST", "/api/password", &logins.session);
    assert_eq!(demo.who(&logins.session), "user-1");
    assert_eq!(demo.who(&logins.phone.access), NOBODY);
    assert_refresh_refused(&demo, &logins.tablet);

    let phone = demo.tokens("user-1");
    assert_done(&demo, "POST", "/api/password", &phone.access);
    assert_eq!(demo.who(&phone.access), "user-1");
    assert_eq!(demo.who(&logins.session), NOBODY);
    assert_eq!(
        demo.request("POST", "/api/password", &Credential::None)
            .status,
        401
    );
    somebody_else.assert_live(&demo, "user-2");
}

#[test]
fn a_dead_login_can_end_nothing() {
    let demo = Demo::start(&[]);
    let dead = Logins::of(&demo, "alice");
    assert_done(&demo, "POST", "/api/logout-everywhere", &dead.session);
    let live = Logins::of(&demo, "alice");
    let one = format!("/api/logins/{}", demo.login_of(&live.session));
    for by in dead.credentials() {
        for (method, path) in [
            ("POST", "/api/logout-everywhere"),
            ("POST", "/api/password"),
            ("DELETE", "/api/logins"),
            ("DELETE", &one),
        ] {
            let response = demo.request(method, path, by);
            assert_eq!(response.status, 401, "{method} {path}: {response:?}");
        }
    }
    live.assert_live(&demo, "alice");
}
