//! The parts of a running stack: what they say, and how each stops and comes back.

use std::fs;

use super::Stack;
use crate::chaperone;
use crate::envoy;
use crate::error::Error;
use crate::http::{self, Response};
use crate::options::{Chain, Delivery};
use crate::part::Part;
use crate::postgres;

impl Stack {
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
}
