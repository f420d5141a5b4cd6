//! A stock Envoy with `envoy/postgres.yaml`.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use crate::error::Error;
use crate::http;
use crate::options::{Delivery, StackOptions};
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
    // A worker that has only just started may not have the filters yet, and closes what comes. Which worker takes a
    // connection is the kernel's choice, so several in a row must be answered.
    // Files of somebody's own need not even be there, nor somebody's own PostgreSQL answer.
    let ours = matches!(options.delivery, Delivery::Chaperone) && options.upstream.is_none();
    let governed = if ours { &[ports.fused, ports.separate][..] } else { &[] };
    for port in governed {
        let mut answered = 0;
        part.wait_until(|| {
            answered = if answers(*port) { answered + 1 } else { 0 };
            answered >= 4 * options.concurrency
        })?;
    }
    Ok(part)
}

/// Whether a listener leads to a PostgreSQL that answers: a request for TLS costs nobody anything.
fn answers(port: u16) -> bool {
    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    let asked = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).and_then(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(&SSL_REQUEST)?;
        stream.read(&mut [0; 1])
    });
    asked.is_ok_and(|size| size == 1)
}

/// Whether every worker accepts connections.
pub(crate) fn is_ready(admin: u16) -> bool {
    http::get(admin, "/ready").is_some_and(|response| response.status == 200)
        && http::get(admin, "/stats?filter=workers_started")
            .is_some_and(|response| response.body.contains("workers_started: 1"))
}
