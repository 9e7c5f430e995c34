//! What is true of applications before and after they were migrated, and of the example with a
//! database: asked from outside, over HTTP.

mod axum_login;
mod database_users;
#[path = "../../../../tests/src/http.rs"]
#[allow(dead_code, reason = "shared with the tests of the workspace above")]
mod http;
mod jsonwebtoken;
mod jwt_authorizer;
#[path = "../../../../tests/src/program.rs"]
#[allow(dead_code, reason = "shared with the tests of the workspace above")]
mod program;
mod support;
mod tokens;
mod tower_sessions;

use std::path::Path;

/// What the programs take for the root of the repository.
fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
