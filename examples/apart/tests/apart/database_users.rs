//! The example whose users are in a database.

use std::{env, fs, net::SocketAddr, process, process::Command};

use crate::{http::Request, program::Program, support::Visitor};

const PASSWORD: &str = "down the rabbit hole";
const NEW: &str = "through the looking glass";

fn start(database: &str) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_database_users"));
    Program::spawn(command.args(["127.0.0.1:0", database]))
}

fn form(user: &str, password: &str) -> String {
    format!("user={user}&password={}", password.replace(' ', "+"))
}

#[track_caller]
fn logged_in(server: SocketAddr, user: &str, password: &str) -> Visitor {
    let mut visitor = Visitor::new(server);
    let answer = visitor.post("/login", &form(user, password));
    assert_eq!(answer.status, 204, "{answer:?}");
    visitor
}

#[test]
fn users_register_log_in_and_out() {
    let program = start("sqlite::memory:");
    let server = program.http();
    let mut visitor = Visitor::new(server);
    assert_eq!(visitor.get("/me").status, 401);
    let registrations = [
        ("too short a password", form("alice", "wonderland"), 422),
        ("no name", form("", PASSWORD), 422),
        ("a new user", form("alice", PASSWORD), 201),
        ("a name that is taken", form("alice", NEW), 409),
        ("SQL", form("';+DROP+TABLE+users;+--", PASSWORD), 201),
    ];
    for (row, form, status) in registrations {
        assert_eq!(visitor.post("/users", &form).status, status, "{row}");
    }
    let log_ins = [
        ("a wrong password", form("alice", NEW), 401),
        ("nobody", form("mallory", PASSWORD), 401),
        (
            "the name that is taken kept its password",
            form("alice", PASSWORD),
            204,
        ),
    ];
    for (row, form, status) in log_ins {
        assert_eq!(visitor.post("/login", &form).status, status, "{row}");
    }
    assert_eq!(visitor.get("/me").text(), "alice");
    let mut kept_it = visitor.clone();
    assert_eq!(visitor.post("/logout", "").status, 204);
    assert_eq!(kept_it.get("/me").status, 401);
    assert!(!program.output().contains(PASSWORD));
}

#[test]
fn a_new_password_ends_the_other_logins() {
    let program = start("sqlite::memory:");
    let server = program.http();
    Visitor::new(server).post("/users", &form("alice", PASSWORD));
    Visitor::new(server).post("/users", &form("bob", PASSWORD));
    let mut here = logged_in(server, "alice", PASSWORD);
    let mut there = logged_in(server, "alice", PASSWORD);
    let mut bob = logged_in(server, "bob", PASSWORD);

    let change = |old: &str, new: &str| format!("old={old}&new={new}").replace(' ', "+");
    let rows = [
        ("the old one is wrong", change(NEW, NEW), 403),
        ("the new one is too short", change(PASSWORD, "x"), 422),
    ];
    for (row, form, status) in rows {
        assert_eq!(here.post("/password", &form).status, status, "{row}");
        assert_eq!(there.get("/me").status, 200, "{row}");
    }
    let nobody = Visitor::new(server).post("/password", &change(PASSWORD, NEW));
    assert_eq!(nobody.status, 401);

    assert_eq!(here.post("/password", &change(PASSWORD, NEW)).status, 204);
    assert_eq!(here.get("/me").text(), "alice");
    assert_eq!(there.get("/me").status, 401);
    assert_eq!(bob.get("/me").text(), "bob");
    let old = Visitor::new(server).post("/login", &form("alice", PASSWORD));
    assert_eq!(old.status, 401);
    let mut there = logged_in(server, "alice", NEW);
    assert_eq!(there.get("/me").text(), "alice");

    assert_eq!(here.post("/logout-others", "").status, 204);
    assert_eq!(there.get("/me").status, 401);
    assert_eq!(here.get("/me").status, 200);
}

#[test]
fn a_deleted_user_leaves_no_login() {
    let program = start("sqlite::memory:");
    let server = program.http();
    Visitor::new(server).post("/users", &form("alice", PASSWORD));
    let mut here = logged_in(server, "alice", PASSWORD);
    let mut there = logged_in(server, "alice", PASSWORD);
    assert_eq!(here.send(Request::new("DELETE", "/me")).status, 204);
    // Nor is the next one of that name somebody whom the old logins are good for.
    assert_eq!(here.post("/users", &form("alice", NEW)).status, 201);
    for visitor in [&mut here, &mut there] {
        assert_eq!(visitor.get("/me").status, 401);
    }
}

#[test]
fn a_file_keeps_the_users() {
    let file = env::temp_dir().join(format!("auth-users-{}.db", process::id()));
    let url = format!("sqlite:{}?mode=rwc", file.display());
    let program = start(&url);
    Visitor::new(program.http()).post("/users", &form("alice", PASSWORD));
    drop(program);
    let program = start(&url);
    let mut alice = logged_in(program.http(), "alice", PASSWORD);
    assert_eq!(alice.get("/me").text(), "alice");
    drop(program);
    let kept = fs::read(&file).expect("the database");
    assert!(
        !kept
            .windows(PASSWORD.len())
            .any(|part| part == PASSWORD.as_bytes())
    );
    fs::remove_file(&file).expect("removed");
}
