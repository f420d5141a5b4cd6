//! The parts that are the `chaperone` program itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use chaperone_policy::Role;

use crate::envoy::FILTERS;
use crate::error::Error;
use crate::http;
use crate::part::{Launch, Lifetime, Part, Stop};
use crate::ports::Ports;
use crate::programs::{Programs, present};
use crate::psql::succeeded;
use crate::rundir::RunDir;
use crate::template;

/// The tokens that the sidecar asks for.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) filter: String,
    pub(crate) operator: String,
}

/// The development identity provider; its keys are in the run directory, so it may stop and come back.
pub(crate) fn idp(
    programs: &Programs,
    run: &RunDir,
    ports: &Ports,
    lifetime: Lifetime,
) -> Result<Part, Error> {
    let mut part = start(
        "idp",
        programs.chaperone()?,
        &[
            "dev",
            "idp",
            "--listen",
            &address(ports.idp),
            "--issuer",
            ISSUER,
            "--keys",
            &text(&run.join(KEYS)),
        ],
        Vec::new(),
        run,
        lifetime,
    )?;
    part.wait_until(|| answers(ports.idp, "/.well-known/openid-configuration"))?;
    Ok(part)
}

/// The issuer that the example policies trust. Envoy finds it through a cluster, so it may listen elsewhere.
pub(crate) const ISSUER: &str = "http://127.0.0.1:8085";

/// Where the identity provider keeps its keys, in the run directory.
pub(crate) const KEYS: &str = "idp";

/// The sidecar; its records and approvals are in the run directory, so it may stop and come back.
pub(crate) fn sidecar(
    programs: &Programs,
    run: &RunDir,
    ports: &Ports,
    tokens: &Tokens,
    environment: &[(String, String)],
    lifetime: Lifetime,
) -> Result<Part, Error> {
    let mut secrets = vec![
        ("CHAPERONE_FILTER_TOKEN".to_owned(), tokens.filter.clone()),
        ("CHAPERONE_OPERATOR_TOKEN".to_owned(), tokens.operator.clone()),
    ];
    secrets.extend_from_slice(environment);
    let mut part = start(
        "sidecar",
        programs.chaperone()?,
        &["serve", "--listen", &address(ports.sidecar), "--data", &text(&run.join("sidecar"))],
        secrets,
        run,
        lifetime,
    )?;
    part.wait_until(|| answers(ports.sidecar, "/readyz"))?;
    Ok(part)
}

/// Writes the filters' configuration whenever the policy file changes.
pub(crate) fn delivery(
    programs: &Programs,
    run: &RunDir,
    policy: &Path,
    modules: &[(String, PathBuf)],
    lifetime: Lifetime,
) -> Result<Part, Error> {
    let plugins = programs.root.join("envoy/plugins.yaml");
    let plugins = fs::read_to_string(&plugins).map_err(Error::file(&plugins))?;
    let Policy { resource, password_variables, .. } = Policy::read(policy)?;
    let values = [
        ("PASSWORD_VARIABLES", password_variables.join(", ")),
        ("RESOURCE", resource),
        ("WASM_DIR", text(&programs.wasm)),
    ];
    let mut settings = template::fill(&plugins, &values)?;
    for (filter, module) in modules {
        let shipped = text(&programs.wasm.join(format!("{filter}.wasm")));
        present(module, "run scripts/build-wasm --trap")?;
        settings = settings.replace(&shipped, &text(module));
    }
    let settings = run.write("plugins.yaml", &settings)?;
    let ecds = run.join("ecds");
    let arguments = [
        "policy",
        "deliver",
        "--policy",
        &text(policy),
        "--settings",
        &text(&settings),
        "--ecds-dir",
        &text(&ecds),
        "--watch",
    ];
    let mut part = start("delivery", programs.chaperone()?, &arguments, Vec::new(), run, lifetime)?;
    part.wait_until(|| FILTERS.iter().all(|filter| ecds.join(format!("{filter}.yaml")).exists()))?;
    Ok(part)
}

/// What the stack needs to know of a policy.
#[derive(Debug)]
pub(crate) struct Policy {
    /// The resource that the listeners lead to: the first one.
    pub(crate) resource: String,
    /// The variables that the target's passwords come from.
    pub(crate) password_variables: Vec<String>,
    policy: chaperone_policy::Policy,
}

impl Policy {
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).map_err(Error::file(path))?;
        if text.contains("${") {
            let what =
                "it has placeholders (`${…}`); `make up` with CHAPERONE_UPSTREAM_PG alone fills them in";
            return Err(Error::Setting(format!("`{}` is a template: {what}", path.display())));
        }
        let policy = chaperone_policy::Policy::from_text(&text);
        let policy =
            policy.map_err(|error| Error::Setting(format!("`{}` is no policy: {error}", path.display())))?;
        let Some(resource) = policy.resources().first() else {
            return Err(Error::Setting(format!("`{}` names no resource", path.display())));
        };
        let mut password_variables: Vec<String> =
            resource.roles.iter().filter_map(|role| role.upstream.password_env.clone()).collect();
        password_variables.sort();
        password_variables.dedup();
        Ok(Self { resource: resource.name.clone(), password_variables, policy })
    }

    /// A role that clients may ask for.
    pub(crate) fn role(&self) -> Option<&Role> {
        self.policy.resources().first()?.roles.first()
    }

    /// Whether clients may ask for this database.
    pub(crate) fn offers(&self, database: &str) -> bool {
        self.policy.database_allowed(&self.resource, database)
    }

    /// Whether it takes the tokens of this issuer.
    pub(crate) fn trusts(&self, issuer: &str) -> bool {
        self.policy.issuers().iter().any(|trusted| trusted.issuer == issuer)
    }
}

/// Runs the program to its end and gives what it printed.
pub(crate) fn run(command: &mut Command, log: &Path) -> Result<String, Error> {
    let failed = |problem: String| Error::part("chaperone", problem, log);
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    succeeded(&output).map_err(failed)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn start(
    name: &'static str,
    program: &Path,
    arguments: &[&str],
    environment: Vec<(String, String)>,
    run: &RunDir,
    lifetime: Lifetime,
) -> Result<Part, Error> {
    let launch = Launch {
        name,
        program,
        arguments: arguments.iter().map(Into::into).collect(),
        environment,
        log: run.join(&format!("{name}.log")),
        stop: Stop::Terminate,
        prefix: &[],
    };
    Part::start(launch, lifetime)
}

fn answers(port: u16, path: &str) -> bool {
    http::get(port, path).is_some_and(|response| response.status == 200)
}

fn address(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
