//! What says of a key without a home what it has signed: a sign-state beside it.
//!
//! It is made together with the key, by `quorate key gen --consensus`, and says that the key was never used. It
//! exists once, and goes where the key goes: whoever takes a key into a home takes it away here first, so that
//! no copy of the key, from a backup or from a step that was interrupted, is one that may sign.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use quorate_core::{crypto::PublicKey, types::Digest};

use super::{
    SignerError,
    book::{self, Book, Identity, Unreadable},
    disk::Disk as _,
    failed, open_alone, place, unreadable,
};
use crate::{durable, store::guard};

/// The chain of a key that has not seen one: no genesis has this digest.
const NO_CHAIN: Digest = Digest::ZERO;

/// The sign-state of a key that has no home yet, which nobody else uses meanwhile.
#[derive(Debug)]
pub(crate) struct Companion {
    path: PathBuf,
    /// What the home's sign-state will be.
    content: Vec<u8>,
    _file: File,
}

impl Companion {
    /// Where it lies.
    pub(crate) fn path_of(key_file: &Path) -> PathBuf {
        let mut name = key_file.file_name().unwrap_or_default().to_owned();
        name.push(".sign-state");
        key_file.with_file_name(name)
    }

    /// Says of a key that it has signed nothing: once, by whoever made it a moment ago.
    ///
    /// # Errors
    /// If there is one already, or the disk fails.
    pub(crate) fn create(key_file: &Path, key: PublicKey) -> Result<PathBuf, SignerError> {
        guard::check();
        let path = Self::path_of(key_file);
        let bytes = book::blank(&Identity { genesis: NO_CHAIN, key });
        match place(&path, &bytes) {
            Ok(()) => Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(SignerError::Exists { path })
            }
            Err(error) => Err(failed(&path, &error)),
        }
    }

    /// Opens that of a key: of no chain yet, or of this one, from the home that the key has left.
    ///
    /// # Errors
    /// If it is missing, damaged, of another key or chain, open to others or in use.
    pub(crate) fn open(
        key_file: &Path,
        key: PublicKey,
        genesis: Digest,
    ) -> Result<Self, SignerError> {
        guard::check();
        let path = Self::path_of(key_file);
        let file = open_alone(&path).map_err(|error| match error {
            SignerError::Missing { path } => {
                SignerError::Unaccompanied { path, key_file: key_file.to_path_buf() }
            }
            other => other,
        })?;
        let here = Identity { genesis, key };
        let unused = book::read(&file, &Identity { genesis: NO_CHAIN, key });
        let content = match unused {
            Ok(_) => book::blank(&here),
            Err(Unreadable::OtherGenesis(_)) => {
                let second = file.try_clone().map_err(|error| failed(&path, &error))?;
                Book::open(second, here).map_err(|error| unreadable(error, &path, &here))?;
                file.read().map_err(|error| failed(&path, &error))?
            }
            Err(error) => return Err(unreadable(error, &path, &here)),
        };
        Ok(Self { path, content, _file: file })
    }

    /// Makes it the sign-state of a home. At no time are there two that could be used: it is written under
    /// another name, taken away here, and only then given its own. Who is interrupted in between finds it
    /// under that other name and nowhere else.
    ///
    /// # Errors
    /// If there is one already, or the disk fails.
    pub(crate) fn move_to(self, to: &Path) -> Result<(), SignerError> {
        guard::check();
        if to.exists() {
            return Err(SignerError::Exists { path: to.to_path_buf() });
        }
        let arriving = Self::arriving(to);
        place(&arriving, &self.content).map_err(|error| failed(&arriving, &error))?;
        durable::remove(&self.path).map_err(|error| failed(&self.path, &error))?;
        durable::rename(&arriving, to).map_err(|error| failed(to, &error))
    }

    /// The other name.
    fn arriving(to: &Path) -> PathBuf {
        to.with_extension("arriving")
    }
}

#[cfg(test)]
mod tests;
