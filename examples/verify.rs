//! Why is this token refused?
//!
//! Reads one token a line and says of each `accept SUBJECT` or `reject KIND`. Exits with 0 when all
//! were accepted, 1 when any was refused, 2 on bad flags or keys.
//!
//! ```sh
//! cargo run -p auth-examples --example verify -- \
//!     --issuer https://issuer.example --audience api --jwks keys.json < tokens
//! cargo run -p auth-examples --example verify -- \
//!     --issuer https://issuer.example --audience api --jwks keys.json explain eyJ…
//! ```

use std::{
    error::Error,
    fs,
    io::{self, BufRead, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use auth_layers::{
    ManualClock, Timestamp,
    jwt::{Algorithm, KeySet, Verifier},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Why is this token refused?
#[derive(Parser)]
#[command(name = "verify", version)]
struct Cli {
    /// The `iss` that tokens must have
    #[arg(long)]
    issuer: String,

    /// The `aud` that tokens must name
    #[arg(long)]
    audience: String,

    #[command(flatten)]
    keys: Keys,

    /// Also take tokens of this type, or of none
    #[arg(long, value_name = "TYP")]
    accept_typ: Option<Typ>,

    /// How far clocks may differ, such as 30s; at most 60s
    #[arg(long, value_name = "DUR", value_parser = humantime::parse_duration)]
    leeway: Option<Duration>,

    /// What time it is, in seconds since 1970 [default: now]
    #[arg(long, value_name = "UNIX")]
    now: Option<u64>,

    /// Require `jti` and `iat`, as every check against a store does
    #[arg(long)]
    require_jti: bool,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Keys {
    /// The issuer's public keys, a JWK set
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,

    /// A secret for HS256, the bytes of this file without a line end
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "verbatim")]
enum Typ {
    #[allow(clippy::upper_case_acronyms)]
    JWT,
}

#[derive(Subcommand)]
enum Command {
    /// Shows what a token says, unverified, and then the verdict
    Explain {
        /// The token
        token: String,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("verify: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether all were accepted.
fn run(cli: &Cli) -> Result<bool, Box<dyn Error>> {
    let verifier = verifier(cli)?;
    let mut out = io::stdout().lock();
    if let Some(Command::Explain { token }) = &cli.command {
        explain(token, &mut out)?;
        return verdict(&verifier, token.as_bytes(), &mut out);
    }
    let mut all = true;
    // A line is bytes: a token need not be text.
    for line in io::stdin().lock().split(b'\n') {
        all &= verdict(&verifier, &line?, &mut out)?;
    }
    Ok(all)
}

fn verdict(
    verifier: &Verifier,
    token: &[u8],
    out: &mut impl Write,
) -> Result<bool, Box<dyn Error>> {
    let verified = verifier.verify(token);
    match &verified {
        Ok(verified) => writeln!(out, "accept {}", verified.subject().escape_debug())?,
        Err(why) => writeln!(out, "reject {}", why.as_str())?,
    }
    Ok(verified.is_ok())
}

fn explain(token: &str, out: &mut impl Write) -> io::Result<()> {
    let mut parts = token.split('.');
    for name in ["header", "claims"] {
        let decoded = parts
            .next()
            .and_then(|part| URL_SAFE_NO_PAD.decode(part).ok())
            .and_then(|json| serde_json::from_slice::<serde_json::Value>(&json).ok());
        match decoded {
            Some(json) => writeln!(out, "{name} (unverified): {}", printable(&json))?,
            None => writeln!(out, "{name} (unverified): can not be read")?,
        }
    }
    Ok(())
}

/// As JSON, with escapes for what would do something to a terminal, or hide: whoever wrote it is not known.
fn printable(json: &serde_json::Value) -> String {
    let mut shown = String::new();
    for c in format!("{json:#}").chars() {
        let is_plain = matches!(c, '\n' | '"' | '\\') || c.escape_debug().len() == 1;
        if is_plain {
            shown.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            shown += &format!("\\u{unit:04x}");
        }
    }
    shown
}

fn verifier(cli: &Cli) -> Result<Verifier, Box<dyn Error>> {
    let keys = match (&cli.keys.jwks, &cli.keys.secret_file) {
        (Some(file), _) => KeySet::builder().jwks(&String::from_utf8(read(file)?)?),
        (None, Some(file)) => {
            let bytes = read(file)?;
            let secret = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
            let secret = secret.strip_suffix(b"\r").unwrap_or(secret);
            KeySet::builder().secret_without_kid(Algorithm::Hs256, secret)
        }
        (None, None) => KeySet::builder(),
    };
    let mut verifier = Verifier::builder(&cli.issuer, &cli.audience, keys.build()?);
    if let Some(Typ::JWT) = cli.accept_typ {
        verifier = verifier.accept_typ_jwt();
    }
    if let Some(leeway) = cli.leeway {
        verifier = verifier.leeway(leeway);
    }
    if let Some(now) = cli.now {
        verifier = verifier.clock(ManualClock::new(Timestamp::from_secs(now)));
    }
    if cli.require_jti {
        verifier = verifier.require_token_id();
    }
    Ok(verifier.build()?)
}

fn read(file: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    fs::read(file).map_err(|error| format!("{}: {error}", file.display()).into())
}
