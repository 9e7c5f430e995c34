//! Runs parts of the benchmarks and writes `RESULTS.md`.

use std::{env, path::PathBuf, process::ExitCode};

use auth_benches::{curve, memory, paths, redis, report::Section, results, server, sockets};

fn main() -> ExitCode {
    let mut parts: Vec<String> = env::args().skip(1).collect();
    if let [serve, kind, redis] = &parts[..]
        && serve == "serve"
    {
        server::run(kind, redis);
    }
    let large = parts.iter().any(|arg| arg == "--large");
    parts.retain(|arg| arg != "--large");
    if parts.is_empty() {
        parts = results::PARTS.map(str::to_owned).to_vec();
    }
    let benches = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let exe = env::current_exe().expect("it has a path");
    // Beside the programs, in the target folder.
    let found = exe.with_file_name("auth-benches-found");
    for part in &parts {
        let before = results::load();
        let mut section: Section = match part.as_str() {
            "paths" => paths::run(),
            "curve" => curve::run(large, &benches.join("plots")),
            "memory" => memory::run(),
            "sockets" => sockets::run(),
            "redis" => redis::run(),
            _ => {
                eprintln!("parts: {}", results::PARTS.join(" "));
                return ExitCode::FAILURE;
            }
        };
        section.load = format!("{before} before, {} after", results::load());
        println!("## {}\n\n{}", section.title, section.text);
        results::save(&found, part, &section);
    }
    results::write(
        &found,
        &benches.join("RESULTS.md"),
        &benches.join("NOTES.md"),
    );
    ExitCode::SUCCESS
}
