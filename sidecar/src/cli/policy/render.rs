//! `chaperone policy render`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::cli::{Answer, Trouble};
use crate::deliver;
use crate::render::{
    Chain, Checksum, Cluster, Code, Document, EnvoyGateway, FailStrategy, Istio, MAX_TARGETS, Mode, Object,
    Phase, Rendered, Source, Target, is_label, is_name,
};
use crate::terminal::safe;

/// Print what a platform team applies: the policy as manifests of Istio or Envoy Gateway, or as ECDS files.
///
/// The settings are those of `policy deliver`. Placeholders in them, `${NAME}`, are filled with --set; RESOURCE (of a policy
/// that has only one) and PASSWORD_VARIABLES are known from the policy. The same input gives the same output, and nothing in
/// it is secret: passwords are named by their variables, which the proxy's environment must have.
///
///   --to ecds            the files that `policy deliver` writes, of all plugins
///   --to istio           a WasmPlugin for each module, and an EnvoyFilter with the native guard behind them
///   --to envoy-gateway   an EnvoyPatchPolicy that puts the filters and the guard in front of tcp_proxy
///
///   chaperone policy render policy.yaml --settings envoy/plugins.yaml --set WASM_DIR=/opt/chaperone --to istio \
///     --image-prefix oci://registry.example/chaperone --image-tag 0.1.0 --port 5432 --target Gateway/egress
///
/// Exit code 1, and nothing on standard output, when the policy is not valid or the settings contradict it.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The policy.
    file: PathBuf,
    /// The plugins that get it.
    #[arg(long, value_name = "FILE")]
    settings: PathBuf,
    /// For whom.
    #[arg(long, value_enum)]
    to: Platform,
    /// Fill a placeholder of the settings; may be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Write files into a directory instead of standard output.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Make it another delivery than an earlier one, such as with the commit's id: while sessions of an earlier delivery live,
    /// Envoy takes one that is all the same as that for known, and a policy could not be taken back.
    #[arg(long, value_name = "TEXT", value_parser = revision)]
    revision: Option<String>,
    /// The filters' protocol.
    #[arg(long = "type", value_enum, default_value = "network")]
    protocol: Protocol,
    #[command(flatten)]
    modules: Modules,
    #[command(flatten)]
    kubernetes: Kubernetes,
    #[command(flatten)]
    istio: IstioArgs,
    /// Envoy's name of the listener: NAMESPACE/GATEWAY/LISTENER, or tcp-PORT where Envoy Gateway names them so
    /// (XDSNameSchemeV2).
    #[arg(long, value_name = "NAME", help_heading = "Envoy Gateway")]
    listener: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Platform {
    Ecds,
    Istio,
    EnvoyGateway,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Protocol {
    /// PostgreSQL sessions.
    Network,
    /// Not there yet.
    Http,
}

/// Which modules, and where the proxy gets them from.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Modules (istio, envoy-gateway)")]
struct Modules {
    /// A module for each of the five filters, instead of the fused one.
    #[arg(long)]
    separate: bool,
    /// Of several resources in the settings, the plugins that lead to this one.
    #[arg(long, value_name = "NAME")]
    resource: Option<String>,
    /// Files where the proxy runs, in this directory; where nothing is said, where the settings say.
    #[arg(long, value_name = "DIR", group = "code")]
    wasm_dir: Option<String>,
    /// By HTTP: the file's name is put behind.
    #[arg(long, value_name = "URL", group = "code", value_parser = url_prefix)]
    url_prefix: Option<String>,
    /// Images (istio): the module's name is put behind.
    #[arg(long, value_name = "oci://…", group = "code", value_parser = image_prefix)]
    image_prefix: Option<String>,
    /// The images' tag.
    #[arg(long, value_name = "TAG", requires = "image_prefix", value_parser = tag)]
    image_tag: Option<String>,
    /// The digest of an image, or the checksum of a module that is fetched by HTTP and not at hand; may be repeated.
    #[arg(long, value_name = "MODULE=HEX", requires = "code", value_parser = checksum)]
    sha256: Vec<Checksum>,
    /// Where a cluster leads to that the settings or the policy name, http:// or https://; may be repeated.
    #[arg(long = "cluster", value_name = "NAME=URL", value_parser = cluster)]
    clusters: Vec<Cluster>,
}

/// Names of what is rendered.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Kubernetes (istio, envoy-gateway)")]
struct Kubernetes {
    /// What the objects are called; Istio's get the module's name behind it.
    #[arg(long, value_name = "NAME", default_value = "chaperone", value_parser = name)]
    name: String,
    /// Their namespace; where nothing is said, that of whoever applies them.
    #[arg(long, value_name = "NAME", value_parser = name)]
    namespace: Option<String>,
    /// A label; may be repeated.
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// What they are attached to, such as Gateway/NAME, Service/NAME; may be repeated for istio.
    #[arg(long = "target", value_name = "KIND/NAME", value_parser = Target::read)]
    targets: Vec<Target>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Istio")]
struct IstioArgs {
    /// On which port clients come; may be repeated. Without it the filters would stand before every port of the workload.
    #[arg(long = "port", value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    ports: Vec<u16>,
    /// Which way the traffic goes, as the proxy sees it; both where nothing is said.
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// A label of the workloads' pods; may be repeated.
    #[arg(long = "selector", value_name = "KEY=VALUE", value_parser = label, conflicts_with = "targets")]
    selector: Vec<(String, String)>,
    /// Where in the chain of filters; `authn` where nothing is said.
    #[arg(long, value_enum)]
    phase: Option<Phase>,
    /// What becomes of new connections after a trap; none passes without the filter. `close` where nothing is said.
    #[arg(long, value_enum)]
    fail_strategy: Option<FailStrategy>,
    /// The secret for pulling images.
    #[arg(long, value_name = "NAME", requires = "image_prefix", value_parser = name)]
    image_pull_secret: Option<String>,
}

pub(super) fn run(args: &Args, out: &mut impl Write) -> Result<Answer, Trouble> {
    if args.protocol == Protocol::Http {
        let kind = match args.to {
            Platform::Istio => "a WasmPlugin of `type: HTTP`",
            Platform::EnvoyGateway => "an EnvoyExtensionPolicy",
            Platform::Ecds => "an HTTP filter",
        };
        let why = "carries HTTP filters, and Chaperone has none yet: its filters are for PostgreSQL sessions (`--type network`)";
        return Err(Trouble::Other(format!("{kind} {why}")));
    }
    if let Some(option) = args.unheard() {
        let to = args.to.to_possible_value().map(|name| name.get_name().to_owned()).unwrap_or_default();
        return Err(Trouble::Other(format!("--{option} says nothing to {to}")));
    }
    let (set, revision) = (&args.set, args.revision.clone());
    let source = match Source::read(&args.file, &args.settings, set, revision) {
        Ok(source) => source,
        Err(error @ deliver::Error::Invalid(..)) => return Err(Trouble::Invalid(safe(&error.to_string()))),
        Err(error) => return Err(Trouble::Other(error.to_string())),
    };
    let rendered = match args.to {
        Platform::Ecds => source.ecds(),
        Platform::Istio => istio(args)?.render(&source).map_err(Trouble::Other)?,
        Platform::EnvoyGateway => envoy_gateway(args)?.render(&source).map_err(Trouble::Other)?,
    };
    tell(&rendered, args.out.as_deref(), out)?;
    Ok(Answer::Yes)
}

fn istio(args: &Args) -> Result<Istio, Trouble> {
    let missing = |what: &str| Trouble::Other(format!("--to istio needs {what}"));
    if args.istio.ports.is_empty() {
        return Err(missing("--port: without it the filters would stand before every port of the workload"));
    }
    if args.kubernetes.targets.len() > MAX_TARGETS {
        return Err(Trouble::Other(format!("--target: Istio takes at most {MAX_TARGETS}")));
    }
    Ok(Istio {
        object: args.object(),
        chain: args.chain(),
        resource: args.modules.resource.clone(),
        code: args.code(),
        clusters: args.modules.clusters.clone(),
        ports: args.istio.ports.clone(),
        mode: args.istio.mode.unwrap_or(Mode::ClientAndServer),
        phase: args.istio.phase.unwrap_or(Phase::Authn),
        fail: args.istio.fail_strategy.unwrap_or(FailStrategy::Close),
        selector: args.istio.selector.clone(),
        targets: args.kubernetes.targets.clone(),
        pull_secret: args.istio.image_pull_secret.clone(),
    })
}

fn envoy_gateway(args: &Args) -> Result<EnvoyGateway, Trouble> {
    let missing = |what: &str| Trouble::Other(format!("--to envoy-gateway needs {what}"));
    let [target] = args.kubernetes.targets.as_slice() else {
        return Err(missing("one --target, such as Gateway/NAME"));
    };
    let listener = args.listener.clone();
    Ok(EnvoyGateway {
        object: args.object(),
        chain: args.chain(),
        resource: args.modules.resource.clone(),
        code: args.code(),
        clusters: args.modules.clusters.clone(),
        listener: listener.ok_or_else(|| missing("--listener NAMESPACE/GATEWAY/LISTENER, or tcp-PORT"))?,
        target: target.clone(),
    })
}

impl Args {
    /// An option that was given and means nothing to the platform: what it says would be lost.
    fn unheard(&self) -> Option<&'static str> {
        let Self { modules, kubernetes, istio, .. } = self;
        let objects = [
            (modules.separate, "separate"),
            (modules.resource.is_some(), "resource"),
            (modules.wasm_dir.is_some(), "wasm-dir"),
            (modules.url_prefix.is_some(), "url-prefix"),
            (modules.image_prefix.is_some(), "image-prefix"),
            (!modules.clusters.is_empty(), "cluster"),
            (kubernetes.namespace.is_some(), "namespace"),
            (!kubernetes.labels.is_empty(), "label"),
            (!kubernetes.targets.is_empty(), "target"),
        ];
        let istio = [
            (!istio.ports.is_empty(), "port"),
            (istio.mode.is_some(), "mode"),
            (!istio.selector.is_empty(), "selector"),
            (istio.phase.is_some(), "phase"),
            (istio.fail_strategy.is_some(), "fail-strategy"),
        ];
        let gateway = [(self.listener.is_some(), "listener")];
        let unheard: Vec<_> = match self.to {
            Platform::Ecds => objects.iter().chain(&istio).chain(&gateway).collect(),
            Platform::Istio => gateway.iter().collect(),
            Platform::EnvoyGateway => istio.iter().collect(),
        };
        unheard.into_iter().find(|(given, _)| *given).map(|(_, option)| *option)
    }

    fn chain(&self) -> Chain {
        if self.modules.separate { Chain::Separate } else { Chain::Fused }
    }

    fn object(&self) -> Object {
        let Kubernetes { name, namespace, labels, .. } = &self.kubernetes;
        Object { name: name.clone(), namespace: namespace.clone(), labels: labels.clone() }
    }

    fn code(&self) -> Code {
        let Modules { wasm_dir, url_prefix, image_prefix, image_tag, sha256, .. } = &self.modules;
        let checksums = sha256.clone();
        match (image_prefix.clone(), url_prefix.clone()) {
            (Some(prefix), _) => Code::Image { prefix, tag: image_tag.clone(), checksums },
            (None, Some(prefix)) => Code::Remote { prefix, checksums },
            (None, None) => Code::Local { directory: wasm_dir.clone() },
        }
    }
}

/// Prints the documents, or writes files; notes go where people see them and programs do not read.
fn tell(rendered: &Rendered, directory: Option<&Path>, out: &mut impl Write) -> Result<(), Trouble> {
    let mut aside = io::stderr();
    for note in &rendered.notes {
        writeln!(aside, "chaperone: note: {}", safe(note))?;
    }
    let Some(directory) = directory else {
        for (at, Document { text, .. }) in rendered.documents.iter().enumerate() {
            write!(out, "{}{text}", if at == 0 { "" } else { "---\n" })?;
        }
        return Ok(());
    };
    let io = |path: &Path, error: &io::Error| Trouble::Other(format!("{}: {error}", path.display()));
    std::fs::create_dir_all(directory).map_err(|error| io(directory, &error))?;
    for Document { file, text } in &rendered.documents {
        let path = directory.join(file);
        deliver::replace(&path, text).map_err(|error| io(&path, &error))?;
        writeln!(out, "wrote {}", path.display())?;
    }
    Ok(())
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = pair(text)?;
    if is_label(&key, &value) { Ok((key, value)) } else { Err("it is no label of Kubernetes".to_owned()) }
}

fn name(text: &str) -> Result<String, String> {
    if is_name(text) {
        Ok(text.to_owned())
    } else {
        Err("expected small letters, digits, `-` and `.`".to_owned())
    }
}

fn revision(text: &str) -> Result<String, String> {
    // It stands in the first line of an ECDS file, and in annotations.
    let plain = (1..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if plain { Ok(text.to_owned()) } else { Err("expected 1 to 256 letters, digits and signs".to_owned()) }
}

fn url_prefix(text: &str) -> Result<String, String> {
    Cluster::new("", text).map(|_| text.to_owned())
}

fn image_prefix(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("oci://").ok_or("it must begin with oci://")?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b':');
    if rest.is_empty() || !rest.bytes().all(plain) {
        Err("it names no repository".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

fn tag(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let edge = text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric() || first == b'_');
    if edge && text.len() <= 128 && text.bytes().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("it is no tag".to_owned())
    }
}

fn checksum(text: &str) -> Result<Checksum, String> {
    let (module, hex) = text.split_once('=').ok_or("expected MODULE=HEX")?;
    let hex = hex.strip_prefix("sha256:").unwrap_or(hex).to_ascii_lowercase();
    if crate::hex::digest(&hex).is_none() {
        return Err("expected 64 hexadecimal digits".to_owned());
    }
    Ok(Checksum { module: module.to_owned(), sha256: hex })
}

fn cluster(text: &str) -> Result<Cluster, String> {
    let (name, url) = text.split_once('=').ok_or("expected NAME=URL")?;
    Cluster::new(name, url)
}
