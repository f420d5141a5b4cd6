//! `chaperone serve`.

use super::span::span;
use super::{Answer, Trouble};
use crate::deliver::Delivery;
use crate::serve;

/// Run the sidecar.
///
/// Two bearer tokens are taken from the environment, and it does not start without them:
/// CHAPERONE_FILTER_TOKEN for Envoy's filters, CHAPERONE_OPERATOR_TOKEN for people.
/// It speaks plain HTTP: keep it on loopback, or behind something that does TLS.
/// SIGTERM stops it when what it has taken in is stored.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address and port to listen on; port 0 takes a free one and says which.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7480")]
    listen: std::net::SocketAddr,
    /// Directory for records and approvals; made if need be.
    #[arg(long, value_name = "DIR", env = "CHAPERONE_DATA")]
    data: std::path::PathBuf,
    /// How long a gateway may be silent until its sessions count as broken off; it speaks every 10 s.
    #[arg(long, value_name = "TIME", env = "CHAPERONE_SILENCE", default_value = "30s", value_parser = span)]
    silence: std::time::Duration,
    /// Also deliver this policy to Envoy, and again whenever it changes. See `chaperone policy deliver --help`.
    #[arg(long, value_name = "FILE", requires_all = ["settings", "ecds_dir"])]
    policy: Option<std::path::PathBuf>,
    /// Which plugins to deliver the policy to.
    #[arg(long, value_name = "FILE", requires = "policy")]
    settings: Option<std::path::PathBuf>,
    /// Where Envoy looks for its plugins.
    #[arg(long, value_name = "DIR", requires = "policy")]
    ecds_dir: Option<std::path::PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<Answer, Trouble> {
    let delivery = match (&args.policy, &args.settings, &args.ecds_dir) {
        (Some(policy), Some(settings), Some(directory)) => {
            Some(Delivery::new(policy.clone(), settings.clone(), directory.clone()))
        }
        _ => None,
    };
    serve::run(args.listen, &args.data, args.silence, delivery)
        .map_err(|error| Trouble::Other(error.to_string()))?;
    Ok(Answer::Yes)
}
