//! What the other tests take for granted about their tools.

use std::{
    env,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::Command,
    thread::{self, JoinHandle},
};

use auth_tests::{Connection, Curl, Program, Request};

/// Answers one request after the other on connections of their own, and returns what was sent.
fn answering(answers: Vec<&'static [u8]>) -> (SocketAddr, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let serving = thread::spawn(move || {
        let answer = |answer: &&[u8]| {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).expect("a request");
            stream.write_all(answer).expect("the client reads");
            request[..length].iter().map(|&b| char::from(b)).collect()
        };
        answers.iter().map(answer).collect()
    });
    (address, serving)
}

#[test]
fn curl_keeps_a_host_cookie_over_plain_http_to_loopback() {
    let (server, serving) = answering(vec![
        b"HTTP/1.1 204 No Content\r\nset-cookie: __Host-sid=abc; Path=/; Secure; HttpOnly\r\nconnection: close\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nset-cookie: __Host-sid=; Path=/; Secure; Max-Age=0\r\nconnection: close\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n",
    ]);
    let curl = Curl::default();
    for _ in 0..3 {
        curl.run([format!("http://{server}/")]);
    }
    let requests = serving.join().expect("three requests");
    let sent = requests
        .iter()
        .map(|request| request.contains("Cookie: __Host-sid=abc\r\n"));
    assert_eq!(sent.collect::<Vec<_>>(), [false, true, false]);
    assert!(!curl.jar().contains("__Host-sid"));
}

#[test]
fn requests_and_answers_keep_every_byte() {
    let (server, serving) = answering(vec![
        b"HTTP/1.1 401 Unauthorized\r\nSet-Cookie: a=1\r\nset-cookie: b=\xff\r\ncontent-length: 2\r\n\r\nno",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\nB\r\n and a half\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\ncut",
    ]);
    let request = Request::get("/")
        .header("cookie", "a=1")
        .header("Cookie", b"b=\xff\t");
    let refused = request.send(server);
    assert_eq!((refused.status, refused.text()), (401, "no"));
    assert_eq!(refused.all("set-cookie"), ["a=1", "b=\u{ff}"]);

    assert_eq!(
        Request::post("/").body("x").send(server).text(),
        "one and a half"
    );
    let cut = Connection::open(server).and_then(|mut connection| connection.send(&request));
    assert!(cut.is_err());

    let requests = serving.join().expect("three requests");
    assert_eq!(
        requests[0],
        format!("GET / HTTP/1.1\r\ncookie: a=1\r\nCookie: b=\u{ff}\t\r\nhost: {server}\r\n\r\n")
    );
    assert!(requests[1].ends_with("\r\ncontent-length: 1\r\n\r\nx"));
}

#[test]
fn a_program_is_found_by_its_lines_and_killed_on_drop() {
    let python = env::var_os("AUTH_TEST_PYTHON").expect("run tests/run");
    let program = Program::spawn(Command::new(python).args([
        "-uc",
        "
import sys, time
print('warming up', file=sys.stderr)
print('listening on http://127.0.0.1:3000')
time.sleep(0.1)
print('listening on grpc://[::1]:3001')
time.sleep(60)",
    ]));
    assert_eq!(program.http(), SocketAddr::from(([127, 0, 0, 1], 3000)));
    assert_eq!(program.grpc().to_string(), "[::1]:3001");
    assert!(program.output().contains("warming up\n"));

    let process = format!("/proc/{}", program.id());
    assert!(Path::new(&process).exists() || !Path::new("/proc").exists());
    drop(program);
    assert!(!Path::new(&process).exists());
}

#[test]
#[should_panic = "ended and did not print"]
fn a_program_that_ends_at_once_fails_the_test() {
    let python = env::var_os("AUTH_TEST_PYTHON").expect("run tests/run");
    Program::spawn(Command::new(python).args(["-c", "raise SystemExit('bad option')"]));
}
