//! The stack in the background: `make up`, `make status`, `make down`.

mod recorded;
mod settings;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::chaperone;
use crate::error::Error;
use crate::options::{Chain, Policy, StackOptions};
use crate::part::Lifetime;
use crate::programs::Programs;
use crate::psql;
use crate::rundir::{replace, replace_secret};
use crate::stack::Stack;
use recorded::{PARTS, end, record, recorded};
use settings::{environment, password_file};

/// The stack's name, hence its run directory.
const NAME: &str = "up";
/// In the run directory: the target's host and port.
const TARGET: &str = "target";
/// In the run directory: the gateway's listeners, a line each.
const LISTENERS: &str = "listeners";
/// In the run directory: a password file for the ways past the filters.
const PASSWORDS: &str = "pgpass";
/// In the run directory: what the settings asked for.
const ASKED: &str = "asked";
const NOTHING_ASKED: &str = "CHAPERONE_POLICY=\nCHAPERONE_UPSTREAM_PG=\n";
/// In the run directory: the policy as it was at the start, where it is a file of that directory.
const ORIGINAL: &str = "policy.original.yaml";

/// Starts the stack in the background and writes `target/run/env`. What runs already goes on.
///
/// # Errors
/// When a part cannot be started, or `CHAPERONE_UPSTREAM_PG` cannot be read.
pub fn up() -> Result<(), Error> {
    let mut options =
        StackOptions { name: NAME.to_owned(), known_ports: true, progress: true, ..StackOptions::default() };
    let runs = runs(&options)?;
    let policy = setting("CHAPERONE_POLICY").map(PathBuf::from).filter(|path| !is_our_copy(path, &runs));
    let upstream = setting("CHAPERONE_UPSTREAM_PG");

    let run = runs.join(NAME);
    let recorded = recorded(&run);
    let (alive, gone): (Vec<_>, Vec<_>) = recorded.iter().partition(|part| part.is_alive());
    if !alive.is_empty() {
        if let Some(part) = gone.first() {
            return Err(Error::Setting(format!(
                "the stack is not whole: {} is gone (its log is target/run/{NAME}/{}.log). `make down` ends the rest, \
                 `make up` starts it anew, without what was recorded so far: copy target/run/{NAME}/sidecar where that is \
                 wanted",
                part.name, part.name
            )));
        }
    }
    if let Some(path) = &policy {
        let earlier = fs::read_to_string(runs.join("env")).unwrap_or_default();
        if earlier.contains(&*path.to_string_lossy()) {
            // Perhaps nobody has chosen it for this run.
            eprintln!(
                "==> the policy is {}, as CHAPERONE_POLICY says, which target/run/env of the run before has set too; \
                 `unset CHAPERONE_POLICY` where another is meant",
                path.display()
            );
        }
    }
    options.policy = policy.map_or(Policy::Shop, Policy::File);
    if let Some(workers) = setting("CHAPERONE_ENVOY_WORKERS") {
        let unread =
            |_| Error::Setting(format!("CHAPERONE_ENVOY_WORKERS cannot be read: `{workers}` is no number"));
        options.concurrency = workers.parse().map_err(unread)?;
    }
    if let Some(text) = upstream {
        let place = |error| Error::Setting(format!("CHAPERONE_UPSTREAM_PG cannot be read: {error}"));
        options.upstream = Some(text.parse().map_err(place)?);
    }
    let asked = asked(&options);
    if !alive.is_empty() {
        let known = fs::read_to_string(run.join(ASKED)).unwrap_or_default();
        // Whoever asks for nothing in particular means the one that runs.
        if known != asked && asked != NOTHING_ASKED {
            return Err(Error::Setting(format!(
                "the stack is up with other settings; end it with `make down` first. It has\n{known}"
            )));
        }
        eprintln!("==> up already; `make status` shows it, `make down` ends it");
        return Ok(());
    }
    // What is wrong with the settings is said before anything is started.
    if let Policy::File(path) = &options.policy {
        chaperone::Policy::read(path)?;
    }
    if let Some(upstream) = &options.upstream {
        psql::log_in(&Programs::find(options.postgres_version)?, upstream, None)
            .map_err(|problem| Error::Setting(format!("CHAPERONE_UPSTREAM_PG: {problem}")))?;
    }
    // One that was not ended by `down`.
    keep_edits(&runs)?;

    let stack = Stack::start_for(options, Lifetime::Background)?;
    let parts = record(&stack)?;
    replace(&run.join(PARTS), &parts)?;
    let direct = Chain::Direct;
    replace(&run.join(TARGET), &format!("{} {}\n", stack.pg_host(direct), stack.pg_port(direct)))?;
    replace(&run.join(LISTENERS), &listeners(&stack))?;
    replace_secret(&run.join(PASSWORDS), &password_file(&stack))?;
    replace_secret(&runs.join("env"), &environment(&stack))?;
    replace(&run.join(ASKED), &asked)?;
    if stack.options.policy_is_ours() {
        replace(&run.join(ORIGINAL), &stack.read_policy()?)?;
    }
    tell(&stack, &runs)?;
    stack.leave_running();
    Ok(())
}

/// Says what runs, and what to do now.
fn tell(stack: &Stack, runs: &Path) -> Result<(), Error> {
    let root = &stack.programs.root;
    let env = short(&runs.join("env"), root);
    let policy = chaperone::Policy::read(stack.policy_path())?;
    let role = policy.role();
    let name = role.map_or("ROLE", |role| &role.name);
    let group = role.and_then(|role| role.groups.first()).map_or("GROUP", String::as_str);
    let login = stack.target_login();
    let direct = Chain::Direct;
    eprintln!("==> up, with the policy {}", short(stack.policy_path(), root));
    eprintln!("    before {} at {}:{}", login.database, stack.pg_host(direct), stack.pg_port(direct));
    eprintln!("    The settings for clients are in {env}:");
    eprintln!("      . {env}");
    eprintln!("      export PGPASSWORD=$(chaperone dev token --subject alice --group {group})");
    eprintln!("      psql -h $CHAPERONE_PG_HOST -p $CHAPERONE_PG_PORT -U {name} {}", login.database);
    let mut warned = false;
    let mut warn = |text: String| {
        if !std::mem::replace(&mut warned, true) {
            eprintln!("    That will not work before the policy is changed to fit this place:");
        }
        eprintln!("      - {text}");
    };
    if !policy.trusts(stack.issuer()) {
        let issuer = stack.issuer();
        warn(format!(
            "`identity` does not trust the tokens (ID105): the issuer is `{issuer}`, the audience `chaperone`"
        ));
    }
    if !policy.offers(&login.database) {
        warn(format!("`databases` does not offer `{}` (ID122)", login.database));
    }
    if let Some(user) = role.map(|role| &role.upstream.user).filter(|user| **user != login.user) {
        warn(format!("role `{name}` logs in as `{user}`, the target has `{}` for us (ID131)", login.user));
    }
    Ok(())
}

/// What the settings ask for, without a password.
fn asked(options: &StackOptions) -> String {
    let policy = match &options.policy {
        Policy::File(path) => path.canonicalize().unwrap_or_else(|_| path.clone()).display().to_string(),
        Policy::Shop | Policy::Text(_) => String::new(),
    };
    let upstream = options.upstream.as_ref().map_or_else(String::new, |upstream| format!("{upstream:?}"));
    format!("CHAPERONE_POLICY={policy}\nCHAPERONE_UPSTREAM_PG={upstream}\n")
}

/// Keeps what somebody has made of the policy of the run directory, which goes with the next `up`.
fn keep_edits(runs: &Path) -> Result<(), Error> {
    let run = runs.join(NAME);
    let read = |name: &str| fs::read_to_string(run.join(name)).ok();
    let (Some(original), Some(edited)) = (read(ORIGINAL), read("policy.yaml")) else { return Ok(()) };
    if original == edited {
        return Ok(());
    }
    let mut names = (1..).map(|number| runs.join(format!("policy.edited-{number}.yaml")));
    let Some(kept) =
        names.find(|path| !path.exists() || fs::read_to_string(path).is_ok_and(|it| it == edited))
    else {
        return Ok(());
    };
    replace(&kept, &edited)?;
    let root = runs.parent().and_then(Path::parent).unwrap_or(runs);
    eprintln!(
        "==> the policy had been edited; `CHAPERONE_POLICY={} make up` takes that up",
        short(&kept, root)
    );
    let original = run.join(ORIGINAL);
    fs::remove_file(&original).map_err(Error::file(&original))
}

/// For people; whoever reads no further has read enough.
fn say(text: &str) {
    let _gone = std::io::stdout().write_all(text.as_bytes());
}

/// Prints each part with its health; false when one is not well.
///
/// # Errors
/// When the programs' places cannot be found.
pub fn status() -> Result<bool, Error> {
    let run = runs(&StackOptions::default())?.join(NAME);
    let recorded = recorded(&run);
    if recorded.is_empty() {
        say("nothing is up; `make up` starts it\n");
        return Ok(false);
    }
    let mut well = true;
    for part in &recorded {
        let health = part.health();
        well &= health == "ready" || health == "running";
        let port = if part.port == 0 { String::new() } else { format!("127.0.0.1:{}", part.port) };
        say(&format!("{:<10} {:<10} pid {:<8} {port}\n", part.name, health, part.id));
    }
    if let Some((host, port)) = target(&run) {
        let programs = Programs::find(StackOptions::default().postgres_version)?;
        let accepts = psql::accepts(&programs, &host, port);
        well &= accepts;
        say(&format!(
            "{:<10} {:<10} {:<12} {host}:{port}\n",
            "target",
            if accepts { "ready" } else { "silent" },
            ""
        ));
    }
    say(&fs::read_to_string(run.join(LISTENERS)).unwrap_or_default());
    if let Some(last) = last_delivery(&run) {
        let refused = last.contains(" error ");
        well &= !refused;
        say(&format!("{:<10} {}\n", "policy", if refused { refusal(&last) } else { in_force(&last) }));
    }
    Ok(well)
}

/// Ends the stack in the background.
///
/// # Errors
/// When the programs' places cannot be found, or what the stack left cannot be removed.
pub fn down() -> Result<(), Error> {
    let runs = runs(&StackOptions::default())?;
    let recorded = recorded(&runs.join(NAME));
    let alive = recorded.iter().filter(|part| part.is_alive()).count();
    end(&recorded);
    keep_edits(&runs)?;
    for path in [runs.join("env"), runs.join(NAME).join(PARTS), runs.join(NAME).join(PASSWORDS)] {
        if path.exists() {
            fs::remove_file(&path).map_err(Error::file(&path))?;
        }
    }
    if alive == 0 {
        println!("nothing was up");
    } else {
        println!("down: {alive} parts ended; their logs stay in target/run/{NAME}");
    }
    Ok(())
}

/// Where the target is, as `up` has written it down.
fn target(run: &Path) -> Option<(String, u16)> {
    let text = fs::read_to_string(run.join(TARGET)).ok()?;
    let (host, port) = text.trim().split_once(' ')?;
    Some((host.to_owned(), port.parse().ok()?))
}

/// What the delivery of the policy said last.
fn last_delivery(run: &Path) -> Option<String> {
    let log = fs::read_to_string(run.join("delivery.log")).ok()?;
    log.lines().rev().find(|line| !line.is_empty()).map(str::to_owned)
}

/// Why the policy that is asked for is not in force.
fn refusal(line: &str) -> String {
    let why = line.split_once(" error=\"").map_or(line, |(_, why)| why.trim_end_matches('"'));
    format!("refused    {}; the one before stays in force", why.replace("\\\"", "\"").replace("\\n", "; "))
}

/// Which policy is in force: its name, and its digest as records and requests for approval name it.
fn in_force(line: &str) -> String {
    let value = |key: &str| line.split_once(key).and_then(|(_, rest)| rest.split('"').next());
    match (value(" policy=\""), value(" digest=\"")) {
        (Some(name), Some(digest)) => format!("{:<10} {name}, digest {digest}", "delivered"),
        _ => line.to_owned(),
    }
}

/// Where clients come in, by the way they take.
fn listeners(stack: &Stack) -> String {
    let line = |chain: Chain| {
        format!("{:<10} {:<23} {}:{}\n", "listener", chain.name(), stack.pg_host(chain), stack.pg_port(chain))
    };
    [Chain::Fused, Chain::Separate, Chain::Plain].map(line).concat()
}

/// Whether a policy is the copy that an earlier `up` made: `target/run/env` names it, and it goes with that run.
fn is_our_copy(policy: &Path, runs: &Path) -> bool {
    policy.starts_with(runs.join(NAME))
}

fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn runs(options: &StackOptions) -> Result<PathBuf, Error> {
    Ok(Programs::find(options.postgres_version)?.root.join("target/run"))
}

fn short(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}
