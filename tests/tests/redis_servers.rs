//! What the other tests take for granted about the Redis servers that they drive.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use auth_tests::{Broken, Line, Proxy, Redis, RedisCluster, RedisSentinels};

#[test]
fn a_server_has_after_a_restart_what_its_options_say() {
    let rows: [(&str, &[&str], bool, &str); 3] = [
        ("nothing", &[], false, ""),
        ("all of it, from its log", Redis::APPEND_ONLY, false, "new"),
        ("what was saved", &[], true, "old"),
    ];
    for (row, options, saves, kept) in rows {
        let mut redis = Redis::start(options);
        redis.cli(&["SET", "key", "old"]);
        if saves {
            redis.cli(&["SAVE"]);
        }
        redis.cli(&["SET", "key", "new"]);
        redis.kill();
        redis.restart();
        assert_eq!(redis.cli(&["GET", "key"]), kept, "{row}");
        redis.kill();
        redis.forget();
        redis.restart();
        assert_eq!(redis.cli(&["GET", "key"]), "", "{row}");
    }
}

#[test]
fn a_clock_stands_until_it_is_moved() {
    let redis = Redis::with_clock_that_stands();
    let time = || -> u64 {
        let time = redis.cli(&["TIME"]);
        let mut parts = time
            .lines()
            .map(|part| part.parse::<u64>().expect("a number"));
        let (seconds, micros) = (parts.next().expect("s"), parts.next().expect("µs"));
        seconds * 1_000 + micros / 1_000
    };
    let start = redis.clock();
    assert_eq!((time(), time()), (start, start));
    redis.advance(Duration::from_secs(86_400));
    assert_eq!(time(), start + 86_400_000);
    redis.set_clock(start - 1);
    assert_eq!(time(), start - 1);
}

#[test]
fn a_cluster_sends_clients_on_and_replaces_a_master_that_dies() {
    let mut cluster = RedisCluster::start(&[]);
    let slot = cluster.slot_of("key");
    let master = cluster.master_of(slot);
    let (other, replica) = ((master + 1) % 3, cluster.replica_of(master));
    assert!(replica >= 3);
    cluster.nodes[master].cli(&["SET", "key", "value"]);
    let moved = cluster.nodes[other].try_cli(&["GET", "key"]);
    let address = cluster.nodes[master].address();
    assert_eq!(moved, Err(format!("MOVED {slot} {address}")));

    // In good order, and back by the death of the new master.
    assert_eq!(cluster.hand_over(master), replica);
    assert_eq!(cluster.master_of(slot), replica);
    assert_eq!(cluster.nodes[replica].cli(&["GET", "key"]), "value");
    assert_eq!(cluster.fail_over(replica), master);
    assert_eq!(cluster.nodes[master].cli(&["GET", "key"]), "value");
    assert!(cluster.nodes[master].cli(&["ROLE"]).starts_with("master"));
    // Who comes back is a replica.
    cluster.nodes[replica].restart();
    cluster.wait();
    assert!(cluster.nodes[replica].cli(&["ROLE"]).starts_with("slave"));
}

#[test]
fn slots_move_to_a_new_master_step_by_step() {
    let mut cluster = RedisCluster::start(&[]);
    let slot = cluster.slot_of("{key}");
    let old = cluster.master_of(slot);
    let keys = ["{key}1", "{key}2"].map(str::to_owned);
    for key in &keys {
        cluster.nodes[old].cli(&["SET", key, "value"]);
    }
    let new = cluster.add_master();
    assert_eq!(new, 6);
    let migration = cluster.migrate(vec![slot], old, new);
    let mut left = migration.keys();
    left.sort();
    assert_eq!(left, keys);
    migration.move_keys(&keys[..1]);
    assert_eq!(migration.keys(), keys[1..]);
    let get = |n: usize, key: &str| cluster.nodes[n].try_cli(&["GET", key]);
    let address = cluster.nodes[new].address();
    assert_eq!(get(old, &keys[0]), Err(format!("ASK {slot} {address}")));
    assert_eq!(get(old, &keys[1]), Ok("value".to_owned()));
    let both = cluster.nodes[old].try_cli(&["MGET", &keys[0], &keys[1]]);
    assert!(both.is_err_and(|error| error.starts_with("TRYAGAIN")));
    migration.finish();
    assert_eq!(get(new, &keys[0]), Ok("value".to_owned()));
    assert_eq!(get(old, &keys[0]), Err(format!("MOVED {slot} {address}")));
    cluster.wait();
    assert_eq!(cluster.master_of(slot), new);
}

#[test]
fn sentinels_name_another_master_when_theirs_dies() {
    let mut sentinels = RedisSentinels::start(&[]);
    assert_eq!(sentinels.master(), 0);
    sentinels.servers[0].cli(&["SET", "key", "value"]);
    let second = sentinels.hand_over();
    assert_ne!(second, 0);
    sentinels.wait();
    assert!(sentinels.servers[0].cli(&["ROLE"]).starts_with("slave"));
    let third = sentinels.fail_over();
    assert_ne!(third, second);
    assert_eq!(sentinels.servers[third].cli(&["GET", "key"]), "value");
    // Who comes back, as a master that has nothing, is made a replica.
    sentinels.servers[second].restart();
    sentinels.wait();
    assert_eq!(sentinels.master(), third);
    assert_eq!(sentinels.servers[second].cli(&["GET", "key"]), "value");
}

#[test]
fn clocks_that_stand_disturb_neither_clusters_nor_sentinels() {
    let cluster = RedisCluster::with_clock_that_stands();
    let sentinels = RedisSentinels::with_clock_that_stands();
    for _ in 0..3 {
        let day = Duration::from_secs(86_400);
        cluster.advance(day);
        sentinels.servers[0].advance(day);
        for master in &cluster.nodes[..3] {
            let role = master.cli(&["ROLE"]);
            assert!(role.starts_with("master"), "{role}");
        }
        cluster.wait();
        sentinels.wait();
        assert_eq!(sentinels.master(), 0);
    }
}

/// One command over a connection: what is answered within a while.
fn say(stream: &mut TcpStream, command: &str) -> io::Result<String> {
    stream.set_read_timeout(Some(Duration::from_millis(300)))?;
    stream.write_all(format!("{command}\r\n").as_bytes())?;
    hear(stream)
}

fn hear(stream: &mut TcpStream) -> io::Result<String> {
    let mut answer = [0; 256];
    let length = stream.read(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
}

fn is_late(answer: &io::Result<String>) -> bool {
    let kinds = [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut];
    answer
        .as_ref()
        .is_err_and(|error| kinds.contains(&error.kind()))
}

fn is_closed(answer: &io::Result<String>) -> bool {
    answer.as_ref().map_or(true, String::is_empty) && !is_late(answer)
}

fn connect(proxy: SocketAddr) -> TcpStream {
    TcpStream::connect(proxy).expect("it listens")
}

#[test]
fn a_line_stalls_and_goes_on_without_a_loss() {
    let redis = Redis::start(&[]);
    let proxy = Proxy::to(redis.address());
    let mut line = connect(proxy.address());
    assert_eq!(say(&mut line, "INCR n").expect("it passes"), ":1\r\n");

    proxy.set(Line::Stall);
    assert!(is_late(&say(&mut line, "INCR n")));
    assert_eq!(redis.cli(&["GET", "n"]), "1");
    proxy.set(Line::StallReplies);
    assert!(is_late(&hear(&mut line)));
    assert_eq!(redis.cli(&["GET", "n"]), "2");
    proxy.set(Line::Slow(Duration::from_millis(1)));
    assert_eq!(hear(&mut line).expect("it passes"), ":2\r\n");

    proxy.set(Line::Refuse);
    assert_eq!(say(&mut line, "INCR n").expect("it is there"), ":3\r\n");
    assert!(is_closed(&say(&mut connect(proxy.address()), "INCR n")));
    proxy.set(Line::Pass);
    proxy.cut();
    assert!(is_closed(&say(&mut line, "INCR n")));
    let mut line = connect(proxy.address());
    assert_eq!(say(&mut line, "INCR n").expect("it passes"), ":4\r\n");
}

#[test]
fn a_reply_is_broken_after_its_command_was_executed() {
    let redis = Redis::start(&[]);
    let proxy = Proxy::to(redis.address());
    let rows = [
        (Broken::Lost, ""),
        (Broken::Half, "$4\r\nz"),
        (
            Broken::Garbage,
            "HTTP/1.1 400 Bad Request\r\n\r\n\0\u{fffd}",
        ),
        (Broken::Huge, "*3\r\n$999999999\r\nabc"),
    ];
    for (n, (how, heard)) in rows.into_iter().enumerate() {
        let mut line = connect(proxy.address());
        proxy.break_reply_to("GETSET", how);
        redis.cli(&["SET", "key", "zero"]);
        assert_eq!(say(&mut line, "PING").expect("it passes"), "+PONG\r\n");
        let answer = say(&mut line, "GETSET key one");
        assert_eq!(answer.unwrap_or_default(), heard, "{how:?}");
        assert!(is_closed(&hear(&mut line)), "{how:?}");
        assert_eq!(redis.cli(&["GET", "key"]), "one", "{how:?}");
        assert_eq!(proxy.broken(), n + 1, "{how:?}");
    }
}
