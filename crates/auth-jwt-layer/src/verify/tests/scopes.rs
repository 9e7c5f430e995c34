//! Scopes and roles.

use serde_json::{Value, json};

use super::*;

#[test]
fn scopes_are_found_where_the_verifier_looks() {
    let roles = |roles: Value| json!({"realm_access": {"roles": roles}});
    for (what, path, members, expected) in [
        (
            "scope, a string",
            "scope",
            json!({"scope": "read write"}),
            "read write",
        ),
        (
            "scope, a list",
            "scope",
            json!({"scope": ["read", "write"]}),
            "read write",
        ),
        ("scope, not there", "scope", json!({}), ""),
        ("scope, a number", "scope", json!({"scope": 1}), ""),
        (
            "scope, an object",
            "scope",
            json!({"scope": {"read": true}}),
            "",
        ),
        (
            "roles, a list",
            "realm_access.roles",
            roles(json!(["admin", "user"])),
            "admin user",
        ),
        (
            "roles, a string",
            "realm_access.roles",
            roles(json!("admin user")),
            "admin user",
        ),
        (
            "roles, not only strings",
            "realm_access.roles",
            roles(json!(["a", 1, null, ["b"], "c"])),
            "a c",
        ),
        (
            "roles with a space are none",
            "realm_access.roles",
            roles(json!(["a admin"])),
            "",
        ),
        (
            "roles, not there",
            "realm_access.roles",
            json!({"realm_access": {}}),
            "",
        ),
        (
            "roles in a list",
            "realm_access.roles",
            json!({"realm_access": [{"roles": "a"}]}),
            "",
        ),
        (
            "roles in a string",
            "realm_access.roles",
            json!({"realm_access": "roles"}),
            "",
        ),
        (
            "one name with a dot",
            "realm_access.roles",
            json!({"realm_access.roles": "admin"}),
            "",
        ),
        (
            "scope, where roles count",
            "realm_access.roles",
            json!({"scope": "admin"}),
            "",
        ),
        (
            "eight deep",
            "a.b.c.d.e.f.g.h",
            json!({"a":{"b":{"c":{"d":{"e":{"f":{"g":{"h":"x"}}}}}}}}),
            "x",
        ),
    ] {
        let verifier = builder()
            .scopes_at(path.split('.'))
            .build()
            .expect("a verifier");
        let verified = verifier.verify(token(members).as_bytes()).expect("good");
        assert_eq!(verified.scopes().as_str(), expected, "{what}");
    }
}

#[test]
fn a_path_is_of_names_and_several_paths_add_up() {
    const URL: &str = "https://example.com/roles";
    let roles = |name: &str| json!({"roles": [name], "groups": ["staff"]});
    for (what, builder, members, expected) in [
        (
            "a name with dots and slashes",
            builder().scopes_at([URL]),
            json!({URL: ["admin"], "scope": "read"}),
            "admin",
        ),
        (
            "such a name further down",
            builder().scopes_at(["resource_access", "api.example", "roles"]),
            json!({"resource_access": {"api.example": roles("admin"), "api": roles("x")}}),
            "admin",
        ),
        (
            "two places, in the order of the claims",
            builder().more_scopes_at(["realm_access", "roles"]),
            json!({"realm_access": roles("admin"), "scope": "read write"}),
            "admin read write",
        ),
        (
            "the same in both",
            builder().more_scopes_at(["roles"]),
            json!({"scope": "read", "roles": ["read"]}),
            "read",
        ),
        (
            "two under one name",
            builder()
                .scopes_at(["realm_access", "roles"])
                .more_scopes_at(["realm_access", "groups"]),
            json!({"realm_access": roles("admin")}),
            "staff admin",
        ),
        (
            "one on the way to the other",
            builder().more_scopes_at(["scope", "list"]),
            json!({"scope": {"list": "a", "x": "b"}}),
            "a",
        ),
        (
            "one on the way to the other, a text",
            builder().more_scopes_at(["scope", "list"]),
            json!({"scope": "c"}),
            "c",
        ),
    ] {
        let verifier = builder.build().expect("a verifier");
        let verified = verifier.verify(token(members).as_bytes()).expect("good");
        assert_eq!(verified.scopes().as_str(), expected, "{what}");
    }
}

#[test]
fn what_lies_on_the_way_is_read_as_strictly_as_the_rest() {
    let raw = |member: &str| {
        let claims = format!(r#"{{"iss":"iss","aud":"aud","sub":"a","exp":{NOW}1,{member}}}"#);
        sign(
            header().to_string(),
            claims.replace(&format!("{NOW}1"), &(NOW + 9).to_string()),
        )
    };
    let verifier = builder().scopes_at(["a", "b"]).build().expect("a verifier");
    for (what, member, is_taken) in [
        (
            "all is well",
            r#""a":{"b":["x"],"c":[{}]}"#.to_owned(),
            true,
        ),
        (
            "the last name twice",
            r#""a":{"b":["x"],"b":["admin"]}"#.to_owned(),
            false,
        ),
        (
            "the first name twice",
            r#""a":{"b":"x"},"a":{"b":"admin"}"#.to_owned(),
            false,
        ),
        (
            "a lone surrogate beside it",
            r#""a":{"c":"\ud800"}"#.to_owned(),
            false,
        ),
        (
            "a lone surrogate in it",
            r#""a":{"b":["\ud800"]}"#.to_owned(),
            false,
        ),
        (
            "a number out of range",
            r#""a":{"b":[1e400]}"#.to_owned(),
            false,
        ),
        (
            "too deep",
            format!(r#""a":{{"b":{}{}}}"#, "[".repeat(31), "]".repeat(31)),
            false,
        ),
    ] {
        let verdict = verdict(&verifier, &raw(&member));
        assert_eq!(verdict.is_ok(), is_taken, "{what}");
    }
}
