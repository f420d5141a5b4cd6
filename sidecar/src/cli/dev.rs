//! `chaperone dev`.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use chaperone_model::Digest;
use chaperone_policy::ALGORITHMS;
use chaperone_token::Algorithm;
use chaperone_token::sign::SigningKey;
use clap::Subcommand;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::span::signed_seconds;
use super::{Answer, Trouble};
use crate::clock::{Clock, SystemClock};
use crate::idp::{self, KeyRing};

/// A development identity provider and its tokens. Not for production: it gives anybody any token.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the identity provider: discovery, /jwks, POST /rotate for a new key (old ones stay valid).
    Idp(Provider),
    /// Print a token.
    Token(Box<Token>),
}

#[derive(Debug, clap::Args)]
struct Provider {
    /// Address and port to listen on.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8085")]
    listen: SocketAddr,
    /// Directory of the keys; made if need be.
    #[arg(long, value_name = "DIR", env = "CHAPERONE_DEV_KEYS")]
    keys: PathBuf,
    /// What tokens name as their issuer; where nothing is said, the address that it listens on.
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Token {
    /// Who it is.
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    subject: String,
    /// A group; may be repeated.
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// How long it is valid, such as `5m`; negative for one that has expired. Policies allow for clocks that differ
    /// (`leeway`, 30 s by default), so a token lives that much longer.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = signed_seconds, allow_hyphen_values = true)]
    ttl: i64,
    /// One that expired five minutes ago.
    #[arg(long, conflicts_with = "ttl")]
    expired: bool,
    /// Whom it is for; may be repeated.
    #[arg(long = "audience", value_name = "AUDIENCE", default_value = "chaperone")]
    audiences: Vec<String>,
    /// Who says so.
    #[arg(long, value_name = "URL", env = "CHAPERONE_DEV_IDP")]
    issuer: String,
    /// Directory of the keys.
    #[arg(long, value_name = "DIR", env = "CHAPERONE_DEV_KEYS")]
    keys: PathBuf,
    /// Signature algorithm, such as ES256, RS256, PS256, EdDSA; where nothing is said, that of the newest key.
    #[arg(long, value_name = "NAME", value_parser = algorithm)]
    algorithm: Option<Algorithm>,
    /// One more claim, its value in JSON; may be repeated.
    #[arg(long = "claim", value_name = "NAME=JSON", value_parser = claim)]
    claims: Vec<(String, Value)>,
    /// Sign with a key that the provider does not have, under the name of one that it has.
    #[arg(long)]
    forged: bool,
}

pub(super) fn run(args: &Args, out: &mut impl Write) -> Result<Answer, Trouble> {
    match &args.command {
        Command::Idp(provider) => {
            idp::run(provider.listen, provider.keys.clone(), provider.issuer.clone())?;
        }
        Command::Token(args) => writeln!(out, "{}", token(args)?)?,
    }
    Ok(Answer::Yes)
}

fn token(args: &Token) -> Result<String, Trouble> {
    let other = |error: &dyn std::fmt::Display| Trouble::Other(error.to_string());
    // A ring of its own would make tokens that nobody trusts.
    if !args.keys.is_dir() {
        let keys = args.keys.display();
        return Err(other(&format!(
            "`{keys}` is no directory of keys; `chaperone dev idp --keys {keys}` makes it"
        )));
    }
    let ring = KeyRing::open(&args.keys).map_err(|error| other(&error))?;
    let key = ring.signing(args.algorithm).map_err(|error| other(&error))?;
    let claims = claims(args);
    if !args.forged {
        return key.sign(&claims).map_err(|error| other(&error));
    }
    let stranger = SigningKey::generate(key.algorithm()).map_err(|error| other(&error))?;
    let header = json!({ "alg": key.algorithm().name(), "kid": key.key_id(), "typ": "JWT" });
    stranger
        .sign_parts(header.to_string().as_bytes(), claims.to_string().as_bytes())
        .map_err(|error| other(&error))
}

fn claims(args: &Token) -> Value {
    let now = i64::try_from(SystemClock.now().seconds()).unwrap_or(i64::MAX);
    let expires = now.saturating_add(if args.expired { -300 } else { args.ttl });
    // One that has expired was once valid: it began before it ended.
    let begins = now.min(expires.saturating_sub(300));
    let begins = if expires > now { now } else { begins };
    let audience = match args.audiences.as_slice() {
        [one] => json!(one),
        many => json!(many),
    };
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), json!(args.issuer));
    claims.insert("sub".to_owned(), json!(args.subject));
    claims.insert("aud".to_owned(), audience);
    claims.insert("groups".to_owned(), json!(args.groups));
    claims.insert("iat".to_owned(), json!(begins));
    claims.insert("nbf".to_owned(), json!(begins));
    claims.insert("exp".to_owned(), json!(expires));
    claims.insert("jti".to_owned(), json!(unique()));
    claims.extend(args.claims.iter().cloned());
    Value::Object(claims)
}

/// Different for each token; a development token's id need not be unguessable.
fn unique() -> String {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let text = format!("{now} {} {}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    Digest(Sha256::digest(text).into()).to_hex().chars().take(32).collect()
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    let known = Algorithm::from_name(name).filter(|known| ALGORITHMS.contains(&known.name()));
    known.ok_or_else(|| format!("it must be one that a policy can accept: {}", ALGORITHMS.join(", ")))
}

fn claim(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=JSON")?;
    let value = serde_json::from_str(value).map_err(|error| format!("the value is not JSON: {error}"))?;
    Ok((name.to_owned(), value))
}
