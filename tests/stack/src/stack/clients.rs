//! What tests and the demo do with a running stack: change the policy, get tokens, run clients.

use std::fs;
use std::process::{Command, Output};

use super::Stack;
use crate::chaperone;
use crate::error::Error;
use crate::http;
use crate::options::Chain;
use crate::psql::{self, Login};
use crate::rundir;

impl Stack {
    /// Replaces the policy file whole. Live sessions obey it a moment later: see [`Stack::policy_deliveries`].
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
}
