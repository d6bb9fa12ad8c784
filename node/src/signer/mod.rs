//! The consensus key and what it has promised.
//!
//! A pledge is written down beside the key and made durable before it is signed; what could contradict an
//! earlier promise is refused, whatever the rest of the node believes. The record is the only authority on
//! that: a key whose record is missing or damaged signs nothing, since nobody can know what it has signed.
//! Implements P50, P51, P53 and P56.

mod book;
mod companion;
mod disk;
mod error;

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use quorate_core::{
    committee::Committee,
    config::Genesis,
    crypto::{PublicKey, SecretKey},
    signer::Pledge,
    store::SignerRecord,
    types::{Digest, ValidatorId, ValidatorIndex},
    vote::{Promise, SigningContext, Vote},
};

use self::book::{Book, Identity, Unreadable, Unrecorded};
pub(crate) use self::companion::Companion;
pub use self::error::SignerError;
use crate::{durable, store::guard};

/// A key that signs, and remembers.
#[derive(Debug)]
pub struct Signer {
    key: SecretKey,
    book: Book<File>,
    path: PathBuf,
    context: SigningContext,
    index: ValidatorIndex,
    validator: ValidatorId,
}

impl Signer {
    /// Makes the sign-state of a key that has signed nothing yet: once, together with the key.
    ///
    /// # Errors
    /// If there is one already, or the disk fails.
    pub fn create(path: &Path, key: &PublicKey, genesis: Digest) -> Result<(), SignerError> {
        guard::check();
        let bytes = book::blank(&Identity { genesis, key: *key });
        place(path, &bytes).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => SignerError::Exists { path: path.to_path_buf() },
            _ => failed(path, &error),
        })
    }

    /// Opens the sign-state of a key. Nobody else can meanwhile.
    ///
    /// # Errors
    /// If it is missing, damaged, of another key or chain, open to others or in use, or the key is not in
    /// the committee.
    pub fn open(key: SecretKey, path: &Path, genesis: &Genesis) -> Result<Self, SignerError> {
        guard::check();
        let identity = Identity { genesis: genesis.digest(), key: key.public() };
        let (committee, index, validator) = member(&identity, genesis)?;
        let file = open_alone(path)?;
        let book =
            Book::open(file, identity).map_err(|error| unreadable(error, path, &identity))?;
        let context = SigningContext {
            chain_id: genesis.chain_id,
            genesis: identity.genesis,
            committee: committee.digest(),
        };
        Ok(Self { key, book, path: path.to_path_buf(), context, index, validator })
    }

    /// Says whether [`Self::open`] would succeed, as far as that can be known without writing.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn examine(
        key: PublicKey,
        path: &Path,
        genesis: &Genesis,
    ) -> Result<(), SignerError> {
        guard::check();
        let identity = Identity { genesis: genesis.digest(), key };
        member(&identity, genesis)?;
        let file = open_alone(path)?;
        let read = book::read(&file, &identity);
        read.map(drop).map_err(|error| unreadable(error, path, &identity))
    }

    /// Whose key it is.
    #[must_use]
    pub fn validator(&self) -> ValidatorId {
        self.validator
    }

    /// What the key has promised.
    #[must_use]
    pub fn record(&self) -> SignerRecord {
        SignerRecord::Intact(self.book.state().clone())
    }

    /// Makes all pledges durable with one fsync, then signs each. What was signed before is signed again in
    /// the same bytes, without writing.
    ///
    /// # Errors
    /// If one of them could contradict a promise: then nothing has changed and nothing is signed. If the
    /// disk fails: then nothing is ever signed again.
    pub fn sign(&mut self, pledges: &[Pledge]) -> Result<Vec<Vote<Promise>>, SignerError> {
        guard::check();
        self.book.record(pledges).map_err(|error| match error {
            Unrecorded::Refused(refusal) => SignerError::Refused(refusal),
            Unrecorded::Io(error) => failed(&self.path, &error),
            Unrecorded::Stopped => SignerError::Stopped,
        })?;
        let vote = |pledge: &Pledge| {
            let statement = pledge.promise();
            let signature = self.key.sign(&self.context.message(&statement));
            Vote { statement, signer: self.index, signature }
        };
        Ok(pledges.iter().map(vote).collect())
    }
}

/// The committee, and the key's place in it.
fn member(
    identity: &Identity,
    genesis: &Genesis,
) -> Result<(Committee, ValidatorIndex, ValidatorId), SignerError> {
    let not_member = || SignerError::NotMember(identity.key);
    let committee = genesis.committee().map_err(|_| not_member())?;
    let member = committee.members().find(|(_, member)| member.key == identity.key);
    let (index, validator) =
        member.map(|(index, member)| (index, member.validator)).ok_or_else(not_member)?;
    Ok((committee, index, validator))
}

/// Puts a whole file in place, durably, or nothing.
fn place(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    // What an interrupted attempt has left behind was never in place.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    // Unlike a rename, a link never replaces what is there.
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    linked?;
    durable::sync_parent(path)
}

fn open_alone(path: &Path) -> Result<File, SignerError> {
    let opened = OpenOptions::new().read(true).write(true).open(path);
    let file = opened.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => SignerError::Missing { path: path.to_path_buf() },
        _ => failed(path, &error),
    })?;
    let metadata = file.metadata().map_err(|error| failed(path, &error))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(SignerError::Exposed { path: path.to_path_buf(), mode });
    }
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SignerError::InUse { path: path.to_path_buf() }),
        Err(TryLockError::Error(error)) => Err(failed(path, &error)),
    }
}

fn unreadable(error: Unreadable, path: &Path, ours: &Identity) -> SignerError {
    let path = path.to_path_buf();
    match error {
        Unreadable::Damaged(why) => SignerError::Damaged { path, why },
        Unreadable::OtherGenesis(found) => {
            SignerError::OtherGenesis { path, found, ours: ours.genesis }
        }
        Unreadable::OtherKey(found) => SignerError::OtherKey { path, found, ours: ours.key },
        Unreadable::Io(error) => failed(&path, &error),
    }
}

fn failed(path: &Path, error: &io::Error) -> SignerError {
    SignerError::Io { path: path.to_path_buf(), why: error.to_string() }
}

#[cfg(test)]
mod tests;
