//! Why a store could not be built.

use std::{fmt, time::Duration};

use crate::{builder::FRESHEST, reply::Failure};

/// Why a store could not be built.
#[derive(Debug)]
pub struct ConfigError(Cause);

#[derive(Debug)]
pub(crate) enum Cause {
    EmptyRealm,
    BadPrefix,
    Url,
    Cluster(&'static str),
    Replica,
    Tls(String),
    Unreachable(String),
    Auth(String),
    Forbidden(String),
    TooOld(String),
    Evicts(String),
    Clock(Duration),
    Deadline,
    Freshness(Duration),
    Schema(String),
    Refused(String),
}

/// The kinds of [`ConfigError`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// The realm is empty.
    EmptyRealm,
    /// The prefix is empty or has a brace in it.
    BadPrefix,
    /// The URL is none that [`RedisStore::builder`](crate::RedisStore::builder) takes.
    Url,
    /// The URL is that of a cluster and the server is none of its nodes, or the other way round.
    Cluster,
    /// The server is a replica.
    Replica,
    /// The URL asks for TLS: without the feature `tls-rustls`, or without anybody to trust.
    Tls,
    /// Nothing answers there.
    Unreachable,
    /// The user or the password is wrong.
    Auth,
    /// The user may not do what the store has to do.
    Forbidden,
    /// The server is older than 7.0.
    TooOld,
    /// The server drops keys when its memory is full.
    Evicts,
    /// The clocks of the server and this machine are 30 s apart or more.
    Clock,
    /// A deadline is zero.
    Deadline,
    /// [`Freshness::Within`](crate::Freshness::Within) is less than 100 ms.
    Freshness,
    /// What is stored there was written by another version.
    Schema,
    /// The server refused for another reason.
    Refused,
}

impl ConfigError {
    pub(crate) fn new(cause: Cause) -> Self {
        Self(cause)
    }

    /// Its kind.
    pub fn kind(&self) -> ConfigErrorKind {
        match self.0 {
            Cause::EmptyRealm => ConfigErrorKind::EmptyRealm,
            Cause::BadPrefix => ConfigErrorKind::BadPrefix,
            Cause::Url => ConfigErrorKind::Url,
            Cause::Cluster(_) => ConfigErrorKind::Cluster,
            Cause::Replica => ConfigErrorKind::Replica,
            Cause::Tls(_) => ConfigErrorKind::Tls,
            Cause::Unreachable(_) => ConfigErrorKind::Unreachable,
            Cause::Auth(_) => ConfigErrorKind::Auth,
            Cause::Forbidden(_) => ConfigErrorKind::Forbidden,
            Cause::TooOld(_) => ConfigErrorKind::TooOld,
            Cause::Evicts(_) => ConfigErrorKind::Evicts,
            Cause::Clock(_) => ConfigErrorKind::Clock,
            Cause::Deadline => ConfigErrorKind::Deadline,
            Cause::Freshness(_) => ConfigErrorKind::Freshness,
            Cause::Schema(_) => ConfigErrorKind::Schema,
            Cause::Refused(_) => ConfigErrorKind::Refused,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::EmptyRealm => f.write_str("the realm is empty"),
            Cause::BadPrefix => f.write_str("the key prefix is empty or has a brace in it"),
            Cause::Url => f.write_str(
                "the URL is none of redis://host:port/database, redis-cluster://host:port?node=host:port \
                 or redis-sentinel://host:port?sentinelServiceName=name",
            ),
            Cause::Cluster(why) => f.write_str(why),
            Cause::Replica => f.write_str("the Redis server is a replica: a master is needed"),
            Cause::Tls(why) => write!(f, "no TLS to the Redis server: {why}"),
            Cause::Unreachable(why) => write!(f, "the Redis server can not be reached: {why}"),
            Cause::Auth(why) => write!(f, "the Redis server refused the user or password: {why}"),
            Cause::Forbidden(why) => write!(f, "the Redis user lacks a right: {why}"),
            Cause::TooOld(version) => {
                write!(
                    f,
                    "the Redis server is version {version}, and 7.0 or later is needed"
                )
            }
            Cause::Evicts(policy) => write!(
                f,
                "the Redis server drops keys when its memory is full (maxmemory-policy {policy}): set noeviction"
            ),
            Cause::Clock(apart) => write!(
                f,
                "the Redis server's clock is {} s away from this machine's",
                apart.as_secs()
            ),
            Cause::Deadline => f.write_str("a deadline is zero: nothing is answered in no time"),
            Cause::Freshness(within) => write!(
                f,
                "verdicts can not be fresh within {} ms: {} ms is the least",
                within.as_millis(),
                FRESHEST.as_millis()
            ),
            Cause::Schema(version) => {
                write!(
                    f,
                    "what is stored there has schema version {version}, not 1"
                )
            }
            Cause::Refused(why) => write!(f, "the Redis server refused: {why}"),
        }
    }
}

impl std::error::Error for ConfigError {}

impl From<Failure> for ConfigError {
    fn from(failure: Failure) -> Self {
        Self(match failure {
            Failure::NoAnswer(why) => Cause::Unreachable(why),
            Failure::NotYet => Cause::Unreachable("it did not answer in time".to_owned()),
            Failure::Refused { code, text } => match code.as_str() {
                "NOAUTH" | "WRONGPASS" => Cause::Auth(text),
                "NOPERM" => Cause::Forbidden(text),
                "NOMASTER" => Cause::Replica,
                _ if text.contains("cluster support disabled") => Cause::Cluster(
                    "the URL is that of a Redis cluster, and the server is no node of one: use redis://",
                ),
                _ => Cause::Refused(text),
            },
        })
    }
}
