//! Where Envoy gets the modules from.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::deliver::Plugin;

/// Where Envoy gets the modules from.
#[derive(Clone, Debug)]
pub(crate) enum Code {
    /// OCI images, `PREFIX/MODULE`, by tag or by digest.
    Image {
        /// Begins with `oci://`.
        prefix: String,
        tag: Option<String>,
        checksums: Vec<Checksum>,
    },
    /// Files where Envoy runs: in this directory, or where the settings say.
    Local { directory: Option<String> },
    /// `PREFIX/MODULE.wasm`, by HTTP.
    Remote {
        /// Begins with `http://` or `https://`.
        prefix: String,
        checksums: Vec<Checksum>,
    },
}

/// The SHA-256 of a module, or of its image.
#[derive(Clone, Debug)]
pub(crate) struct Checksum {
    /// The module's name: `fused`, `identity` …
    pub(crate) module: String,
    /// 64 hexadecimal digits.
    pub(crate) sha256: String,
}

/// Where one module is.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Place {
    File(String),
    Url { url: String, sha256: Option<String> },
}

impl Code {
    /// Where a plugin's module is.
    pub(super) fn place(&self, plugin: &Plugin) -> Result<Place, String> {
        let path = Path::new(&plugin.wasm);
        let part = |part: Option<&std::ffi::OsStr>| part.and_then(|part| part.to_str()).map(str::to_owned);
        let (Some(file), Some(module)) = (part(path.file_name()), part(path.file_stem())) else {
            return Err(format!("plugin `{}`: `wasm` names no file", plugin.name));
        };
        match self {
            Self::Local { directory: None } => Ok(Place::File(plugin.wasm.clone())),
            Self::Local { directory: Some(directory) } => {
                Ok(Place::File(format!("{}/{file}", directory.trim_end_matches('/'))))
            }
            Self::Image { prefix, tag, checksums } => {
                let image = format!("{}/{module}", prefix.trim_end_matches('/'));
                let url = match (known(checksums, &module), tag) {
                    (Some(sha256), _) => format!("{image}@sha256:{sha256}"),
                    (None, Some(tag)) => format!("{image}:{tag}"),
                    (None, None) => {
                        return Err(format!(
                            "which image of `{module}`? --image-tag TAG, or --sha256 {module}=HEX for its digest"
                        ));
                    }
                };
                // Istio's `sha256` of an image is its digest, not the module's; a digest in the URL is checked without it.
                Ok(Place::Url { url, sha256: None })
            }
            Self::Remote { prefix, checksums } => {
                let url = format!("{}/{file}", prefix.trim_end_matches('/'));
                let sha256 = known(checksums, &module).map(str::to_owned).or_else(|| of_file(path));
                Ok(Place::Url { url, sha256 })
            }
        }
    }

    /// The checksums that were given and are of none of these plugins' modules.
    pub(super) fn strangers(&self, plugins: &[&Plugin]) -> Result<(), String> {
        let (Self::Image { checksums, .. } | Self::Remote { checksums, .. }) = self else { return Ok(()) };
        let has = |module: &str| {
            plugins.iter().any(|plugin| {
                Path::new(&plugin.wasm).file_stem().is_some_and(|stem| stem.to_str() == Some(module))
            })
        };
        match checksums.iter().find(|checksum| !has(&checksum.module)) {
            Some(stranger) => Err(format!("--sha256: `{}` is no module of this chain", stranger.module)),
            None => Ok(()),
        }
    }
}

fn known<'a>(checksums: &'a [Checksum], module: &str) -> Option<&'a str> {
    let found = checksums.iter().find(|checksum| checksum.module == module);
    found.map(|checksum| checksum.sha256.as_str())
}

/// Of a module that is at hand here too.
fn of_file(path: &Path) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    Some(chaperone_model::Digest(Sha256::digest(bytes).into()).to_hex())
}
