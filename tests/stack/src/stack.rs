//! A running stack.

mod clients;
mod parts;
mod places;

use std::fs;
use std::path::PathBuf;

use crate::chaperone::{self, Tokens};
use crate::envoy;
use crate::error::Error;
use crate::options::{Delivery, Policy, StackOptions};
use crate::part::{Lifetime, Part};
use crate::ports::Ports;
use crate::postgres::{self, Postgres};
use crate::programs::{Programs, present};
use crate::psql;
use crate::rundir::RunDir;
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
        let ports = Ports::free(options.known_ports, options.upstream.is_none())?;
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
                stack.delivery = Some(chaperone::delivery(
                    &stack.programs,
                    &stack.run,
                    &stack.policy,
                    &stack.options.modules,
                    lifetime,
                )?);
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
        stack.say("Envoy, which compiles the filters first: some seconds");
        stack.start_envoy()?;
        Ok(stack)
    }

    fn say(&self, what: &str) {
        if self.options.progress {
            eprintln!("==> starting {what}");
        }
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
            let example = programs.root.join("examples/own-database/policy.template.yaml");
            let text = fs::read_to_string(&example).map_err(Error::file(&example))?;
            let auth = psql::authentication(programs, upstream)
                .map_err(|problem| Error::Setting(format!("CHAPERONE_UPSTREAM_PG: {problem}")))?;
            let (database, user) = (quoted(&upstream.database), quoted(&upstream.user));
            let values = [("AUTH", auth.to_owned()), ("DATABASE", database), ("USER", user)];
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
    use std::path::Path;

    use super::*;

    #[test]
    fn the_example_policies_are_policies() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let shop = chaperone::Policy::read(&root.join("examples/shop/policy.yaml")).unwrap();
        assert_eq!(
            (shop.resource.as_str(), shop.password_variables.as_slice()),
            ("shop", &["SHOP_APP_PASSWORD".to_owned()][..])
        );

        let own = fs::read_to_string(root.join("examples/own-database/policy.template.yaml")).unwrap();
        let auth = "auth: trust".to_owned();
        let values = [("AUTH", auth), ("DATABASE", quoted("it's")), ("USER", quoted("app: 1"))];
        let own = chaperone_policy::Policy::from_text(&template::fill(&own, &values).unwrap()).unwrap();
        assert_eq!(own.resources().first().unwrap().roles.first().unwrap().upstream.user, "app: 1");
    }

    #[test]
    fn yaml_strings_are_quoted() {
        assert_eq!(quoted("it's"), "'it''s'");
    }
}
