//! What the applications of `before` are after the migration guides were followed. The guides show
//! these files and those word by word; the tests here drive both.

pub mod axum_login;
pub mod jsonwebtoken;
pub mod jwt_authorizer;
pub mod tower_sessions;
