//! `chaperone policy`.

mod compared;
mod diff;
mod explain;
mod lint;
mod render;
mod replay;
mod test;

use std::io::Write;
use std::path::{Path, PathBuf};

use chaperone_model::UnixSeconds;
use chaperone_policy::Policy;
use clap::Subcommand;

use super::{Answer, Trouble};
use crate::clock::{Clock as _, SystemClock};
use crate::deliver::{self, Delivery, Watch};
use crate::terminal::{GOOD, safe, styled};

/// Check a policy, try it, deliver it to Envoy, render it for Istio and Envoy Gateway.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say whether a file is a policy, or what is wrong with it, with line and rule; exit code 1 when it is not.
    Check {
        /// The policy, YAML or JSON.
        file: PathBuf,
    },
    Lint(lint::Args),
    Explain(explain::Args),
    Test(test::Args),
    Diff(diff::Args),
    Replay(replay::Args),
    Deliver(Deliver),
    Render(Box<render::Args>),
}

/// Write the files from which Envoy takes its plugins (ECDS), the policy in them.
///
/// Writes one file for each plugin of the settings: DIR/NAME.yaml, an Envoy DiscoveryResponse with one
/// TypedExtensionConfig named NAME, which is a network wasm filter. Each is replaced in one step (written
/// beside its place and moved there), so that Envoy's `path_config_source` with `watched_directory` sees a
/// whole file. When the policy or the settings are not valid nothing is written and the old files stay.
///
/// The settings are YAML. What stands outside of `plugins` holds for all of them:
///
///   resource: shop                # the policy's resource that the listener leads to
///   sidecar: { cluster: chaperone_sidecar, token_env: CHAPERONE_FILTER_TOKEN, timeout_ms: 5000 }
///   env: [CHAPERONE_FILTER_TOKEN, SHOP_APP_PASSWORD]   # variables of Envoy that the VM may see
///   limits: {}                    # optional: limits of the filter
///   reload_interval: 1s           # optional: least time between two VMs after a trap
///   plugins:
///     - name: fused               # names the resource and the file
///       wasm: fused.wasm          # a path, from the settings file's directory
///       root_id: fused            # optional: the name where nothing is said
///       vm_id: chaperone-fused    # optional: chaperone-NAME where nothing is said
///
/// In the listener, `config_discovery` of a filter named NAME takes it up:
///
///   config_source: { path_config_source: { path: DIR/NAME.yaml, watched_directory: { path: DIR } } }
///   type_urls: [type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm]
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
struct Deliver {
    /// The policy.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The plugins that get it.
    #[arg(long, value_name = "FILE")]
    settings: PathBuf,
    /// Where the files go.
    #[arg(long, value_name = "DIR")]
    ecds_dir: PathBuf,
    /// Go on, and deliver again whenever the policy or the settings change.
    #[arg(long)]
    watch: bool,
}

pub(super) fn run(args: &Args, out: &mut impl Write) -> Result<Answer, Trouble> {
    match &args.command {
        Command::Check { file } => check(file, out),
        Command::Lint(args) => lint::run(args, out),
        Command::Explain(args) => explain::run(args, out),
        Command::Test(args) => test::run(args, out),
        Command::Diff(args) => diff::run(args, out),
        Command::Replay(args) => replay::run(args, out),
        Command::Deliver(args) => deliver(args, out),
        Command::Render(args) => render::run(args, out),
    }
}

/// Reads and compiles a policy. The inner error says what is wrong with it.
fn read(file: &Path) -> Result<Result<Policy, String>, Trouble> {
    let text = deliver::read(file).map_err(|error| Trouble::Other(error.to_string()))?;
    Ok(deliver::check(file, &text).map_err(|error| error.to_string()))
}

/// A point in time on the command line, in seconds since 1970.
fn moment(text: &str) -> Result<u64, String> {
    let time: jiff::Timestamp =
        text.parse().map_err(|_| "expected a time such as 2026-01-31T22:00:00Z".to_owned())?;
    u64::try_from(time.as_second()).map_err(|_| "it is before 1970".to_owned())
}

/// That time, or now.
fn time_of(at: Option<u64>) -> UnixSeconds {
    UnixSeconds(at.unwrap_or_else(|| SystemClock.now().seconds()))
}

fn check(file: &Path, out: &mut impl Write) -> Result<Answer, Trouble> {
    match read(file)? {
        Ok(policy) => {
            let (name, digest) = (safe(policy.name()), policy.digest().to_hex());
            writeln!(out, "{}: policy `{name}`, digest {digest}", styled(GOOD, "valid"))?;
            Ok(Answer::Yes)
        }
        Err(error) => {
            writeln!(out, "{}", safe(&error))?;
            Ok(Answer::No)
        }
    }
}

fn deliver(args: &Deliver, out: &mut impl Write) -> Result<Answer, Trouble> {
    let delivery = Delivery::new(args.policy.clone(), args.settings.clone(), args.ecds_dir.clone());
    if args.watch {
        Watch::start(delivery, None)?.forever();
        return Ok(Answer::Yes);
    }
    let done = match delivery.run() {
        Ok(done) => done,
        Err(error @ deliver::Error::Invalid(..)) => {
            writeln!(out, "{}", safe(&error.to_string()))?;
            return Ok(Answer::No);
        }
        Err(error) => return Err(Trouble::Other(error.to_string())),
    };
    for path in &done.changed {
        writeln!(out, "wrote {}", path.display())?;
    }
    let (files, changed) = (done.files, done.changed.len());
    writeln!(out, "policy `{}` delivered: {changed} of {files} files changed", safe(&done.policy))?;
    Ok(Answer::Yes)
}
