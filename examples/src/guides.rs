//! The README and the guides: one item for each, whose documentation is its text.

#[doc = include_str!("../../README.md")]
pub struct Readme;

#[doc = include_str!("../../docs/src/start.md")]
pub struct Start;

#[doc = include_str!("../../docs/src/sessions.md")]
pub struct Sessions;

#[doc = include_str!("../../docs/src/jwts.md")]
pub struct Jwts;

#[doc = include_str!("../../docs/src/logout-everywhere.md")]
pub struct LogoutEverywhere;

#[doc = include_str!("../../docs/src/refusals.md")]
pub struct Refusals;

#[doc = include_str!("../../docs/src/grpc.md")]
pub struct Grpc;

#[doc = include_str!("../../docs/src/gateways.md")]
pub struct Gateways;

#[doc = include_str!("../../docs/src/redis.md")]
pub struct Redis;

#[doc = include_str!("../../docs/src/scaling.md")]
pub struct Scaling;

#[doc = include_str!("../../docs/src/observability.md")]
pub struct Observability;

#[doc = include_str!("../../docs/src/own-store.md")]
pub struct OwnStore;

#[doc = include_str!("../../docs/src/from-tower-sessions.md")]
pub struct FromTowerSessions;

#[doc = include_str!("../../docs/src/from-jwt-authorizer.md")]
pub struct FromJwtAuthorizer;

#[doc = include_str!("../../docs/src/from-jsonwebtoken.md")]
pub struct FromJsonwebtoken;
