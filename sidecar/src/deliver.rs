//! Delivery of a policy to Envoy: one ECDS file a plugin, replaced in one step, and only by a valid policy.
//!
//! Envoy watches the directory for files that are moved into it and pushes a changed plugin configuration to all
//! workers. What is not a policy never gets that far: the old files stay, and the old policy goes on.

mod envoy;
mod fit;
mod settings;
mod watch;

#[cfg(test)]
mod tests;

pub(crate) use envoy::{discovery_response, quoted};
pub(crate) use fit::problem;
pub(crate) use settings::{Plugin, Settings};
pub(crate) use watch::Watch;

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use chaperone_policy::Policy;

/// Where the policy comes from and where it goes.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    policy: PathBuf,
    settings: PathBuf,
    directory: PathBuf,
}

/// What was delivered.
#[derive(Debug)]
pub(crate) struct Delivered {
    /// The policy's name.
    pub(crate) policy: String,
    /// The policy's digest, hexadecimal.
    pub(crate) digest: String,
    /// The files that are new or changed.
    pub(crate) changed: Vec<PathBuf>,
    /// How many files there are.
    pub(crate) files: usize,
}

/// Why nothing was delivered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A file cannot be read or written.
    #[error("{path}: {1}", path = .0.display())]
    Io(PathBuf, io::Error),
    /// A document is not what it must be; each problem with its line.
    #[error("{}", problems(.0, .1))]
    Invalid(PathBuf, Vec<String>),
}

impl Delivery {
    /// Of a policy, to the plugins of some settings, into a directory.
    pub(crate) fn new(policy: PathBuf, settings: PathBuf, directory: PathBuf) -> Self {
        Self { policy, settings, directory }
    }

    /// Delivers, unless anything is wrong.
    pub(crate) fn run(&self) -> Result<Delivered, Error> {
        let text = read(&self.policy)?;
        let policy = check(&self.policy, &text)?;
        let settings = Settings::read(&self.settings)?;
        // The filter would refuse it too, but only Envoy's log would tell.
        let problems: Vec<_> =
            settings.plugins.iter().filter_map(|plugin| problem(plugin, &policy, &text)).collect();
        if !problems.is_empty() {
            return Err(Error::Invalid(self.settings.clone(), problems));
        }
        let made = fs::create_dir_all(&self.directory);
        made.map_err(|error| Error::Io(self.directory.clone(), error))?;
        let digest = policy.digest().to_hex();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let revision = now.as_nanos().to_string();
        let mut changed = Vec::new();
        for plugin in &settings.plugins {
            let path = self.directory.join(format!("{}.yaml", plugin.name));
            let before = fs::read_to_string(&path).unwrap_or_default();
            let same = envoy::revision(&before)
                .is_some_and(|revision| before == discovery_response(plugin, &text, &digest, revision));
            if same {
                continue;
            }
            let content = discovery_response(plugin, &text, &digest, &revision);
            replace(&path, &content).map_err(|error| Error::Io(path.clone(), error))?;
            changed.push(path);
        }
        Ok(Delivered { policy: policy.name().to_owned(), digest, changed, files: settings.plugins.len() })
    }
}

/// Reads a policy and says what is wrong with it.
pub(crate) fn check(path: &Path, text: &str) -> Result<Policy, Error> {
    Policy::from_text(text).map_err(|error| invalid(path, &error))
}

/// A text file.
pub(crate) fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|error| Error::Io(path.to_owned(), error))
}

fn invalid(path: &Path, error: &chaperone_policy::Error) -> Error {
    let problems = error.problems().iter().map(ToString::to_string).collect();
    Error::Invalid(path.to_owned(), problems)
}

fn problems(path: &Path, problems: &[String]) -> String {
    let line = |problem: &String| format!("{}: {problem}", path.display());
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Puts a file in place in one step.
pub(crate) fn replace(path: &Path, content: &str) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let mut file = File::create(&draft)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)
}
