//! What platform teams apply: a policy and the settings of its plugins, as manifests of Istio and of Envoy Gateway, or
//! as the files of `chaperone policy deliver`.
//!
//! Nothing here reads a clock: the same input renders the same bytes, so that a repository can hold what was rendered.
//!
//! ```text
//! policy, settings ── template ── fit ──▶ Source ── ecds, istio, envoy_gateway ──▶ Documents
//!                     ${NAME}     what contradicts          yaml, object, clusters, guard
//! ```

mod clusters;
mod code;
mod envoy_gateway;
mod fit;
mod guard;
mod istio;
mod object;
mod template;
mod yaml;

use std::path::Path;

use chaperone_policy::Policy;

pub(crate) use clusters::Cluster;
pub(crate) use code::{Checksum, Code};
pub(crate) use envoy_gateway::EnvoyGateway;
pub(crate) use istio::{FailStrategy, Istio, MAX_TARGETS, Mode, Phase};
pub(crate) use object::{Object, Target, is_label, is_name};

use self::yaml::Yaml;
use crate::deliver::{self, Error, Plugin, Settings};

/// The filters that need the target's passwords: identity, and the one that has it in it.
const KEEPERS: [&str; 2] = ["fused", "identity"];
/// The separate filters in the order in which the client's bytes come to them: it is part of the security.
const SEPARATE: [&str; 5] = ["identity", "session-tap", "sql-guard", "approval-hold", "response-masking"];

/// What is rendered: a valid policy, and settings that fit it.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) policy: Policy,
    /// The policy as its author wrote it.
    text: String,
    plugins: Vec<Plugin>,
    /// Makes a delivery another one than an earlier one of the same policy.
    revision: Option<String>,
}

/// The filter that everything stands in front of.
const TCP_PROXY: &str = "envoy.filters.network.tcp_proxy";

/// Which modules stand in the chain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Chain {
    /// All five filters in one.
    Fused,
    /// The five, one after the other.
    Separate,
}

/// A file, or one of several documents of a stream.
#[derive(Debug)]
pub(crate) struct Document {
    /// What it is called in a directory.
    pub(crate) file: String,
    pub(crate) text: String,
}

/// What is rendered, and what whoever applies it should know.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) documents: Vec<Document>,
    pub(crate) notes: Vec<String>,
}

impl Source {
    /// Reads a policy and the settings, whose placeholders are `set`.
    pub(crate) fn read(
        policy: &Path,
        settings: &Path,
        set: &[(String, String)],
        revision: Option<String>,
    ) -> Result<Self, Error> {
        let text = deliver::read(policy)?;
        let policy = deliver::check(policy, &text)?;
        let invalid = |problems| Error::Invalid(settings.to_owned(), problems);
        let template = deliver::read(settings)?;
        let filled = template::fill(&template, set, &policy).map_err(invalid)?;
        let plugins = Settings::parse(&filled, settings)?.plugins;
        let problems = fit::problems(&policy, &text, &plugins);
        if problems.is_empty() {
            Ok(Self { policy, text, plugins, revision })
        } else {
            Err(invalid(problems))
        }
    }

    /// The files of `chaperone policy deliver`, of all plugins.
    pub(crate) fn ecds(&self) -> Rendered {
        let digest = self.digest();
        let revision = self.revision.as_deref().unwrap_or("0");
        let document = |plugin: &Plugin| Document {
            file: format!("{}.yaml", plugin.name),
            text: deliver::discovery_response(plugin, &self.text, &digest, revision),
        };
        let notes = fit::notes(&self.policy, &self.plugins.iter().collect::<Vec<_>>());
        Rendered { documents: self.plugins.iter().map(document).collect(), notes }
    }

    /// The plugins of a chain, in its order; of several resources those that lead to `resource`.
    fn chain(&self, chain: Chain, resource: Option<&str>) -> Result<Vec<&Plugin>, String> {
        let roots: &[&str] = match chain {
            Chain::Fused => &["fused"],
            Chain::Separate => &SEPARATE,
        };
        let mut plugins: Vec<&Plugin> = Vec::new();
        for root in roots {
            let fits = |plugin: &&Plugin| {
                plugin.root_id == *root && resource.is_none_or(|resource| plugin.resource == resource)
            };
            let mut found = self.plugins.iter().filter(fits);
            match (found.next(), found.next()) {
                (Some(plugin), None) => plugins.push(plugin),
                (Some(one), Some(other)) if one.resource != other.resource => {
                    let (one, other) = (&one.resource, &other.resource);
                    return Err(format!(
                        "`{root}` leads to `{one}` and to `{other}`; choose with --resource"
                    ));
                }
                (Some(one), Some(other)) => {
                    let (one, other) = (&one.name, &other.name);
                    return Err(format!("plugins `{one}` and `{other}` are both `{root}` for one resource"));
                }
                (None, _) => {
                    let of =
                        resource.map(|resource| format!(" for resource `{resource}`")).unwrap_or_default();
                    return Err(format!("the settings have no plugin with the `root_id` `{root}`{of}"));
                }
            }
        }
        let first = plugins.first().map(|plugin| &plugin.resource);
        if let Some(other) = plugins.iter().find(|plugin| Some(&plugin.resource) != first) {
            return Err(format!("plugin `{}` leads to `{}`, others do not", other.name, other.resource));
        }
        Ok(plugins)
    }

    /// What a filter is told, in an order for people.
    fn configuration(&self, plugin: &Plugin) -> Yaml {
        let limits = plugin.limits.as_object().is_none_or(|limits| !limits.is_empty());
        Yaml::map([("resource", plugin.resource.as_str().into()), ("sidecar", (&plugin.sidecar).into())])
            .with("limits", limits.then(|| (&plugin.limits).into()))
            .with("revision", self.revision.as_deref().map(Yaml::from))
            .with("policy", Some(self.text.as_str().into()))
    }

    /// The clusters that Envoy needs by what the settings and the policy say, the sidecar's first.
    fn clusters(&self, plugins: &[&Plugin]) -> Vec<String> {
        let sidecars = plugins.iter().filter_map(|plugin| plugin.sidecar.get("cluster")?.as_str());
        let mut names: Vec<String> = Vec::new();
        for name in sidecars.chain(self.policy.issuers().iter().map(|issuer| issuer.jwks.cluster.as_str())) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }

    /// Which of the clusters that are needed nobody said the address of. One that is not needed is a mistake.
    fn missing(&self, plugins: &[&Plugin], given: &[Cluster]) -> Result<Vec<String>, String> {
        let needed = self.clusters(plugins);
        if let Some(stranger) = given.iter().find(|cluster| !needed.contains(&cluster.name)) {
            let (stranger, needed) = (&stranger.name, needed.join("`, `"));
            return Err(format!("--cluster: nothing needs `{stranger}`; needed are `{needed}`"));
        }
        let known = |name: &String| given.iter().any(|cluster| cluster.name == *name);
        Ok(needed.into_iter().filter(|name| !known(name)).collect())
    }

    /// Whether a cluster is one of the sidecar's.
    fn is_sidecar(plugins: &[&Plugin], cluster: &Cluster) -> bool {
        let name =
            |plugin: &Plugin| plugin.sidecar.get("cluster").and_then(|name| name.as_str().map(str::to_owned));
        plugins.iter().any(|plugin| name(plugin).as_deref() == Some(cluster.name.as_str()))
    }

    /// The variables that Envoy's environment must have.
    fn variables(plugins: &[&Plugin]) -> String {
        let mut names: Vec<&str> = Vec::new();
        for name in plugins.iter().flat_map(|plugin| &plugin.env) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }

    fn digest(&self) -> String {
        self.policy.digest().to_hex()
    }
}
