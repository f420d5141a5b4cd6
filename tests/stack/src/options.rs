//! What a stack should look like.

use std::path::PathBuf;

use crate::upstream::Upstream;

/// Which way to the target.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Chain {
    /// To PostgreSQL itself, past Envoy.
    Direct,
    /// The five filters in one wasm module.
    Fused,
    /// Envoy without a wasm filter.
    Plain,
    /// The five filters, a wasm module each.
    Separate,
}

impl Chain {
    /// The two chains that govern: every scenario runs through both.
    pub const GOVERNED: [Self; 2] = [Self::Fused, Self::Separate];
    /// All ways, in the order that tables show them.
    pub const ALL: [Self; 4] = [Self::Direct, Self::Plain, Self::Separate, Self::Fused];

    /// The chain's name, as Envoy's listener has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Fused => "fused",
            Self::Plain => "plain",
            Self::Separate => "separate",
        }
    }
}

/// Which policy is in force at the start.
#[derive(Clone, Debug)]
pub enum Policy {
    /// This file, obeyed where it is: who edits it changes what is in force.
    File(PathBuf),
    /// A copy of `examples/shop/policy.yaml` in the run directory.
    Shop,
    /// This text, as a file in the run directory.
    Text(String),
}

/// Who writes the filters' configuration (ECDS files).
#[derive(Clone, Debug)]
pub enum Delivery {
    /// `chaperone policy deliver --watch`.
    Chaperone,
    /// The caller, as (file name, text), once, before Envoy starts: for tests of Envoy's own behaviour.
    Files(Vec<(String, String)>),
    /// Nobody: only the plain and the direct way work, and neither sidecar nor identity provider runs.
    Off,
}

/// What a stack should look like; [`StackOptions::default`] is the demo's.
#[derive(Clone, Debug)]
pub struct StackOptions {
    /// Names the run directory, `target/run/NAME`; one that nobody else uses when empty.
    pub name: String,
    /// The policy at the start.
    pub policy: Policy,
    /// Somebody's own PostgreSQL instead of a fresh one.
    pub upstream: Option<Upstream>,
    /// Who writes the filters' configuration.
    pub delivery: Delivery,
    /// Modules other than the shipped ones, as (filter, file).
    pub modules: Vec<(String, PathBuf)>,
    /// Envoy's worker threads.
    pub concurrency: u32,
    /// Envoy's `--component-log-level`, such as `wasm:debug`.
    pub log_levels: String,
    /// More command line for Envoy.
    pub envoy_arguments: Vec<String>,
    /// More environment for Envoy, such as passwords that the policy's `password_env` names.
    pub envoy_environment: Vec<(String, String)>,
    /// More environment for the sidecar.
    pub sidecar_environment: Vec<(String, String)>,
    /// More PostgreSQL settings, as (name, value).
    pub postgres_settings: Vec<(String, String)>,
    /// Lines of `pg_hba.conf` before the one that demands SCRAM-SHA-256 of everybody.
    pub postgres_hba: Vec<String>,
    /// SQL that the superuser runs in the database `shop` after the schema.
    pub postgres_sql: String,
    /// PostgreSQL's major version, 16 or 18.
    pub postgres_version: u32,
    /// Whether to take well-known ports where they are free, for people.
    pub known_ports: bool,
    /// Whether to say on standard error what is being started.
    pub progress: bool,
}

impl StackOptions {
    /// Whether the policy in force is a file of the run directory, which goes with it.
    pub(crate) const fn policy_is_ours(&self) -> bool {
        matches!(self.policy, Policy::Shop | Policy::Text(_))
    }
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            name: String::new(),
            policy: Policy::Shop,
            upstream: None,
            delivery: Delivery::Chaperone,
            modules: Vec::new(),
            concurrency: 2,
            log_levels: "wasm:info".to_owned(),
            envoy_arguments: Vec::new(),
            envoy_environment: Vec::new(),
            sidecar_environment: Vec::new(),
            postgres_settings: Vec::new(),
            postgres_hba: Vec::new(),
            postgres_sql: String::new(),
            postgres_version: 18,
            known_ports: false,
            progress: false,
        }
    }
}
