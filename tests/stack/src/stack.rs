//! A running stack.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::chaperone::{self, Tokens};
use crate::envoy;
use crate::error::Error;
use crate::http::{self, Response};
use crate::options::{Chain, Delivery, Policy, StackOptions};
use crate::part::{Lifetime, Part};
use crate::ports::Ports;
use crate::postgres::{self, Postgres};
use crate::programs::{Programs, present};
use crate::psql::{self, Login};
use crate::rundir::{self, RunDir};
use crate::secret::secret;
use crate::template;

/// A running stack; it ends when this value does.
// INVARIANT: fields are dropped in order: Envoy before what it leads to, the run directory last.
#[derive(Debug)]
pub struct Stack {
    pub(crate) envoy: Option<Part>,
    pub(crate) delivery: Option<Part>,
    pub(crate) sidecar: Option<Part>,
    pub(crate) idp: Option<Part>,
    pub(crate) postgres: Option<Postgres>,
    pub(crate) ports: Ports,
    pub(crate) programs: Programs,
    pub(crate) policy: PathBuf,
    pub(crate) options: StackOptions,
    tokens: Tokens,
    lifetime: Lifetime,
    pub(crate) run: RunDir,
}

impl Stack {
    /// Starts every part and waits until it is ready.
    ///
    /// # Errors
    /// When a program is missing, or a part ends or is not ready in time; the error has the end of its log.
    pub fn start(options: StackOptions) -> Result<Self, Error> {
        Self::start_for(options, Lifetime::Ours)
    }

    pub(crate) fn start_for(options: StackOptions, lifetime: Lifetime) -> Result<Self, Error> {
        let programs = Programs::find(options.postgres_version)?;
        let mut run = RunDir::new(&programs.root, &options.name)?;
        if lifetime == Lifetime::Background {
            run.keep();
        }
        let ports = Ports::free(options.known_ports)?;
        let tokens = Tokens { filter: secret()?, operator: secret()? };
        let policy = policy_file(&programs, &run, &options)?;
        let mut stack = Self {
            envoy: None,
            delivery: None,
            sidecar: None,
            idp: None,
            postgres: None,
            ports,
            programs,
            policy,
            options,
            tokens,
            lifetime,
            run,
        };
        if stack.options.upstream.is_none() {
            stack.say("PostgreSQL");
            stack.postgres =
                Some(postgres::start(&stack.programs, &stack.run, ports.postgres, &stack.options, lifetime)?);
        }
        stack.run.create("ecds")?;
        match &stack.options.delivery {
            Delivery::Chaperone => {
                for filter in envoy::FILTERS {
                    present(&stack.programs.wasm.join(format!("{filter}.wasm")), "run scripts/build-wasm")?;
                }
                stack.say("identity provider");
                stack.start_idp()?;
                stack.say("sidecar");
                stack.start_sidecar()?;
                stack.say("policy delivery");
                stack.delivery =
                    Some(chaperone::delivery(&stack.programs, &stack.run, &stack.policy, lifetime)?);
            }
            Delivery::Files(files) => {
                for (name, text) in files {
                    stack.run.write(&format!("ecds/{name}"), text)?;
                }
            }
            Delivery::Off => {
                // Envoy wants the files to be there; without a resource in them it lets nobody in.
                for filter in envoy::FILTERS {
                    stack.run.write(&format!("ecds/{filter}.yaml"), "resources: []\n")?;
                }
            }
        }
        stack.say("Envoy");
        stack.start_envoy()?;
        Ok(stack)
    }

    fn say(&self, what: &str) {
        if self.options.progress {
            eprintln!("==> starting {what}");
        }
    }

    // ---- where things are

    /// The port of one way to the target.
    #[must_use]
    pub fn pg_port(&self, chain: Chain) -> u16 {
        match chain {
            Chain::Direct => {
                self.options.upstream.as_ref().map_or(self.ports.postgres, |upstream| upstream.port)
            }
            Chain::Fused => self.ports.fused,
            Chain::Plain => self.ports.plain,
            Chain::Separate => self.ports.separate,
        }
    }

    /// The host of one way to the target: loopback, except for somebody's own PostgreSQL.
    #[must_use]
    pub fn pg_host(&self, chain: Chain) -> &str {
        match (chain, &self.options.upstream) {
            (Chain::Direct, Some(upstream)) => &upstream.host,
            _ => "127.0.0.1",
        }
    }

    /// The login that Chaperone itself uses at the target.
    #[must_use]
    pub fn target_login(&self) -> Login {
        match (&self.options.upstream, &self.postgres) {
            (Some(upstream), _) => Login::new(&upstream.user, &upstream.password, &upstream.database),
            (None, Some(own)) => Login::new(postgres::APP_USER, &own.app_password, postgres::DATABASE),
            (None, None) => Login::new(postgres::APP_USER, "", postgres::DATABASE),
        }
    }

    /// The login of our own PostgreSQL's superuser; nothing when it is somebody else's.
    #[must_use]
    pub fn superuser_login(&self) -> Option<Login> {
        let own = self.postgres.as_ref()?;
        Some(Login::new("postgres", &own.superuser_password, postgres::DATABASE))
    }

    /// The sidecar's address, as `http://…`.
    #[must_use]
    pub fn sidecar_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.sidecar)
    }

    /// The identity provider's address, as `http://…`.
    #[must_use]
    pub fn idp_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.idp)
    }

    /// The directory of the identity provider's keys.
    #[must_use]
    pub fn dev_keys(&self) -> PathBuf {
        self.run.join(chaperone::KEYS)
    }

    /// What tokens name as their issuer. Envoy finds the provider through a cluster, so it may listen elsewhere.
    #[must_use]
    pub fn issuer(&self) -> &str {
        chaperone::ISSUER
    }

    /// The token of people and their tools at the sidecar.
    #[must_use]
    pub fn operator_token(&self) -> &str {
        &self.tokens.operator
    }

    /// The token of the filters at the sidecar.
    #[must_use]
    pub fn filter_token(&self) -> &str {
        &self.tokens.filter
    }

    /// The policy file in force.
    #[must_use]
    pub fn policy_path(&self) -> &Path {
        &self.policy
    }

    /// The directory with configuration, logs and data.
    #[must_use]
    pub fn run_dir(&self) -> &Path {
        self.run.path()
    }

    /// The programs in use.
    #[must_use]
    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    // ---- Envoy

    /// Envoy's process id, for measuring what it uses.
    #[must_use]
    pub fn envoy_id(&self) -> Option<u32> {
        self.envoy.as_ref().map(Part::id)
    }

    /// Whether Envoy is still the process that was started.
    pub fn envoy_is_running(&mut self) -> bool {
        self.envoy.as_mut().is_some_and(Part::is_running)
    }

    /// Asks Envoy's admin interface.
    #[must_use]
    pub fn envoy_admin(&self, path: &str) -> Option<Response> {
        http::get(self.ports.admin, path)
    }

    /// One of Envoy's counters or gauges, by its full name.
    #[must_use]
    pub fn envoy_stat(&self, name: &str) -> Option<u64> {
        let answer = self.envoy_admin("/stats")?;
        answer.body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")?.parse().ok())
    }

    /// What Envoy and the filters have logged so far.
    #[must_use]
    pub fn envoy_log(&self) -> String {
        self.log("envoy")
    }

    /// What Envoy's access log has so far: a JSON document a line, a line a session.
    #[must_use]
    pub fn access_log(&self) -> String {
        self.log("access")
    }

    /// What one part has logged so far: `envoy`, `access`, `postgres`, `sidecar`, `idp`, `delivery`.
    #[must_use]
    pub fn log(&self, part: &str) -> String {
        let bytes = fs::read(self.run.join(&format!("{part}.log"))).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Ends Envoy at once.
    pub fn kill_envoy(&mut self) {
        if let Some(part) = self.envoy.take() {
            part.kill();
        }
    }

    /// Starts Envoy, on the same ports as before.
    ///
    /// # Errors
    /// When it ends or is not ready in time.
    pub fn start_envoy(&mut self) -> Result<(), Error> {
        let target = (self.pg_host(Chain::Direct).to_owned(), self.pg_port(Chain::Direct));
        self.envoy = Some(envoy::start(
            &self.programs,
            &self.run,
            &self.ports,
            (&target.0, target.1),
            self.envoy_environment()?,
            &self.options,
            self.lifetime,
        )?);
        Ok(())
    }

    /// The secrets that only Envoy's environment has: one password for every variable that the policy names.
    fn envoy_environment(&self) -> Result<Vec<(String, String)>, Error> {
        let mut environment = vec![("CHAPERONE_FILTER_TOKEN".to_owned(), self.tokens.filter.clone())];
        if matches!(self.options.delivery, Delivery::Chaperone) {
            let password = self.target_login().password;
            let variables = chaperone::Policy::read(&self.policy)?.password_variables;
            environment.extend(variables.into_iter().map(|name| (name, password.clone())));
        }
        environment.extend_from_slice(&self.options.envoy_environment);
        Ok(environment)
    }

    // ---- the other parts, which may stop and come back

    /// Ends the sidecar at once.
    pub fn kill_sidecar(&mut self) {
        if let Some(part) = self.sidecar.take() {
            part.kill();
        }
    }

    /// Starts the sidecar, with the records and approvals that it had.
    ///
    /// # Errors
    /// When it ends or is not ready in time.
    pub fn start_sidecar(&mut self) -> Result<(), Error> {
        let more = &self.options.sidecar_environment;
        self.sidecar = Some(chaperone::sidecar(
            &self.programs,
            &self.run,
            &self.ports,
            &self.tokens,
            more,
            self.lifetime,
        )?);
        Ok(())
    }

    /// Ends the identity provider at once.
    pub fn kill_idp(&mut self) {
        if let Some(part) = self.idp.take() {
            part.kill();
        }
    }

    /// Starts the identity provider, with the keys that it had.
    ///
    /// # Errors
    /// When it ends or is not ready in time.
    pub fn start_idp(&mut self) -> Result<(), Error> {
        self.idp = Some(chaperone::idp(&self.programs, &self.run, &self.ports, self.lifetime)?);
        Ok(())
    }

    /// Ends our own PostgreSQL at once, with every session.
    pub fn kill_pg(&mut self) {
        let part = self.postgres.as_mut().and_then(|own| own.part.take());
        if let Some(part) = part {
            // Immediate shutdown: the sessions die without a word, but no shared memory is left behind.
            part.signal(rustix::process::Signal::QUIT);
            drop(part);
        }
    }

    /// Starts our own PostgreSQL, with the data that it had.
    ///
    /// # Errors
    /// When it ends or is not ready in time, or it is somebody else's.
    pub fn start_pg(&mut self) -> Result<(), Error> {
        let Some(own) = self.postgres.as_mut() else {
            return Err(Error::Setting("the PostgreSQL is not ours to start".to_owned()));
        };
        postgres::launch(own, &self.programs, &self.run, self.ports.postgres, &self.options, self.lifetime)
    }

    // ---- policy

    /// Replaces the policy file whole. Live sessions obey it a moment later: see [`Stack::policy_is_delivered`].
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_policy(&self, text: &str) -> Result<(), Error> {
        rundir::replace(&self.policy, text)
    }

    /// The text of the policy file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_policy(&self) -> Result<String, Error> {
        fs::read_to_string(&self.policy).map_err(Error::file(&self.policy))
    }

    /// How often Envoy has taken a new configuration for each filter, and how often it has refused one: a change of these
    /// numbers says that a delivery has arrived.
    #[must_use]
    pub fn policy_deliveries(&self) -> (u64, u64) {
        let stats =
            self.envoy_admin("/stats?filter=extension_config_discovery").map_or(String::new(), |r| r.body);
        let sum = |end: &str| {
            let values = stats.lines().filter_map(|line| line.split_once(": "));
            values
                .filter(|(name, _)| name.ends_with(end))
                .filter_map(|(_, value)| value.parse::<u64>().ok())
                .sum()
        };
        (sum(".config_reload"), sum(".config_fail"))
    }

    // ---- clients

    /// A token of the development identity provider.
    ///
    /// # Errors
    /// When the program fails.
    pub fn token(&self, subject: &str, groups: &[&str]) -> Result<String, Error> {
        self.token_with(subject, groups, &[])
    }

    /// A token with something special about it: more arguments for `chaperone dev token`, such as `--ttl=-5m`,
    /// `--audience=other`, `--forged`, `--algorithm=RS256`.
    ///
    /// # Errors
    /// When the program fails.
    pub fn token_with(&self, subject: &str, groups: &[&str], arguments: &[&str]) -> Result<String, Error> {
        let mut command = self.chaperone();
        command.args(["dev", "token", "--subject", subject]);
        command.args(groups.iter().flat_map(|group| ["--group", group])).args(arguments);
        let token = chaperone::run(&mut command, &self.run.join("idp.log"))?;
        Ok(token.trim().to_owned())
    }

    /// Makes the identity provider sign with a new key; the old ones stay valid.
    #[must_use]
    pub fn rotate_keys(&self) -> bool {
        http::request(self.ports.idp, "POST", "/rotate").is_some_and(|response| response.status == 200)
    }

    /// The `chaperone` program, told where this stack is.
    #[must_use]
    pub fn chaperone(&self) -> Command {
        let mut command = Command::new(&self.programs.chaperone);
        command
            .env("CHAPERONE_SIDECAR_URL", self.sidecar_url())
            .env("CHAPERONE_OPERATOR_TOKEN", &self.tokens.operator)
            .env("CHAPERONE_DEV_IDP", chaperone::ISSUER)
            .env("CHAPERONE_DEV_KEYS", self.dev_keys())
            .env("CHAPERONE_POLICY", &self.policy);
        command
    }

    /// psql, or another program of PostgreSQL's such as pgbench, told where to connect and as whom.
    #[must_use]
    pub fn client(&self, program: &str, chain: Chain, login: &Login) -> Command {
        psql::client(&self.programs, program, self.pg_host(chain), self.pg_port(chain), login)
    }

    /// Runs psql to its end.
    ///
    /// # Errors
    /// When it cannot be run; that a statement fails is in the output.
    pub fn psql(&self, chain: Chain, login: &Login, arguments: &[&str]) -> Result<Output, Error> {
        let failed =
            |error: std::io::Error| Error::part("psql", error.to_string(), &self.run.join("envoy.log"));
        self.client("psql", chain, login).arg("-X").args(arguments).output().map_err(failed)
    }

    /// Lets every part run on after this process.
    pub(crate) fn leave_running(mut self) {
        let database = self.postgres.take().and_then(|own| own.part);
        [self.envoy.take(), self.delivery.take(), self.sidecar.take(), self.idp.take(), database]
            .into_iter()
            .flatten()
            .for_each(Part::leave_running);
    }
}

/// The policy file in force.
fn policy_file(programs: &Programs, run: &RunDir, options: &StackOptions) -> Result<PathBuf, Error> {
    match (&options.policy, &options.upstream) {
        (Policy::File(path), _) => path.canonicalize().map_err(Error::file(path)),
        (Policy::Text(text), _) => run.write("policy.yaml", text),
        (Policy::Shop, None) => {
            let example = programs.root.join("examples/shop/policy.yaml");
            let text = fs::read_to_string(&example).map_err(Error::file(&example))?;
            run.write("policy.yaml", &text)
        }
        (Policy::Shop, Some(upstream)) => {
            let example = programs.root.join("examples/own-database/policy.yaml");
            let text = fs::read_to_string(&example).map_err(Error::file(&example))?;
            let values = [("DATABASE", quoted(&upstream.database)), ("USER", quoted(&upstream.user))];
            run.write("policy.yaml", &template::fill(&text, &values)?)
        }
    }
}

/// A YAML string.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_policies_are_policies() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let shop = chaperone::Policy::read(&root.join("examples/shop/policy.yaml")).unwrap();
        assert_eq!(
            (shop.resource.as_str(), shop.password_variables.as_slice()),
            ("shop", &["SHOP_APP_PASSWORD".to_owned()][..])
        );

        let own = fs::read_to_string(root.join("examples/own-database/policy.yaml")).unwrap();
        let values = [("DATABASE", quoted("it's")), ("USER", quoted("app: 1"))];
        let own = chaperone_policy::Policy::from_text(&template::fill(&own, &values).unwrap()).unwrap();
        assert_eq!(own.resources().first().unwrap().roles.first().unwrap().upstream.user, "app: 1");
    }

    #[test]
    fn yaml_strings_are_quoted() {
        assert_eq!(quoted("it's"), "'it''s'");
    }
}
