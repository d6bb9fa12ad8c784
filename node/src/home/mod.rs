//! The directory of one node: where its files are, who may read them, and that one process uses it.
//!
//! Never widens a permission, never overwrites a file that it did not write, and never deletes anything.

mod files;
mod lock;

#[cfg(test)]
mod tests;

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

pub(crate) use self::{
    files::{check_private, create_new, replace},
    lock::HomeLock,
};
use crate::{
    config::Config,
    durable,
    exit::{Exit, Failure},
};

/// Directories of a home and their modes.
const DIRECTORIES: [(&str, u32); 5] =
    [("config", 0o700), ("secrets", 0o700), ("data", 0o700), ("capture", 0o700), ("run", 0o700)];

/// The paths of one node.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    root: PathBuf,
}

impl Home {
    /// Names a directory; looks at nothing.
    pub(crate) fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Makes the directories of a new home. One that is there already must be empty.
    ///
    /// # Errors
    /// If there is something, or nothing can be made.
    pub(crate) fn create(root: impl Into<PathBuf>) -> Result<Self, Failure> {
        let home = Self::at(root);
        let root = home.root.display();
        match fs::read_dir(&home.root).map(|mut entries| entries.next().is_some()) {
            Ok(true) => {
                let what =
                    format!("{root} is not empty, and nothing in it was changed; name another");
                return Err(Failure::new(Exit::Usage, what));
            }
            Ok(false) => fs::set_permissions(&home.root, fs::Permissions::from_mode(0o700))
                .and_then(|()| durable::sync_parent(&home.root))
                .map_err(|error| failed("make private", &home.root, &error))?,
            Err(_) => make_directory(&home.root, 0o700)?,
        }
        for (name, mode) in DIRECTORIES {
            make_directory(&home.root.join(name), mode)?;
        }
        Ok(home)
    }

    /// Makes the directories again that can be lost without harm. Never the one of secrets.
    ///
    /// # Errors
    /// If one cannot be made.
    pub(crate) fn restore_directories(&self) -> Result<(), Failure> {
        for (name, mode) in DIRECTORIES {
            let path = self.root.join(name);
            if matches!(name, "data" | "capture" | "run") && !path.exists() {
                make_directory(&path, mode)?;
            }
        }
        Ok(())
    }

    /// The directory itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The configuration.
    pub(crate) fn config_file(&self) -> PathBuf {
        self.root.join("config/node.toml")
    }

    /// The genesis of a home that says nothing else.
    pub(crate) fn genesis_file(&self) -> PathBuf {
        self.root.join("config/genesis.json")
    }

    /// The database.
    pub(crate) fn data(&self) -> PathBuf {
        self.root.join("data/db")
    }

    /// The recording.
    pub(crate) fn capture(&self) -> PathBuf {
        self.root.join("capture")
    }

    /// Where a running node says what it listens on.
    pub(crate) fn addresses_file(&self) -> PathBuf {
        self.root.join("run/addresses.json")
    }

    /// The lock of the process that uses it.
    pub(crate) fn lock_file(&self) -> PathBuf {
        self.root.join("run/lock")
    }

    /// A path of the configuration, which counts from here.
    pub(crate) fn resolve(&self, path: &Path) -> PathBuf {
        self.root.join(path)
    }

    /// Refuses a home that is not there, or that others could read the secrets of.
    ///
    /// # Errors
    /// [`Exit::Key`] with the mode and the command that mends it; [`Exit::Config`] without a home.
    pub(crate) fn check(&self, config: &Config) -> Result<(), Failure> {
        if !self.root.is_dir() {
            let what = format!("{} is no home; `quorate init` makes one", self.root.display());
            return Err(Failure::new(Exit::Config, what));
        }
        check_private(&self.root)?;
        let secrets = &config.secrets;
        for path in [&secrets.node_key, &secrets.consensus_key, &secrets.sign_state] {
            let path = self.resolve(path);
            if !path.exists() {
                continue;
            }
            check_private(&path)?;
            match path.parent() {
                Some(parent) if parent != self.root => check_private(parent)?,
                _ => {}
            }
        }
        Ok(())
    }
}

fn make_directory(path: &Path, mode: u32) -> Result<(), Failure> {
    durable::create_directory(path, mode).map_err(|error| failed("create", path, &error))
}

/// What could not be done with a file: full and failing disks have a code of their own.
pub(crate) fn failed(verb: &str, path: &Path, error: &std::io::Error) -> Failure {
    use std::io::ErrorKind;
    let exit = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem => {
            Exit::Disk
        }
        ErrorKind::PermissionDenied | ErrorKind::NotFound | ErrorKind::AlreadyExists => {
            Exit::Config
        }
        ErrorKind::NotADirectory | ErrorKind::IsADirectory => Exit::Config,
        _ => Exit::Disk,
    };
    Failure::new(exit, format!("cannot {verb} {}: {error}", path.display()))
}

/// The permission bits of a file, for messages.
fn mode_of(metadata: &fs::Metadata) -> u32 {
    metadata.mode() & 0o7777
}
