//! A directory of private keys, one file each: `NNNN-ALGORITHM.pem`, the highest number the newest.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use chaperone_token::Algorithm;
use chaperone_token::sign::{self, SigningKey};
use serde_json::{Value, json};

/// How many keys, the newest, are published; older ones are as good as gone.
const MAX_PUBLISHED: usize = 16;

/// The keys of a directory.
#[derive(Debug)]
pub(crate) struct KeyRing {
    directory: PathBuf,
    /// By number, the newest last.
    files: Vec<(u32, Algorithm, PathBuf)>,
}

/// What is wrong with the keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The file system.
    #[error("{path}: {1}", path = .0.display())]
    Io(PathBuf, io::Error),
    /// A key cannot be read, made or used.
    #[error("{path}: {1}", path = .0.display())]
    Key(PathBuf, sign::Error),
}

impl KeyRing {
    /// Opens a directory, making it if need be.
    pub(crate) fn open(directory: &Path) -> Result<Self, Error> {
        let at = |error| Error::Io(directory.to_owned(), error);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(at)?;
        let mut files = Vec::new();
        for entry in fs::read_dir(directory).map_err(at)? {
            let path = entry.map_err(at)?.path();
            if let Some((number, algorithm)) = name(&path) {
                files.push((number, algorithm, path));
            }
        }
        files.sort_by_key(|(number, ..)| *number);
        Ok(Self { directory: directory.to_owned(), files })
    }

    /// The newest key (of an algorithm); makes one where there is none.
    pub(crate) fn signing(&self, algorithm: Option<Algorithm>) -> Result<SigningKey, Error> {
        let fits = |of: Algorithm| algorithm.is_none_or(|wanted| wanted == of);
        match self.files.iter().rev().find(|(_, of, _)| fits(*of)) {
            Some((_, algorithm, path)) => read(*algorithm, path),
            None => self.add(algorithm),
        }
    }

    /// Makes a key, which is the newest from now on. Without an algorithm, of that of the newest so far.
    pub(crate) fn add(&self, algorithm: Option<Algorithm>) -> Result<SigningKey, Error> {
        let newest = self.files.last();
        let algorithm = algorithm.or(newest.map(|(_, algorithm, _)| *algorithm)).unwrap_or(Algorithm::Es256);
        let at = |error| Error::Key(self.directory.clone(), error);
        let key = SigningKey::generate(algorithm).map_err(at)?;
        let pem = key.to_pem().map_err(at)?;
        let mut number = newest.map_or(0, |(number, ..)| *number);
        loop {
            number = number.saturating_add(1);
            let path = self.directory.join(format!("{number:04}-{algorithm}.pem"));
            // Under another name first, so that nobody reads half a key.
            let draft = self.directory.join(format!(".{number:04}-{}.draft", std::process::id()));
            let io = |error| Error::Io(path.clone(), error);
            let written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft);
            written.and_then(|mut file| file.write_all(pem.as_bytes())).map_err(io)?;
            let linked = fs::hard_link(&draft, &path);
            fs::remove_file(&draft).map_err(io)?;
            match linked {
                // Somebody else has taken the number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < u32::MAX => {}
                linked => return linked.map(|()| key).map_err(io),
            }
        }
    }

    /// The public keys as a JWK set, the newest first.
    pub(crate) fn key_set(&self) -> Result<Value, Error> {
        let newest = self.files.iter().rev().take(MAX_PUBLISHED);
        let keys = newest.map(|(_, algorithm, path)| Ok(read(*algorithm, path)?.public_jwk()));
        Ok(json!({ "keys": keys.collect::<Result<Vec<_>, Error>>()? }))
    }
}

fn read(algorithm: Algorithm, path: &Path) -> Result<SigningKey, Error> {
    let pem = fs::read_to_string(path).map_err(|error| Error::Io(path.to_owned(), error))?;
    SigningKey::from_pem(algorithm, &pem).map_err(|error| Error::Key(path.to_owned(), error))
}

fn name(path: &Path) -> Option<(u32, Algorithm)> {
    let stem = path.file_name()?.to_str()?.strip_suffix(".pem")?;
    let (number, algorithm) = stem.split_once('-')?;
    Some((number.parse().ok()?, Algorithm::from_name(algorithm)?))
}
