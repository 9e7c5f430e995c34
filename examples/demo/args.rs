//! The command line.

use std::{net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use auth_layers::OutagePolicy;
use clap::Parser;

/// One service with every feature: cookie sessions and tokens, and taking either back.
#[derive(Parser, Debug)]
#[command(name = "demo", version)]
pub(crate) struct Args {
    /// Where to serve HTTP; port 0 picks one
    #[arg(
        long,
        env = "AUTH_DEMO_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:3000"
    )]
    pub(crate) listen: SocketAddr,

    /// Where to serve gRPC too [default: nowhere]
    #[arg(long, env = "AUTH_DEMO_GRPC", value_name = "ADDR")]
    pub(crate) grpc: Option<SocketAddr>,

    /// Keep everything in Redis: redis://[user:password@]host[:port][/database] [default: in memory]
    #[arg(
        long,
        env = "AUTH_DEMO_REDIS",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) redis: Option<String>,

    /// Answer from a local copy of all revocations that is at most so old, e.g. 1s [default: ask
    /// Redis each time]
    #[arg(
        long,
        env = "AUTH_DEMO_FRESHNESS",
        value_name = "DUR",
        requires = "redis"
    )]
    pub(crate) freshness: Option<Dur>,

    /// What to answer when the store can not tell: closed or stale:DURATION
    #[arg(long, env = "AUTH_DEMO_OUTAGE", value_name = "POLICY", default_value = "closed", value_parser = outage)]
    pub(crate) outage: OutagePolicy,

    /// Signing key: a private key in PEM, or any other file as a secret for HS256. Several: the
    /// first signs, all verify [default: an Ed25519 key made at start]
    #[arg(
        long,
        env = "AUTH_DEMO_KEY",
        value_name = "FILE",
        value_delimiter = ','
    )]
    pub(crate) key: Vec<PathBuf>,

    /// Keys for refresh tokens, each 32 bytes in base64 on a line of its own; the first derives
    /// [default: one made at start]
    #[arg(long, env = "AUTH_DEMO_REFRESH_KEYS", value_name = "FILE")]
    pub(crate) refresh_keys: Option<PathBuf>,

    /// Also take the tokens of this issuer: its name (`iss`), the audience of its tokens (`aud`), and
    /// its public keys, a JWK set in a file or at a URL. Repeatable
    #[arg(
        long,
        env = "AUTH_DEMO_TRUST",
        value_name = "ISSUER,AUDIENCE,JWKS-FILE-OR-URL",
        value_delimiter = ';'
    )]
    pub(crate) trust: Vec<Trust>,

    /// How long an access token lives
    #[arg(
        long,
        env = "AUTH_DEMO_ACCESS_TTL",
        value_name = "DUR",
        default_value = "5m"
    )]
    pub(crate) access_ttl: Dur,

    /// How long a refresh token may lie unused
    #[arg(
        long,
        env = "AUTH_DEMO_REFRESH_IDLE",
        value_name = "DUR",
        default_value = "14d"
    )]
    pub(crate) refresh_idle: Dur,

    /// How long a token login lasts at most
    #[arg(
        long,
        env = "AUTH_DEMO_REFRESH_ABSOLUTE",
        value_name = "DUR",
        default_value = "90d"
    )]
    pub(crate) refresh_absolute: Dur,

    /// How long after a refresh the old refresh token still gets the same answer
    #[arg(
        long,
        env = "AUTH_DEMO_GRACE",
        value_name = "DUR",
        default_value = "30s"
    )]
    pub(crate) grace: Dur,

    /// How long a session may lie unused
    #[arg(
        long,
        env = "AUTH_DEMO_SESSION_IDLE",
        value_name = "DUR",
        default_value = "30m"
    )]
    pub(crate) session_idle: Dur,

    /// How long a session lasts at most
    #[arg(
        long,
        env = "AUTH_DEMO_SESSION_ABSOLUTE",
        value_name = "DUR",
        default_value = "12h"
    )]
    pub(crate) session_absolute: Dur,

    /// The `iss` of the tokens issued here
    #[arg(
        long,
        env = "AUTH_DEMO_ISSUER",
        value_name = "URL",
        default_value = "https://auth.demo"
    )]
    pub(crate) issuer: String,

    /// The `aud` of the tokens issued and taken here
    #[arg(
        long,
        env = "AUTH_DEMO_AUDIENCE",
        value_name = "NAME",
        default_value = "demo"
    )]
    pub(crate) audience: String,

    /// The `aud` of the assertions that /verify hands to the services behind a gateway
    #[arg(
        long,
        env = "AUTH_DEMO_ASSERTION_AUDIENCE",
        value_name = "NAME",
        default_value = "upstream"
    )]
    pub(crate) assertion_audience: String,

    /// Call the cookie `id`, without Secure, for clients that refuse Secure cookies over http
    #[arg(long, env = "AUTH_DEMO_INSECURE_COOKIE")]
    pub(crate) insecure_cookie: bool,

    /// Also make users user-1 to user-N, each with its name as its password
    #[arg(
        long,
        env = "AUTH_DEMO_LOAD_USERS",
        value_name = "N",
        default_value_t = 0
    )]
    pub(crate) load_users: u32,
}

/// A duration as people write it: `500ms`, `30s`, `5m`, `14d`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dur(pub(crate) Duration);

impl FromStr for Dur {
    type Err = humantime::DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        humantime::parse_duration(text).map(Self)
    }
}

/// An issuer whose tokens are taken, too.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    pub(crate) issuer: String,
    pub(crate) audience: String,
    /// A file or a URL.
    pub(crate) keys: String,
}

impl FromStr for Trust {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, ',').map(str::to_owned);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(issuer), Some(audience), Some(keys)) => Ok(Self {
                issuer,
                audience,
                keys,
            }),
            _ => Err("ISSUER,AUDIENCE,JWKS-FILE-OR-URL"),
        }
    }
}

fn outage(text: &str) -> Result<OutagePolicy, String> {
    match text.split_once(':') {
        None if text == "closed" => Ok(OutagePolicy::Closed),
        Some(("stale", at_most)) => {
            let at_most = at_most.parse::<Dur>().map_err(|error| error.to_string())?.0;
            Ok(OutagePolicy::Stale { at_most })
        }
        _ => Err("closed, or stale:DURATION".to_owned()),
    }
}
