//! Where the servers are: the URL.

use std::{fmt, str::FromStr};

use percent_encoding::percent_decode_str;

/// A server's host and port.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) port: u16,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.contains(':') {
            write!(f, "[{}]:{}", self.name, self.port)
        } else {
            write!(f, "{}:{}", self.name, self.port)
        }
    }
}

impl Host {
    /// `host`, `host:port`, `[v6]:port`.
    fn parse(text: &str, default_port: u16) -> Option<Self> {
        let (name, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (name, port) = rest.split_once(']')?;
                (name, port.strip_prefix(':'))
            }
            None => match text.split_once(':') {
                Some((name, port)) => (name, Some(port)),
                None => (text, None),
            },
        };
        let port = match port {
            Some(port) => port.parse().ok()?,
            None => default_port,
        };
        (!name.is_empty()).then(|| Self {
            name: name.to_owned(),
            port,
        })
    }
}

/// Who says which server is a master.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// Nobody: there is one.
    One,
    /// The nodes of a cluster.
    Cluster,
    /// Sentinels, which call it by this name.
    Sentinel(String),
}

/// Who we are to a server.
#[derive(Clone, Default)]
pub(crate) struct Credentials {
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
}

/// Shows no password.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// What a URL says: `redis[s]://`, `redis[s]-cluster://` or `redis[s]-sentinel://`, then
/// `[user[:password]@]host[:port][,host[:port]…][/database][?node=host:port&…]`. Of sentinels
/// `sentinelServiceName`, `sentinelUsername` and `sentinelPassword`, too.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) mode: Mode,
    pub(crate) hosts: Vec<Host>,
    pub(crate) is_tls: bool,
    pub(crate) database: Option<u8>,
    pub(crate) credentials: Credentials,
    /// To the sentinels themselves.
    pub(crate) sentinel: Credentials,
}

/// The name of the master unless the URL has one: what the sentinels' own configuration begins with.
const DEFAULT_SERVICE: &str = "mymaster";

impl FromStr for Address {
    type Err = ();

    fn from_str(url: &str) -> Result<Self, ()> {
        parse(url).ok_or(())
    }
}

fn parse(url: &str) -> Option<Address> {
    let (scheme, rest) = url.split_once("://")?;
    let (mut mode, is_tls, default_port) = match scheme {
        "redis" => (Mode::One, false, 6379),
        "rediss" => (Mode::One, true, 6379),
        "redis-cluster" => (Mode::Cluster, false, 6379),
        "rediss-cluster" => (Mode::Cluster, true, 6379),
        "redis-sentinel" => (Mode::Sentinel(DEFAULT_SERVICE.to_owned()), false, 26_379),
        "rediss-sentinel" => (Mode::Sentinel(DEFAULT_SERVICE.to_owned()), true, 26_379),
        _ => return None,
    };
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (rest, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, hosts) = rest.rsplit_once('@').unwrap_or(("", rest));
    let (username, password) = match login.split_once(':') {
        Some((username, password)) => (username, Some(decode(password)?)),
        None => (login, None),
    };
    let credentials = Credentials {
        username: (!username.is_empty()).then(|| decode(username)).flatten(),
        password: password.filter(|password| !password.is_empty()),
    };
    let mut sentinel = Credentials::default();
    let mut hosts = hosts
        .split(',')
        .map(|host| Host::parse(host, default_port))
        .collect::<Option<Vec<_>>>()?;
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let value = decode(value)?;
        match (name, &mut mode) {
            ("node", Mode::Cluster | Mode::Sentinel(_)) => {
                hosts.push(Host::parse(&value, default_port)?);
            }
            ("sentinelServiceName", Mode::Sentinel(service)) => *service = value,
            ("sentinelUsername", Mode::Sentinel(_)) => sentinel.username = Some(value),
            ("sentinelPassword", Mode::Sentinel(_)) => sentinel.password = Some(value),
            _ => return None,
        }
    }
    let database = match path {
        "" => None,
        database => Some(database.parse().ok()?),
    };
    let is_sound = match &mode {
        Mode::One => hosts.len() == 1,
        // A cluster has one database.
        Mode::Cluster => database.is_none_or(|database| database == 0),
        Mode::Sentinel(service) => !service.is_empty(),
    };
    is_sound.then_some(Address {
        mode,
        hosts,
        is_tls,
        database,
        credentials,
        sentinel,
    })
}

fn decode(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    Some(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(address: &Address) -> Vec<String> {
        address.hosts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn urls_say_where_the_servers_are() {
        let sentinel = |name: &str| Mode::Sentinel(name.to_owned());
        let rows = [
            ("redis://h", Mode::One, false, None, vec!["h:6379"]),
            ("redis://h:1/2", Mode::One, false, Some(2), vec!["h:1"]),
            ("rediss://[::1]:7", Mode::One, true, None, vec!["[::1]:7"]),
            (
                "redis-cluster://a:1?node=b:2&node=c:3",
                Mode::Cluster,
                false,
                None,
                vec!["a:1", "b:2", "c:3"],
            ),
            (
                "rediss-cluster://a:1,b/0",
                Mode::Cluster,
                true,
                Some(0),
                vec!["a:1", "b:6379"],
            ),
            (
                "redis-sentinel://a/3?sentinelServiceName=main&node=b:2",
                sentinel("main"),
                false,
                Some(3),
                vec!["a:26379", "b:2"],
            ),
            (
                "redis-sentinel://a:1",
                sentinel("mymaster"),
                false,
                None,
                vec!["a:1"],
            ),
        ];
        for (url, mode, is_tls, database, at) in rows {
            let address: Address = url.parse().expect(url);
            assert_eq!(address.mode, mode, "{url}");
            assert_eq!((address.is_tls, address.database), (is_tls, database));
            assert_eq!(hosts(&address), at, "{url}");
        }
    }

    #[test]
    fn what_is_no_such_url_is_refused() {
        for url in [
            "not a url",
            "http://h",
            "redis://",
            "redis://h:x",
            "redis://a,b",
            "redis://h/db",
            "redis://h?node=b:1",
            "redis://h?sentinelServiceName=a",
            "redis-cluster://h/1",
            "redis-cluster://h?timeout=1",
            "redis-sentinel://h?sentinelServiceName=",
            "redis-sentinel://h,:1",
        ] {
            assert!(url.parse::<Address>().is_err(), "{url}");
        }
    }

    #[test]
    fn credentials_are_decoded_and_not_shown() {
        let url = "redis-sentinel://u%40x:p%3Aw%2F@h?sentinelUsername=s&sentinelPassword=t%26";
        let address: Address = url.parse().expect("it is one");
        let pair = |c: &Credentials| (c.username.clone(), c.password.clone());
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(pair(&address.credentials), (some("u@x"), some("p:w/")));
        assert_eq!(pair(&address.sentinel), (some("s"), some("t&")));
        let shown = format!("{address:?}");
        assert!(!shown.contains("p:w") && !shown.contains("t&"), "{shown}");

        let address: Address = "redis://:pw@h".parse().expect("it is one");
        assert_eq!(pair(&address.credentials), (None, some("pw")));
        let address: Address = "redis://h".parse().expect("it is one");
        assert_eq!(pair(&address.credentials), (None, None));
    }
}
