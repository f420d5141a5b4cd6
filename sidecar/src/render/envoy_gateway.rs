//! Envoy Gateway: an `EnvoyPatchPolicy` that puts the filters in front of `tcp_proxy`, and the guard behind them.

use super::clusters::Cluster;
use super::code::{Code, Place};
use super::guard::guard;
use super::object::{Object, Target, size_note};
use super::yaml::Yaml;
use super::{Chain, Rendered, Source, fit};
use crate::deliver::Plugin;

/// What is said to Envoy Gateway.
#[derive(Clone, Debug)]
pub(crate) struct EnvoyGateway {
    pub(crate) object: Object,
    pub(crate) chain: Chain,
    pub(crate) resource: Option<String>,
    pub(crate) code: Code,
    pub(crate) clusters: Vec<Cluster>,
    /// Envoy's name of the listener.
    pub(crate) listener: String,
    pub(crate) target: Target,
}

/// Envoy's type of listeners, and of clusters.
const LISTENER: &str = "type.googleapis.com/envoy.config.listener.v3.Listener";
const CLUSTER: &str = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
/// The cluster that modules are fetched through.
const MODULES: &str = "chaperone_modules";

impl EnvoyGateway {
    /// The manifest.
    pub(crate) fn render(&self, source: &Source) -> Result<Rendered, String> {
        if !self.target.is_gateway() {
            return Err(format!(
                "--target: `{}` is neither a Gateway nor a GatewayClass",
                self.target.shown()
            ));
        }
        let plugins = source.chain(self.chain, self.resource.as_deref())?;
        self.code.strangers(&plugins)?;
        let missing = source.missing(&plugins, &self.clusters)?;
        let mut notes = fit::notes(&source.policy, &plugins);
        let filters =
            plugins.iter().map(|plugin| self.filter(source, plugin)).collect::<Result<Vec<_>, _>>()?;
        let mut patches: Vec<_> = filters
            .into_iter()
            .chain([guard(&plugins)])
            .map(|filter| self.before_tcp_proxy(filter))
            .collect();
        for cluster in &self.clusters {
            patches.push(added(&cluster.name, cluster.yaml(Source::is_sidecar(&plugins, cluster))));
        }
        if let Code::Remote { prefix, .. } = &self.code {
            patches.push(added(MODULES, Cluster::new(MODULES, prefix)?.yaml(false)));
        }
        let spec = Yaml::map([
            ("targetRef", self.target.yaml()),
            ("type", "JSONPatch".into()),
            ("jsonPatches", Yaml::List(patches)),
        ]);
        let mut comments: Vec<_> = COMMENTS.map(str::to_owned).into();
        comments.push(format!("Envoy's environment must have: {}", Source::variables(&plugins)));
        if !missing.is_empty() {
            let line = format!(
                "Envoy must have the clusters `{}`; render them with --cluster",
                missing.join("`, `")
            );
            comments.push(format!("Not here: {line}."));
            notes.push(line);
        }
        let kind = ("gateway.envoyproxy.io/v1alpha1", "EnvoyPatchPolicy");
        let documents = vec![self.object.document(source, kind, "", &comments, spec)?];
        notes.extend(size_note(&documents));
        Ok(Rendered { documents, notes })
    }

    /// A patch of the listener: right before `tcp_proxy`, hence behind what was put there before.
    fn before_tcp_proxy(&self, filter: Yaml) -> Yaml {
        let path = format!("$.filter_chains[*].filters[?(@.name=='{}')]", super::TCP_PROXY);
        let operation =
            Yaml::map([("op", "add".into()), ("jsonPath", path.as_str().into()), ("value", filter)]);
        Yaml::map([
            ("type", LISTENER.into()),
            ("name", self.listener.as_str().into()),
            ("operation", operation),
        ])
    }

    fn filter(&self, source: &Source, plugin: &Plugin) -> Result<Yaml, String> {
        let code = match self.code.place(plugin)? {
            Place::File(path) => Yaml::map([("local", Yaml::map([("filename", path.as_str().into())]))]),
            Place::Url { url, .. } if url.starts_with("oci://") => {
                return Err("Envoy fetches no images: --wasm-dir, or --url-prefix with http:// or https://"
                    .to_owned());
            }
            Place::Url { url, sha256: None } => {
                let why =
                    "Envoy wants its SHA-256; the module is not at hand, so say it with --sha256 MODULE=HEX";
                return Err(format!("{url}: {why}"));
            }
            Place::Url { url, sha256: Some(sha256) } => {
                let uri = Yaml::map([
                    ("uri", url.as_str().into()),
                    ("cluster", MODULES.into()),
                    ("timeout", "30s".into()),
                ]);
                Yaml::map([("remote", Yaml::map([("http_uri", uri), ("sha256", Yaml::Text(sha256))]))])
            }
        };
        let env = Yaml::list(plugin.env.iter().map(|name| name.as_str().into()));
        let vm = Yaml::map([
            ("vm_id", plugin.vm_id.as_str().into()),
            ("runtime", "envoy.wasm.runtime.v8".into()),
            ("code", code),
            ("environment_variables", Yaml::map([("host_env_keys", env)])),
        ]);
        let backoff = Yaml::map([("base_interval", plugin.reload_interval.as_str().into())]);
        let configuration = Yaml::map([
            ("@type", "type.googleapis.com/google.protobuf.StringValue".into()),
            ("value", Yaml::Text(source.configuration(plugin).text())),
        ]);
        let config = Yaml::map([
            ("name", plugin.name.as_str().into()),
            ("root_id", plugin.root_id.as_str().into()),
            ("failure_policy", "FAIL_RELOAD".into()),
            ("reload_config", Yaml::map([("backoff", backoff)])),
            ("vm_config", vm),
            ("configuration", configuration),
        ]);
        let typed = Yaml::map([
            ("@type", "type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm".into()),
            ("config", config),
        ]);
        Ok(Yaml::map([("name", plugin.name.as_str().into()), ("typed_config", typed)]))
    }
}

/// What whoever applies it must know.
const COMMENTS: [&str; 4] = [
    "Rendered by `chaperone policy render`: change the policy or the settings, not this.",
    "Envoy Gateway takes it where its configuration has `extensionApis: { enableEnvoyPatchPolicy: true }`. What it cannot",
    "apply it leaves out, and the listener goes on WITHOUT the filters: see that the status says `Programmed: True`, and that",
    "agents have no password of the target and no other way to it.",
];

fn added(name: &str, cluster: Yaml) -> Yaml {
    let operation = Yaml::map([("op", "add".into()), ("path", "".into()), ("value", cluster)]);
    Yaml::map([("type", CLUSTER.into()), ("name", name.into()), ("operation", operation)])
}
