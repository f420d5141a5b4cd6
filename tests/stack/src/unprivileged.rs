//! PostgreSQL refuses to run as root: how to run it when we are.

use std::ffi::OsStr;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::getuid;

use crate::error::Error;

/// `nobody`, on every Linux.
const USER: u32 = 65_534;

/// How a program runs without being root.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unprivileged {
    /// As `nobody`.
    AnotherUser,
    /// As root who is called `nobody`, in a user namespace: where `nobody` may not enter the repository's directory, such as
    /// root's home, or a container has no other users.
    Namespace,
    /// As we are.
    Same,
}

impl Unprivileged {
    /// The way that lets a program run and use a directory.
    pub(crate) fn choose(program: &Path, directory: &Path) -> Result<Self, Error> {
        if !getuid().is_root() {
            return Ok(Self::Same);
        }
        let reaches = |way: &Self| {
            let mut test = way.command("test".as_ref());
            test.arg("-x").arg(program).arg("-a").arg("-x").arg(directory).stderr(Stdio::null());
            test.status().is_ok_and(|status| status.success())
        };
        [Self::AnotherUser, Self::Namespace].into_iter().find(reaches).ok_or_else(|| {
            let directory = directory.display();
            Error::Setting(format!(
                "PostgreSQL does not run as root, and other users may not enter `{directory}`: clone into a directory that \
                 everybody may enter, or be another user"
            ))
        })
    }

    /// The words before the program.
    pub(crate) fn prefix(self) -> &'static [&'static str] {
        match self {
            Self::AnotherUser => &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"],
            Self::Namespace => &["unshare", "--user", "--map-user=65534", "--map-group=65534", "--"],
            Self::Same => &[],
        }
    }

    /// A short-lived program.
    pub(crate) fn command(self, program: &OsStr) -> Command {
        let mut words = self.prefix().iter().map(OsStr::new).chain([program]);
        let mut command = Command::new(words.next().unwrap_or(program));
        command.args(words).current_dir("/").stdin(Stdio::null());
        command
    }

    /// Gives it a file or directory.
    pub(crate) fn own(self, path: &Path) -> Result<(), Error> {
        match self {
            Self::AnotherUser => chown(path, Some(USER), Some(USER)).map_err(Error::file(path)),
            Self::Namespace | Self::Same => Ok(()),
        }
    }
}
