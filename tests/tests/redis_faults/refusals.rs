//! The server answers that it will not.

use std::{process::Command, thread};

use crate::fault::{After, Fault, Servers, Works};

/// Reads work while it lasts and writes do not, and nothing is lost.
const READ_ONLY: Fault = Fault {
    options: &[],
    begin: |_| {},
    end: |_| {},
    reads: Works::Yes,
    writes: Works::No,
    after: After::Kept,
    garbles: false,
};

/// Nothing works while it lasts, and nothing is lost.
const NOTHING: Fault = Fault {
    reads: Works::No,
    ..READ_ONLY
};

#[tokio::test(flavor = "multi_thread")]
async fn oom_the_memory_is_full() {
    let fault = Fault {
        begin: |servers| servers.set("maxmemory", "1"),
        end: |servers| servers.set("maxmemory", "0"),
        ..READ_ONLY
    };
    fault.drive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn noreplicas_too_few_are_attached() {
    let fault = Fault {
        begin: |servers| servers.set("min-replicas-to-write", "1"),
        end: |servers| servers.set("min-replicas-to-write", "0"),
        ..READ_ONLY
    };
    fault.drive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn misconf_it_can_not_save() {
    fn save_as(servers: &mut Servers, status: &str) {
        servers.cli(&["BGSAVE"]);
        let status = format!("rdb_last_bgsave_status:{status}");
        while !servers
            .redis
            .cli(&["INFO", "persistence"])
            .contains(&status)
        {}
    }
    let fault = Fault {
        options: &["--save", "3600 1", "--enable-protected-configs", "yes"],
        begin: |servers| {
            servers.set("dir", "/proc");
            save_as(servers, "err");
        },
        end: |servers| {
            let folder = servers.redis.folder().display().to_string();
            servers.set("dir", &folder);
            save_as(servers, "ok");
        },
        ..READ_ONLY
    };
    fault.drive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readonly_it_was_made_a_replica() {
    let fault = Fault {
        // Of a master that is not there.
        begin: |servers| servers.cli(&["REPLICAOF", "127.0.0.1", "1"]),
        end: |servers| servers.cli(&["REPLICAOF", "NO", "ONE"]),
        // Until it is noticed.
        reads: Works::Perhaps,
        ..NOTHING
    };
    fault.drive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn masterdown_it_is_a_replica_that_says_nothing_stale() {
    let fault = Fault {
        begin: |servers| {
            servers.set("replica-serve-stale-data", "no");
            servers.cli(&["REPLICAOF", "127.0.0.1", "1"]);
        },
        end: |servers| servers.cli(&["REPLICAOF", "NO", "ONE"]),
        ..NOTHING
    };
    fault.drive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loading_it_reads_its_data() {
    let fault = Fault {
        // So many µs for each of more than a thousand keys.
        options: &[
            "--key-load-delay",
            "5000",
            "--loading-process-events-interval-bytes",
            "1024",
        ],
        begin: |servers| {
            servers.cli(&["SAVE"]);
            servers.redis.kill();
            servers.redis.spawn();
            let is_loading = |said: Result<String, String>| {
                said.is_err_and(|error| error.starts_with("LOADING"))
            };
            while !is_loading(servers.redis.try_cli(&["GET", "key"])) {}
        },
        end: |servers| servers.redis.wait(),
        // It may be done before the last of them gives up.
        writes: Works::Perhaps,
        ..NOTHING
    };
    fault.drive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn busy_a_script_does_not_end() {
    let fault = Fault {
        options: &["--busy-reply-threshold", "10"],
        begin: |servers| {
            let port = servers.redis.port().to_string();
            let mut endless = Command::new("redis-cli");
            endless.args(["-p", &port, "EVAL", "while true do end", "0"]);
            // Until it is killed.
            thread::spawn(move || endless.output());
            let is_busy =
                |said: Result<String, String>| said.is_err_and(|error| error.starts_with("BUSY"));
            while !is_busy(servers.redis.try_cli(&["PING"])) {}
        },
        end: |servers| servers.cli(&["SCRIPT", "KILL"]),
        ..NOTHING
    };
    fault.drive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn noauth_the_password_has_changed() {
    let fault = Fault {
        begin: |servers| {
            servers.set("requirepass", "new");
            servers.proxy.cut();
        },
        end: |servers| {
            let as_user = ["-a", "new", "--no-auth-warning"];
            let set = ["CONFIG", "SET", "requirepass", ""];
            servers.cli(&[as_user.as_slice(), set.as_slice()].concat());
        },
        ..NOTHING
    };
    fault.drive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn noperm_to_read() {
    let fault = Fault {
        begin: |servers| servers.cli(&["ACL", "SETUSER", "default", "-hmget"]),
        end: |servers| servers.cli(&["ACL", "SETUSER", "default", "+@all"]),
        writes: Works::Perhaps,
        ..NOTHING
    };
    fault.drive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn noperm_to_run_scripts() {
    let fault = Fault {
        begin: |servers| servers.cli(&["ACL", "SETUSER", "default", "-eval", "-evalsha"]),
        end: |servers| servers.cli(&["ACL", "SETUSER", "default", "+@all"]),
        ..READ_ONLY
    };
    fault.drive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn noscript_they_were_flushed() {
    let fault = Fault {
        begin: |servers| servers.cli(&["SCRIPT", "FLUSH"]),
        end: |servers| servers.cli(&["SCRIPT", "FLUSH"]),
        writes: Works::Yes,
        ..READ_ONLY
    };
    fault.drive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrongtype_something_else_is_at_the_lanes() {
    fn rename(servers: &Servers, pattern: &str, from: &str, to: &str, then: &str) {
        let script = format!(
            "for _, key in ipairs(redis.call('KEYS', '{pattern}')) do
                 redis.call('RENAME', key, (string.gsub(key, '{from}', '{to}')))
                 {then}
             end"
        );
        servers.cli(&["EVAL", &script, "0"]);
    }
    let fault = Fault {
        begin: |servers| {
            let then = "redis.call('SET', key, 'no hash')";
            rename(servers, "auth:v:*", "auth", "aside", then);
        },
        end: |servers| rename(servers, "aside:v:*", "aside", "auth", ""),
        garbles: true,
        ..NOTHING
    };
    fault.drive().await;
}
