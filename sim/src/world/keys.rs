//! Keys of validators and accounts, all derived from the run's seed, real or mock.
//!
//! A mock signature is a hash of the public key and the message: anybody could make one, which no
//! behaviour does. It exists to make long sweeps cheap and only the simulator accepts it.

use quorate_core::{
    crypto::{PublicKey, SecretKey, Signature, SignatureCheck},
    digest::{Domain, Hasher},
    random::Seed,
    types::Digest,
};

use crate::scenario::Crypto;

/// A key that signs in the way the scenario asks for.
#[derive(Clone, Debug)]
pub struct SigningKey {
    public: PublicKey,
    secret: SecretKey,
    crypto: Crypto,
}

impl SigningKey {
    /// The key of `entity` among those with this label.
    #[must_use]
    pub fn derive(seed: &Seed, label: &str, entity: u64, crypto: Crypto) -> Self {
        let secret = SecretKey::from_seed(*seed.fork(label, entity).get());
        Self { public: secret.public(), secret, crypto }
    }

    /// Its public half: a real one either way, so that a committee has the same order.
    #[must_use]
    pub const fn public(&self) -> PublicKey {
        self.public
    }

    /// Signs a digest; the same digest always gets the same bytes.
    #[must_use]
    pub fn sign(&self, message: &Digest) -> Signature {
        match self.crypto {
            Crypto::Real => self.secret.sign(message),
            Crypto::Mock => mock(&self.public, message),
        }
    }
}

/// Whether a mock signature holds.
#[must_use]
pub fn mock_holds(check: &SignatureCheck) -> bool {
    check.signature == mock(&check.key, &check.message)
}

fn mock(key: &PublicKey, message: &Digest) -> Signature {
    let digest = Hasher::new(Domain::Trace).bytes(key.get()).bytes(message.get()).finish();
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(digest.get());
    // The mark of a mock, so that nobody takes one for real.
    bytes[32..].copy_from_slice(b"mock signature: simulator only!!");
    Signature::new(bytes)
}
