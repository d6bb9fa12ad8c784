//! Keys of validators and accounts, all derived from the run's seed, real or mock.
//!
//! A mock signature is a hash of the public key and the message: anybody could make one, which no
//! behaviour does. It exists to make long sweeps cheap and only the simulator accepts it.

use quorate_core::{
    crypto::{PublicKey, SecretKey, Signature, SignatureCheck},
    random::Seed,
    types::Digest,
};

use super::keyed::Key;
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

/// Sixty-four bytes that depend on every byte of the key and the message, both random already.
fn mock(key: &PublicKey, message: &Digest) -> Signature {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for chunk in key.get().chunks_exact(8).chain(message.get().chunks_exact(8)) {
        let word = u64::from_le_bytes(chunk.try_into().expect("chunks of eight bytes"));
        state = (state.rotate_left(23) ^ word).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    }
    let mut bytes = [0; 64];
    for (place, chunk) in (0u64..).zip(bytes.chunks_exact_mut(8)) {
        chunk.copy_from_slice(&Key::of(state).at(place, 0).to_le_bytes());
    }
    Signature::new(bytes)
}
