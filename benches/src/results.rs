//! `RESULTS.md`: all parts together.

use std::{fmt::Write as _, fs, path::Path, process::Command, thread};

use crate::report::Section;

/// The parts, in the order they are told in.
pub const PARTS: [&str; 5] = ["paths", "curve", "memory", "sockets", "redis"];

/// The peers whose versions are told.
const PEERS: [&str; 12] = [
    "axum",
    "tower-sessions",
    "tower-sessions-redis-store",
    "axum-login",
    "axum_session",
    "axum-jwt-auth",
    "tower-oauth2-resource-server",
    "jwt-authorizer",
    "jsonwebtoken",
    "moka",
    "aws-lc-rs",
    "fred",
];

/// Keeps what a part found until [`write`] puts it beside the others.
pub fn save(folder: &Path, part: &str, section: &Section) {
    fs::create_dir_all(folder).expect("the target folder can be written");
    let json = serde_json::to_string_pretty(section).expect("it is only text");
    fs::write(folder.join(part).with_extension("json"), json).expect("it can be written");
}

/// The load averages now.
pub fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// Writes `RESULTS.md` of what the parts have kept. `notes` is what people wrote about it.
pub fn write(folder: &Path, to: &Path, notes: &Path) {
    let sections: Vec<(&str, Option<Section>)> = PARTS
        .iter()
        .map(|part| {
            let json = fs::read_to_string(folder.join(part).with_extension("json")).ok();
            (
                *part,
                json.and_then(|json| serde_json::from_str(&json).ok()),
            )
        })
        .collect();

    let mut text = String::from("# Results\n\n");
    text.push_str("Written by `benches/run`; see `benches/src` for what is done and how.\n\n");
    let _ = writeln!(text, "- Machine: {}", machine());
    let _ = writeln!(text, "- Date: {}", said_by("date", &["-u", "+%F"]));
    let _ = writeln!(
        text,
        "- {}, release, thin LTO",
        said_by("rustc", &["--version"])
    );
    let _ = writeln!(text, "- {}", server_version());
    let versions: Vec<String> = PEERS.iter().map(|name| versions(name)).collect();
    let _ = writeln!(text, "- Beside: {}", versions.join(", "));
    for (part, section) in &sections {
        match section {
            Some(section) => {
                let _ = writeln!(
                    text,
                    "- Load averages (1 min, 5 min) around `{part}`: {}",
                    section.load
                );
            }
            None => {
                let _ = writeln!(text, "- `{part}` was not run");
            }
        }
    }

    text.push_str("\n## Budgets\n\n| what | budget | measured | |\n|---|---|---|---|\n");
    let found = || sections.iter().filter_map(|(_, section)| section.as_ref());
    for budget in found().flat_map(|section| &section.budgets) {
        let met = if budget.met { "met" } else { "**not met**" };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {met} |",
            budget.what,
            budget.limit.trim(),
            budget.figure.trim()
        );
    }
    text.push('\n');
    if let Ok(notes) = fs::read_to_string(notes) {
        text.push_str(&notes);
        text.push('\n');
    }
    for section in found() {
        let _ = writeln!(text, "## {}\n\n{}", section.title, section.text);
    }
    let text = text.trim_end().to_owned() + "\n";
    fs::write(to, text).expect("it can be written");
}

fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model
        .and_then(|rest| rest.split_once(": "))
        .map_or("unknown", |(_, model)| model);
    let cores = thread::available_parallelism().map_or(0, usize::from);
    format!("{cores} cores of {model}")
}

fn server_version() -> String {
    let said = said_by("redis-server", &["--version"]);
    let version = said.split(' ').find(|word| word.starts_with("v="));
    format!(
        "redis-server {}",
        version.map_or("?", |version| &version[2..])
    )
}

fn said_by(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let output = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    output.unwrap_or_else(|_| format!("{program}: unknown"))
}

/// All versions of a package in the lock file.
fn versions(name: &str) -> String {
    let lock = include_str!("../Cargo.lock");
    let head = format!("name = \"{name}\"\nversion = \"");
    let found: Vec<&str> = lock
        .split(&head)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    format!("{name} {}", found.join(" and "))
}
