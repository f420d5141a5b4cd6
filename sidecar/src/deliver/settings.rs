//! Which plugins get the policy, and what else each needs: a YAML file beside the Envoy configuration.

use std::path::Path;

use chaperone_policy::Tree;
use serde::Deserialize;
use serde_json::Value;

use super::{Error, invalid, read};

/// Most plugins in one file.
const MAX_PLUGINS: usize = 1000;

/// The plugins, complete.
#[derive(Debug)]
pub(crate) struct Settings {
    /// At least one; each of another name.
    pub(crate) plugins: Vec<Plugin>,
}

/// One plugin, with everything that its file needs.
#[derive(Clone, Debug)]
pub(crate) struct Plugin {
    /// Its name, that of the ECDS resource and of the file.
    pub(crate) name: String,
    /// Where Envoy finds the module.
    pub(crate) wasm: String,
    /// Which of the module's filters.
    pub(crate) root_id: String,
    /// Plugins of the same id, module and environment share a VM.
    pub(crate) vm_id: String,
    /// Which of the policy's resources the listener leads to.
    pub(crate) resource: String,
    /// How to reach the sidecar.
    pub(crate) sidecar: Value,
    /// Limits other than the filter's own.
    pub(crate) limits: Value,
    /// Environment variables that the VM sees.
    pub(crate) env: Vec<String>,
    /// The least time between two VMs after a trap.
    pub(crate) reload_interval: String,
}

/// The file: what plugins have in common, and the plugins.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    plugins: Vec<Entry>,
    resource: Option<String>,
    sidecar: Option<Value>,
    limits: Option<Value>,
    env: Option<Vec<String>>,
    reload_interval: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    wasm: String,
    root_id: Option<String>,
    vm_id: Option<String>,
    resource: Option<String>,
    sidecar: Option<Value>,
    limits: Option<Value>,
    env: Option<Vec<String>>,
    reload_interval: Option<String>,
}

impl Settings {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        Self::parse(&read(path)?, path)
    }

    /// Reads the text of a file.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        let document = Tree::from_text(text).and_then(|tree| tree.decode::<Document>());
        let document = document.map_err(|error| invalid(path, &error))?;
        let settings = Self::complete(&document, path.parent().unwrap_or(Path::new("")));
        settings.map_err(|problem| Error::Invalid(path.to_owned(), vec![problem]))
    }

    fn complete(document: &Document, beside: &Path) -> Result<Self, String> {
        if !(1..=MAX_PLUGINS).contains(&document.plugins.len()) {
            return Err(format!("`plugins` must be 1 to {MAX_PLUGINS} plugins"));
        }
        let mut plugins: Vec<Plugin> = Vec::new();
        for entry in &document.plugins {
            let plugin = complete(document, entry, beside)?;
            if plugins.iter().any(|other| other.name == plugin.name) {
                return Err(format!("plugin `{}` is there twice", plugin.name));
            }
            plugins.push(plugin);
        }
        Ok(Self { plugins })
    }
}

fn complete(document: &Document, entry: &Entry, beside: &Path) -> Result<Plugin, String> {
    let name = entry.name.clone();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || name.starts_with('.') || !name.bytes().all(plain) {
        // It becomes the name of a file.
        return Err(format!("plugin `{name}`: the name must be letters, digits, `-`, `_` and `.`"));
    }
    let missing = |field: &str| format!("plugin `{name}`: `{field}` is missing");
    let or = |own: &Option<String>, common: &Option<String>| own.clone().or_else(|| common.clone());
    let value = |own: &Option<Value>, common: &Option<Value>| own.clone().or_else(|| common.clone());
    let wasm = std::path::absolute(beside.join(&entry.wasm));
    let wasm = wasm.map_err(|error| format!("plugin `{name}`: wasm: {error}"))?;
    Ok(Plugin {
        wasm: wasm.to_string_lossy().into_owned(),
        root_id: entry.root_id.clone().unwrap_or_else(|| name.clone()),
        vm_id: entry.vm_id.clone().unwrap_or_else(|| format!("chaperone-{name}")),
        resource: or(&entry.resource, &document.resource).ok_or_else(|| missing("resource"))?,
        sidecar: value(&entry.sidecar, &document.sidecar).ok_or_else(|| missing("sidecar"))?,
        limits: value(&entry.limits, &document.limits).unwrap_or_else(|| Value::Object(Default::default())),
        env: entry.env.clone().or_else(|| document.env.clone()).unwrap_or_default(),
        reload_interval: or(&entry.reload_interval, &document.reload_interval)
            .unwrap_or_else(|| "1s".to_owned()),
        name,
    })
}
