//! Where the parts of a stack are, and as whom to talk to them.

use std::path::{Path, PathBuf};

use super::Stack;
use crate::chaperone;
use crate::options::Chain;
use crate::postgres;
use crate::programs::Programs;
use crate::psql::Login;

impl Stack {
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
}
