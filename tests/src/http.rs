use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

/// One read or write: far more than any answer takes, so that a server that hangs fails the test.
const PATIENCE: Duration = Duration::from_secs(10);

/// An HTTP/1.1 request, sent byte for byte as it is written.
#[derive(Clone, Debug)]
#[must_use]
pub struct Request {
    head: Vec<u8>,
    has_host: bool,
    body: Option<Vec<u8>>,
}

impl Request {
    /// A request of any method; nothing is escaped in the target.
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            head: format!("{method} {target} HTTP/1.1\r\n").into_bytes(),
            has_host: false,
            body: None,
        }
    }

    /// A GET request.
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// A POST request, with an empty body unless it is given one.
    pub fn post(target: &str) -> Self {
        Self::new("POST", target).body(Vec::new())
    }

    /// Adds a header line; the same name can be added again, and no byte is looked at.
    pub fn header(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.has_host |= name.as_ref().eq_ignore_ascii_case(b"host");
        for part in [name.as_ref(), b": ", value.as_ref(), b"\r\n"] {
            self.head.extend_from_slice(part);
        }
        self
    }

    /// Adds `Authorization: Bearer <token>`.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Sets the body; its length is sent as `content-length`.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sets a JSON body with its content type.
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json")
            .body(body.to_string())
    }

    /// Sets the body of a form, already encoded, with its content type.
    pub fn form(self, body: &str) -> Self {
        self.header("content-type", "application/x-www-form-urlencoded")
            .body(body)
    }

    /// Sends it on a connection of its own.
    ///
    /// # Panics
    ///
    /// When there is no complete answer; [`Connection`] returns that as an error.
    pub fn send(&self, server: SocketAddr) -> Response {
        Connection::open(server)
            .and_then(|mut connection| connection.send(self))
            .unwrap_or_else(|error| panic!("no answer from {server}: {error}"))
    }

    fn bytes(&self, server: SocketAddr) -> Vec<u8> {
        let mut bytes = self.head.clone();
        if !self.has_host {
            bytes.extend_from_slice(format!("host: {server}\r\n").as_bytes());
        }
        if let Some(body) = &self.body {
            bytes.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }
}

/// A connection that is kept open from one request to the next.
#[derive(Debug)]
pub struct Connection {
    server: SocketAddr,
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects.
    pub fn open(server: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&server, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            server,
            stream: BufReader::new(stream),
        })
    }

    /// Waits so long for every read, instead of 10 seconds.
    pub(crate) fn patient(self, patience: Duration) -> io::Result<Self> {
        self.stream.get_ref().set_read_timeout(Some(patience))?;
        Ok(self)
    }

    /// Sends a request and reads the whole answer.
    pub fn send(&mut self, request: &Request) -> io::Result<Response> {
        let is_head = request.head.starts_with(b"HEAD ");
        self.stream
            .get_mut()
            .write_all(&request.bytes(self.server))?;
        self.read(is_head)
    }

    /// Sends bytes that need not be a request, and reads the whole answer.
    pub fn send_raw(&mut self, bytes: &[u8]) -> io::Result<Response> {
        self.stream.get_mut().write_all(bytes)?;
        self.read(false)
    }

    fn read(&mut self, is_head: bool) -> io::Result<Response> {
        let status_line = self.line()?;
        let status = status_line
            .get(9..12)
            .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
            .ok_or_else(|| broken("the status line"))?;
        let mut response = Response {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        };
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let colon = line.iter().position(|&byte| byte == b':');
            let (name, value) = line.split_at(colon.ok_or_else(|| broken("a header"))?);
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            // Latin-1, so that every byte is one character and none is lost.
            let value: String = value[1..].iter().map(|&byte| char::from(byte)).collect();
            response.headers.push((name, value.trim().to_owned()));
        }
        if is_head || matches!(status, 204 | 304) {
            return Ok(response);
        }
        if response.header("transfer-encoding").is_some() {
            loop {
                let size = String::from_utf8_lossy(&self.line()?).into_owned();
                let size = u64::from_str_radix(&size, 16).map_err(|_| broken("a chunk"))?;
                self.take(size, &mut response.body)?;
                self.line()?; // after a chunk; after the last one, the end of no trailers
                if size == 0 {
                    return Ok(response);
                }
            }
        }
        match response.header("content-length").map(str::parse) {
            Some(length) => {
                let length = length.map_err(|_| broken("content-length"))?;
                self.take(length, &mut response.body)?;
            }
            None => drop(self.stream.read_to_end(&mut response.body)?),
        }
        Ok(response)
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line)?;
        line.strip_suffix(b"\r\n")
            .map(<[u8]>::to_vec)
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn take(&mut self, length: u64, body: &mut Vec<u8>) -> io::Result<()> {
        let read = self.stream.by_ref().take(length).read_to_end(body)?;
        if read as u64 == length {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} is broken"))
}

/// An answer, with every header line in the order it came.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names in lower case; values as latin-1 text, one character for each byte.
    pub headers: Vec<(String, String)>,
    /// The body, without its framing.
    pub body: Vec<u8>,
}

impl Response {
    /// Every value of a header; the name in lower case.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let lines = self.headers.iter().filter(|(key, _)| key == name);
        lines.map(|(_, value)| value.as_str()).collect()
    }

    /// The value of a header that is there once or not at all.
    ///
    /// # Panics
    ///
    /// When the header was sent twice.
    pub fn header(&self, name: &str) -> Option<&str> {
        let values = self.all(name);
        assert!(values.len() < 2, "{name} is there twice: {self:?}");
        values.first().copied()
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }
}
