//! Istio: a `WasmPlugin` for each module, and an `EnvoyFilter` with the guard behind them and the clusters.

use super::clusters::Cluster;
use super::code::{Code, Place};
use super::guard::guard;
use super::object::{Object, Target, size_note};
use super::yaml::Yaml;
use super::{Chain, Rendered, Source, fit};
use crate::deliver::Plugin;

/// Most objects that one `WasmPlugin` may be attached to.
pub(crate) const MAX_TARGETS: usize = 16;

/// What is said to Istio.
#[derive(Clone, Debug)]
pub(crate) struct Istio {
    pub(crate) object: Object,
    pub(crate) chain: Chain,
    pub(crate) resource: Option<String>,
    pub(crate) code: Code,
    pub(crate) clusters: Vec<Cluster>,
    /// On which ports clients come; never all of them.
    pub(crate) ports: Vec<u16>,
    pub(crate) mode: Mode,
    pub(crate) phase: Phase,
    pub(crate) fail: FailStrategy,
    /// Labels of the workloads; not together with targets.
    pub(crate) selector: Vec<(String, String)>,
    pub(crate) targets: Vec<Target>,
    pub(crate) pull_secret: Option<String>,
}

/// Which way the traffic goes, as the proxy sees it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Mode {
    /// Out of the workload, or through a gateway.
    Client,
    /// Into the workload.
    Server,
    /// Both.
    ClientAndServer,
}

/// Where in the chain.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Phase {
    /// Before all else.
    Authn,
    /// The same place among network filters, behind plugins of `authn`.
    Authz,
    /// Behind Istio's authorization policies.
    Stats,
}

/// What becomes of a worker's connections after a trap. Nothing passes without a filter in any case.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum FailStrategy {
    /// New ones are refused until the proxy starts again.
    Close,
    /// The next one gets a fresh VM (Istio 1.25).
    Reload,
}

impl Istio {
    /// The manifests.
    pub(crate) fn render(&self, source: &Source) -> Result<Rendered, String> {
        let plugins = source.chain(self.chain, self.resource.as_deref())?;
        self.code.strangers(&plugins)?;
        let mut missing = source.missing(&plugins, &self.clusters)?;
        // Istio makes these itself.
        missing.retain(|name| !name.starts_with("outbound|"));
        let mut notes = fit::notes(&source.policy, &plugins);
        let mut documents = Vec::new();
        // Within a phase the higher priority comes first.
        let priorities = (1..=plugins.len()).rev().map(|place| (place.saturating_mul(10)).to_string());
        for (plugin, priority) in plugins.iter().zip(priorities) {
            let comments = [
                "Rendered by `chaperone policy render`: change the policy or the settings, not this."
                    .to_owned(),
                format!("The proxy's environment must have: {}", Source::variables(&[plugin])),
            ];
            let place = self.code.place(plugin)?;
            if let Place::Url { url, sha256: None } = &place {
                if !url.starts_with("oci://") {
                    notes.push(format!(
                        "{url} is not checked: the module is not at hand, and --sha256 names none"
                    ));
                }
            }
            let spec = self.plugin(source, plugin, place, priority);
            let kind = ("extensions.istio.io/v1alpha1", "WasmPlugin");
            documents.push(self.object.document(source, kind, &plugin.root_id, &comments, spec)?);
        }
        let mut comments = vec![
            "Nothing passes where a wasm filter is missing; it belongs to the WasmPlugins, apply it with them.".to_owned(),
        ];
        if !missing.is_empty() {
            let line = format!(
                "the proxy must have the clusters `{}`; render them with --cluster",
                missing.join("`, `")
            );
            comments.push(format!("Not here: {line}."));
            notes.push(line);
        }
        let spec = self.filter(&plugins);
        let kind = ("networking.istio.io/v1alpha3", "EnvoyFilter");
        documents.push(self.object.document(source, kind, "guard", &comments, spec)?);
        if self.selector.is_empty() && self.targets.is_empty() {
            notes.push("without --selector or --target every workload of the namespace is meant".to_owned());
        }
        if let Some(target) = self.targets.iter().find(|target| !target.is_gateway()) {
            let target = target.shown();
            notes.push(format!(
                "{target} is served by a waypoint, where the EnvoyFilter with the guard does not reach"
            ));
        }
        notes.extend(size_note(&documents));
        Ok(Rendered { documents, notes })
    }

    fn plugin(&self, source: &Source, plugin: &Plugin, place: Place, priority: String) -> Yaml {
        let (url, sha256) = match place {
            Place::File(path) => (format!("file://{path}"), None),
            Place::Url { url, sha256 } => (url, sha256),
        };
        let ports = self.ports.iter().map(|port| Yaml::map([("number", Yaml::from(*port))]));
        let traffic = Yaml::map([("mode", self.mode.name().into()), ("ports", Yaml::list(ports))]);
        let variable =
            |name: &String| Yaml::map([("name", name.as_str().into()), ("valueFrom", "HOST".into())]);
        let env = || Yaml::map([("env", Yaml::list(plugin.env.iter().map(variable)))]);
        Yaml::map([])
            .with("selector", self.labels().map(|labels| Yaml::map([("matchLabels", labels)])))
            .with("targetRefs", self.targets())
            .with("type", Some("NETWORK".into()))
            .with("url", Some(url.as_str().into()))
            .with("sha256", sha256.as_deref().map(Yaml::from))
            .with("imagePullSecret", self.pull_secret.as_deref().map(Yaml::from))
            .with("phase", Some(self.phase.name().into()))
            .with("priority", Some(Yaml::Number(priority)))
            .with("failStrategy", Some(self.fail.name().into()))
            .with("match", Some(Yaml::list([traffic])))
            .with("pluginName", Some(plugin.root_id.as_str().into()))
            .with("vmConfig", (!plugin.env.is_empty()).then(env))
            .with("pluginConfig", Some(source.configuration(plugin)))
    }

    fn filter(&self, plugins: &[&Plugin]) -> Yaml {
        let proxy = || Yaml::map([("name", super::TCP_PROXY.into())]);
        let mut patches = Vec::new();
        for context in self.mode.contexts() {
            for port in &self.ports {
                let chain = Yaml::map([("filter", proxy())]);
                let listener = Yaml::map([("portNumber", Yaml::from(*port)), ("filterChain", chain)]);
                patches.push(Yaml::map([
                    ("applyTo", "NETWORK_FILTER".into()),
                    ("match", Yaml::map([("context", (*context).into()), ("listener", listener)])),
                    ("patch", Yaml::map([("operation", "INSERT_BEFORE".into()), ("value", guard(plugins))])),
                ]));
            }
        }
        for cluster in &self.clusters {
            let value = cluster.yaml(Source::is_sidecar(plugins, cluster));
            patches.push(Yaml::map([
                ("applyTo", "CLUSTER".into()),
                ("match", Yaml::map([("context", "ANY".into())])),
                ("patch", Yaml::map([("operation", "ADD".into()), ("value", value)])),
            ]));
        }
        Yaml::map([])
            .with("workloadSelector", self.labels().map(|labels| Yaml::map([("labels", labels)])))
            .with("targetRefs", self.targets())
            .with("configPatches", Some(Yaml::List(patches)))
    }

    fn labels(&self) -> Option<Yaml> {
        let labels = self.selector.iter().map(|(key, value)| (key.clone(), value.as_str().into()));
        (!self.selector.is_empty()).then(|| Yaml::Map(labels.collect()))
    }

    fn targets(&self) -> Option<Yaml> {
        (!self.targets.is_empty()).then(|| Yaml::list(self.targets.iter().map(Target::yaml)))
    }
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::Client => "CLIENT",
            Self::Server => "SERVER",
            Self::ClientAndServer => "CLIENT_AND_SERVER",
        }
    }

    /// The same for an `EnvoyFilter`, to which a gateway is neither.
    fn contexts(self) -> &'static [&'static str] {
        match self {
            Self::Client => &["SIDECAR_OUTBOUND", "GATEWAY"],
            Self::Server => &["SIDECAR_INBOUND"],
            Self::ClientAndServer => &["ANY"],
        }
    }
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Self::Authn => "AUTHN",
            Self::Authz => "AUTHZ",
            Self::Stats => "STATS",
        }
    }
}

impl FailStrategy {
    fn name(self) -> &'static str {
        match self {
            Self::Close => "FAIL_CLOSE",
            Self::Reload => "FAIL_RELOAD",
        }
    }
}
