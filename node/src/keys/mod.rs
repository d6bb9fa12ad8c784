//! Secret keys in files: made, read, shown by their public half.
//!
//! A key file is 64 hexadecimal digits and a line end, mode 0600. No secret is ever printed, logged or
//! taken from the command line or the environment, and memory that held one is overwritten.

#[cfg(test)]
mod tests;

use std::{fmt, fs::File, io::Read as _, path::Path};

use quorate_core::{
    crypto::{PublicKey, SecretKey},
    random,
    transaction::Address,
    types::PeerId,
};
use zeroize::Zeroizing;

use crate::{
    exit::{Exit, Failure},
    home::{check_private, create_new},
};

/// Bytes of the longest file that may be a key.
const FILE_BYTES_MAX: u64 = 4096;

/// The secret of an ed25519 key.
#[derive(Clone)]
pub(crate) struct KeySeed(Zeroizing<[u8; 32]>);

impl KeySeed {
    /// A new one, from the operating system's randomness.
    ///
    /// # Errors
    /// If it gives none.
    pub(crate) fn generate() -> Result<Self, Failure> {
        let mut raw = Zeroizing::new([0; 32]);
        getrandom::fill(raw.as_mut_slice()).map_err(|error| {
            Failure::new(Exit::Restart, format!("the system gives no randomness: {error}"))
        })?;
        Ok(Self(raw))
    }

    /// Reads a file that nobody else may read.
    ///
    /// # Errors
    /// [`Exit::Key`] if it is missing, readable by others, or no key.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let fail = |what: String| Failure::new(Exit::Key, what);
        let file = File::open(path)
            .map_err(|error| fail(format!("cannot read the key file {shown}: {error}")))?;
        check_private(path)?;
        let mut text = Zeroizing::new(String::new());
        file.take(FILE_BYTES_MAX)
            .read_to_string(&mut text)
            .map_err(|_| fail(format!("{shown} is no key file: it is not text")))?;
        let mut raw = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim_end(), raw.as_mut_slice()).map_err(|_| {
            fail(format!("{shown} is no key file: expected 64 hexadecimal digits and nothing else"))
        })?;
        Ok(Self(raw))
    }

    /// Writes a file that nobody else may read. Never overwrites one.
    ///
    /// # Errors
    /// If it is there, or cannot be written.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        if path.exists() {
            let what = format!("{} is there already, and was left alone", path.display());
            return Err(Failure::new(Exit::Key, what));
        }
        let mut text = Zeroizing::new(String::with_capacity(65));
        let digits = Zeroizing::new(hex::encode(self.0.as_slice()));
        text.push_str(&digits);
        text.push('\n');
        create_new(path, text.as_bytes(), 0o600)
            .map_err(|failure| Failure::new(failure.exit, format!("key file: {failure}")))
    }

    /// The secret itself, for whoever signs or proves with it.
    pub(crate) fn expose(&self) -> &Zeroizing<[u8; 32]> {
        &self.0
    }

    /// What signs.
    pub(crate) fn secret(&self) -> SecretKey {
        SecretKey::from_seed(*self.0)
    }

    /// The public half.
    pub(crate) fn public(&self) -> PublicKey {
        self.secret().public()
    }

    /// The name on the network of a node with this key.
    pub(crate) fn peer(&self) -> PeerId {
        PeerId::new(*self.public().get())
    }

    /// The account that this key controls.
    pub(crate) fn address(&self) -> Address {
        Address::of_key(&self.public())
    }

    /// One of many keys that follow from this one.
    pub(crate) fn derived(&self, index: u64) -> Self {
        Self(Zeroizing::new(*random::Seed::new(*self.0).fork("account", index).get()))
    }
}

impl fmt::Debug for KeySeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySeed(of {:?})", self.public())
    }
}

/// An address as people write it.
pub(crate) fn address_text(address: &Address) -> String {
    address.digest().to_string()
}

/// Reads an address.
pub(crate) fn address(text: &str) -> Option<Address> {
    let raw = crate::config::hex32(text)?;
    quorate_core::codec::decode(&raw, raw.len()).ok()
}
