//! What the README, SECURITY.md and the guides say: links lead somewhere, tests that are named
//! exist, every chapter's Rust is compiled, and shell commands do what is written beside them.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
};

use auth_tests::{Program, repository, sources};
use serde_json::Value;

/// The files that are written for people, from the root of the repository.
fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = [
        "README.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ]
    .map(PathBuf::from)
    .into();
    pages.push("examples/README.md".into());
    pages.extend(chapters());
    pages
}

fn chapters() -> Vec<PathBuf> {
    let folder = fs::read_dir(repository().join("docs/src")).expect("the guides are there");
    let name = |entry: fs::DirEntry| Path::new("docs/src").join(entry.file_name());
    let mut chapters: Vec<_> = folder.map(|entry| name(entry.expect("readable"))).collect();
    chapters.retain(|chapter| {
        chapter
            .extension()
            .is_some_and(|extension| extension == "md")
    });
    chapters.sort();
    chapters
}

fn read(page: &Path) -> String {
    let text = fs::read_to_string(repository().join(page));
    text.unwrap_or_else(|error| panic!("{}: {error}", page.display()))
}

/// The text without what is inside of code fences.
fn prose(text: &str) -> String {
    let mut is_code = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// How a heading is named in links to it.
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = heading.chars().filter_map(|c| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
        _ => None,
    });
    kept.collect()
}

fn has_anchor(page: &Path, wanted: &str) -> bool {
    let text = prose(&read(page));
    let mut headings = text.lines().filter(|line| line.starts_with('#'));
    headings.any(|heading| anchor(heading) == wanted)
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = prose(&read(&page));
        let targets = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
            .filter(|target| !target.starts_with("http"));
        for target in targets {
            let (file, wanted) = target.split_once('#').unwrap_or((target, ""));
            let folder = page.parent().expect("a file lies somewhere");
            let there = match file {
                "" => page.clone(),
                file => folder.join(file),
            };
            let leads = repository().join(&there).exists()
                && (wanted.is_empty() || has_anchor(&there, wanted));
            if !leads {
                broken.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_chapter_is_in_the_summary_and_its_code_is_compiled() {
    let summary = read(Path::new("docs/src/SUMMARY.md"));
    let compiled = read(Path::new("examples/src/guides.rs"));
    for chapter in chapters() {
        let name = chapter.file_name().expect("a file").to_string_lossy();
        if name == "SUMMARY.md" {
            continue;
        }
        assert!(summary.contains(&format!("({name})")), "{name}");
        if read(&chapter).contains("```rust") {
            assert!(compiled.contains(&format!("docs/src/{name}\"")), "{name}");
        }
    }
}

/// Their tests drive them; the guides show what was driven.
#[test]
fn migration_guides_show_the_applications_that_are_tested() {
    let pairs = [
        ("from-tower-sessions", "tower-sessions", "tower_sessions"),
        ("from-tower-sessions", "axum-login", "axum_login"),
        ("from-jwt-authorizer", "jwt-authorizer", "jwt_authorizer"),
        ("from-jsonwebtoken", "jsonwebtoken", "jsonwebtoken"),
    ];
    for (guide, before, after) in pairs {
        let text = read(Path::new(&format!("docs/src/{guide}.md")));
        let blocks = [
            ("rust,ignore", format!("before/{before}/lib.rs")),
            ("rust", format!("after/{after}.rs")),
        ];
        for (kind, file) in blocks {
            let code = read(&Path::new("examples/apart").join(&file));
            let block = format!("```{kind}\n{code}```\n");
            assert!(text.contains(&block), "{guide} does not show {file}");
        }
    }
}

/// A cell that nobody looked at says so to nobody: the reader takes it for a "no".
#[test]
fn every_cell_of_the_comparison_says_something() {
    let text = read(Path::new("README.md"));
    let section = text.split("\n## ").find(|part| part.starts_with("Beside"));
    let rows = section.expect("the comparison").lines();
    let rows: Vec<_> = rows.filter(|row| row.starts_with("| ")).collect();
    assert!(rows.len() > 20, "{rows:#?}");
    for row in rows {
        let mut cells = row.trim_matches('|').split('|');
        assert!(cells.all(|cell| !cell.trim().is_empty()), "{row}");
    }
}

/// What whoever opens a crate's documentation finds in it.
#[test]
fn every_crates_first_page_has_the_same_parts() {
    let manifests = fs::read_dir(repository().join("crates")).expect("the crates are there");
    let names: Vec<_> = manifests
        .map(|entry| entry.expect("readable").file_name())
        .collect();
    assert!(names.len() >= 6, "{names:?}");
    for name in names {
        let name = name.to_string_lossy();
        let source = read(&Path::new("crates").join(&*name).join("src/lib.rs"));
        let page: Vec<_> = source
            .lines()
            .filter_map(|line| line.strip_prefix("//! "))
            .collect();
        let parts: [&[&str]; 4] = [
            &[
                "# How it decides",
                "# The rules",
                "# What is checked, in this order",
            ],
            &["# What to know before deploying it"],
            &["# Cancel safety"],
            &["# Features"],
        ];
        for part in parts {
            let is_there = part.iter().any(|heading| page.contains(heading));
            assert!(is_there, "{name} has none of {part:?}");
        }
        assert!(page.iter().any(|line| line.starts_with("```")), "{name}");
    }
}

/// A panel of what is not counted would stay empty for ever.
#[test]
fn the_dashboard_shows_counters_that_there_are() {
    let dashboard = read(Path::new("docs/src/grafana.json"));
    let guide = read(Path::new("docs/src/observability.md"));
    let source = read(Path::new("crates/auth-core/src/event/metrics.rs"));
    let words = |text: &str| -> BTreeSet<String> {
        let is_part = |c: char| c.is_ascii_lowercase() || c == '_';
        let words = text.split(|c| !is_part(c)).map(str::to_owned);
        words
            .filter(|word| word.starts_with("auth_") && word.ends_with("_total"))
            .collect()
    };
    let counted = words(&source);
    assert!(counted.len() >= 12, "{counted:?}");
    assert_eq!(words(&dashboard), counted);
    assert_eq!(words(&guide), counted);
    let dashboard: Value = serde_json::from_str(&dashboard).expect("the dashboard is JSON");
    assert!(dashboard["panels"].is_array());
}

/// Names in backticks in the last column of the tables under a heading that begins so.
fn named_tests(page: &str, heading: &str) -> BTreeSet<String> {
    let text = read(Path::new(page));
    let section = text.split("\n## ").find(|part| part.starts_with(heading));
    let section = section.unwrap_or_else(|| panic!("{page} has a section {heading:?}"));
    let rows = section.lines().filter(|line| line.starts_with("| "));
    let cells = rows.filter_map(|row| row.trim_end_matches(" |").rsplit(" | ").next());
    let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.map(str::to_owned).collect()
}

#[test]
fn tests_that_are_named_as_proofs_exist() {
    let source = sources();
    let places = [
        ("README.md", "What holds"),
        ("SECURITY.md", "What is defended"),
    ];
    for (page, heading) in places {
        let names = named_tests(page, heading);
        assert!(names.len() >= 10, "{page}: {names:?}");
        for name in names {
            assert!(
                source.contains(&format!("fn {name}(")),
                "{page} names {name}, which is no test"
            );
        }
    }
}

/// The `sh,demo` blocks of a chapter as one script. What a command prints has to contain what the
/// line after it, `#=> …`, says.
fn script(text: &str) -> String {
    let mut script = String::from(
        "expect() { case \"$2\" in *\"$1\"*) ;; *) echo \"wanted $1, got: $2\" >&2; exit 1;; esac; }\n",
    );
    let mut command = String::new();
    let mut is_demo = false;
    for line in text.lines() {
        if line.starts_with("```") {
            script.push_str(&command);
            command.clear();
            is_demo = line == "```sh,demo";
        } else if is_demo && let Some(wanted) = line.strip_prefix("#=> ") {
            assert!(!wanted.contains('\''), "quotes are not understood: {line}");
            script.push_str(&format!("got=$({command})\nexpect '{wanted}' \"$got\"\n"));
            command.clear();
        } else if is_demo {
            if !command.ends_with("\\\n") {
                script.push_str(&command);
                command.clear();
            }
            command.push_str(line);
            command.push('\n');
        }
    }
    script
}

#[test]
fn shell_commands_of_the_guides_do_what_they_say() {
    let mut tried = 0;
    for chapter in chapters() {
        let text = read(&chapter);
        if !text.contains("```sh,demo") {
            continue;
        }
        tried += 1;
        let demo = Program::start("demo", ["--listen", "127.0.0.1:0"]);
        let url = format!("http://{}", demo.http());
        let script = script(&text).replace("http://127.0.0.1:3000", &url);
        let folder = env::temp_dir().join(format!("auth-guides-{}-{tried}", process::id()));
        fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &script])
            .env("no_proxy", "*")
            .current_dir(&folder)
            .output()
            .expect("bash is there");
        let _ = fs::remove_dir_all(&folder);
        assert!(
            output.status.success(),
            "{}: {}\n{script}",
            chapter.display(),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert!(tried >= 3, "{tried} chapters have commands to try");
}
