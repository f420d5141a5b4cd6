//! A stock Envoy with `envoy/postgres.yaml`.

use std::fs;

use crate::error::Error;
use crate::http;
use crate::options::StackOptions;
use crate::part::{Launch, Lifetime, Part, Stop};
use crate::ports::Ports;
use crate::programs::Programs;
use crate::rundir::RunDir;
use crate::template;

/// The filters, each with an ECDS file `NAME.yaml`.
pub(crate) const FILTERS: [&str; 6] =
    ["approval-hold", "fused", "identity", "response-masking", "session-tap", "sql-guard"];

/// Fills the bootstrap's placeholders and starts Envoy; ready when every worker accepts.
pub(crate) fn start(
    programs: &Programs,
    run: &RunDir,
    ports: &Ports,
    target: (&str, u16),
    environment: Vec<(String, String)>,
    options: &StackOptions,
    lifetime: Lifetime,
) -> Result<Part, Error> {
    let bootstrap = programs.root.join("envoy/postgres.yaml");
    let bootstrap = fs::read_to_string(&bootstrap).map_err(Error::file(&bootstrap))?;
    let loopback = || "127.0.0.1".to_owned();
    let ecds = run.create("ecds")?;
    let values = [
        ("ACCESS_LOG", run.join("access.log").display().to_string()),
        ("ADMIN_PORT", ports.admin.to_string()),
        ("ECDS_DIR", ecds.display().to_string()),
        ("FUSED_PORT", ports.fused.to_string()),
        ("IDP_HOST", loopback()),
        ("IDP_PORT", ports.idp.to_string()),
        ("PLAIN_PORT", ports.plain.to_string()),
        ("SEPARATE_PORT", ports.separate.to_string()),
        ("SIDECAR_HOST", loopback()),
        ("SIDECAR_PORT", ports.sidecar.to_string()),
        ("TARGET_HOST", target.0.to_owned()),
        ("TARGET_PORT", target.1.to_string()),
    ];
    let config = run.write("envoy.yaml", &template::fill(&bootstrap, &values)?)?;

    let mut arguments =
        vec!["-c".into(), config.into(), "--concurrency".into(), options.concurrency.to_string().into()];
    let fixed = ["--use-dynamic-base-id", "--disable-hot-restart", "--file-flush-interval-msec", "200"];
    arguments.extend(fixed.into_iter().map(Into::into));
    arguments.extend(["--log-level".into(), "warning".into()]);
    arguments.extend(["--component-log-level".into(), options.log_levels.clone().into()]);
    arguments.extend(options.envoy_arguments.iter().map(Into::into));
    let launch = Launch {
        name: "envoy",
        program: &programs.envoy,
        arguments,
        environment,
        log: run.join("envoy.log"),
        stop: Stop::Terminate,
        prefix: &[],
    };
    let mut part = Part::start(launch, lifetime)?;
    part.wait_until(|| is_ready(ports.admin))?;
    Ok(part)
}

/// Whether every worker accepts connections.
pub(crate) fn is_ready(admin: u16) -> bool {
    http::get(admin, "/ready").is_some_and(|response| response.status == 200)
        && http::get(admin, "/stats?filter=workers_started")
            .is_some_and(|response| response.body.contains("workers_started: 1"))
}
