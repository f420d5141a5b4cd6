//! The directory of one stack: configuration, logs, data. It goes with the stack, unless a test has just failed.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::Error;

/// Directories without a name of their own are `test-PID-NUMBER`.
const NAMELESS: &str = "test-";
/// Those of the demo: nobody looks into one that was broken off.
pub(crate) const DEMO: &str = "demo-";

/// The directory of one stack.
#[derive(Debug)]
pub(crate) struct RunDir {
    path: PathBuf,
    keep: bool,
}

impl RunDir {
    /// An empty directory `target/run/NAME`.
    pub(crate) fn new(root: &Path, name: &str) -> Result<Self, Error> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let runs = root.join("target/run");
        sweep(&runs);
        let path = match name {
            "" | DEMO => {
                let prefix = if name.is_empty() { NAMELESS } else { DEMO };
                let number = NEXT.fetch_add(1, Ordering::Relaxed);
                runs.join(format!("{prefix}{}-{number}", std::process::id()))
            }
            name => runs.join(name),
        };
        if path.exists() {
            fs::remove_dir_all(&path).map_err(Error::file(&path))?;
        }
        fs::create_dir_all(&path).map_err(Error::file(&path))?;
        Ok(Self { path, keep: std::env::var_os("CHAPERONE_KEEP_RUN").is_some() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A new directory inside.
    pub(crate) fn create(&self, name: &str) -> Result<PathBuf, Error> {
        let path = self.join(name);
        fs::create_dir_all(&path).map_err(Error::file(&path))?;
        Ok(path)
    }

    /// A file inside, replaced whole.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf, Error> {
        let path = self.join(name);
        replace(&path, text)?;
        Ok(path)
    }

    /// Leaves the directory behind.
    pub(crate) fn keep(&mut self) {
        self.keep = true;
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        if self.keep || std::thread::panicking() {
            return;
        }
        // A directory that cannot be removed is swept away by a later run.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Writes a file beside `path` and moves it into place: who watches `path` sees the old text or the new one.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), Error> {
    replace_with(path, text, 0o644)
}

/// As [`replace`], for what nobody but its owner may read.
pub(crate) fn replace_secret(path: &Path, text: &str) -> Result<(), Error> {
    replace_with(path, text, 0o600)
}

fn replace_with(path: &Path, text: &str, mode: u32) -> Result<(), Error> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    // One that was left behind would keep its mode.
    let _ = fs::remove_file(&beside);
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(Error::file(&beside))?;
    fs::rename(&beside, path).map_err(Error::file(path))
}

/// Removes what processes have left behind that are gone, but not what a failed test left within the last hour.
fn sweep(runs: &Path) {
    let Ok(entries) = runs.read_dir() else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let of_test = name.strip_prefix(NAMELESS);
        let Some(owner) = of_test.or_else(|| name.strip_prefix(DEMO)).and_then(|rest| rest.split('-').next())
        else {
            continue;
        };
        let alive = Path::new("/proc").join(owner).exists();
        let recent = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .is_ok_and(|time| time.elapsed().is_ok_and(|age| age.as_secs() < 3600));
        let of_interest = of_test.is_some() && recent;
        if !alive && !of_interest {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
