//! TLS 1.3 between nodes: raw ed25519 keys on both sides (RFC 7250), one cipher, one group, one chain.
//!
//! There are no certificates and nobody to issue them: a key is a name. A dialer accepts exactly the key of
//! who it dials; a listener accepts any key and decides by it what the other may do. Session tickets and early
//! data are off, so nothing said on one connection is ever accepted on another.

use std::sync::Arc;

use quorate_core::types::{Digest, PeerId};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, OtherError,
    ServerConfig, SignatureScheme,
    client::{
        AlwaysResolvesClientRawPublicKeys, Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{
        CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls13_signature_with_raw_key,
    },
    pki_types::{
        CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer,
        UnixTime,
    },
    server::{
        AlwaysResolvesServerRawPublicKeys, NoServerSessionStorage,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::CertifiedKey,
    version::TLS13,
};

use super::options::SecretKeyBytes;

/// What stands before the 32 bytes of an ed25519 key in its SubjectPublicKeyInfo (RFC 8410, section 4).
const PUBLIC_PREFIX: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// What stands before the 32 bytes of an ed25519 seed in PKCS#8 (RFC 8410, section 7).
const SECRET_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// The protocol's name in the handshake: its major version and the chain.
pub(crate) fn protocol(genesis: &Digest) -> Vec<u8> {
    format!("quorate/1/{}", hex::encode(&genesis.get()[..8])).into_bytes()
}

/// One node's side of every handshake.
#[derive(Debug)]
pub(crate) struct Tls {
    provider: Arc<CryptoProvider>,
    key: Arc<CertifiedKey>,
    protocol: Vec<u8>,
    /// For those that dial us.
    pub(crate) server: Arc<ServerConfig>,
}

impl Tls {
    /// For a node key and a chain.
    pub(crate) fn new(key: &SecretKeyBytes, genesis: &Digest) -> Result<Self, Error> {
        let provider = Arc::new(CryptoProvider {
            cipher_suites: vec![ring::cipher_suite::TLS13_AES_128_GCM_SHA256],
            kx_groups: vec![ring::kx_group::X25519],
            ..ring::default_provider()
        });
        let mut secret = SECRET_PREFIX.to_vec();
        secret.extend_from_slice(key.expose());
        let secret = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(secret));
        let signing = provider.key_provider.load_private_key(secret)?;
        let public = CertificateDer::from(public_info(&key.peer()));
        let key = Arc::new(CertifiedKey::new(vec![public], signing));
        let protocol = protocol(genesis);

        let algorithms = provider.signature_verification_algorithms;
        let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(Arc::new(AnyKey { algorithms }))
            .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(Arc::clone(&key))));
        server.alpn_protocols = vec![protocol.clone()];
        server.send_tls13_tickets = 0;
        server.max_early_data_size = 0;
        server.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Self { provider, key, protocol, server: Arc::new(server) })
    }

    /// For dialing one peer: whoever answers must hold its key.
    pub(crate) fn client(&self, peer: PeerId) -> Result<Arc<ClientConfig>, Error> {
        let algorithms = self.provider.signature_verification_algorithms;
        let mut client = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(OneKey { peer, algorithms }))
            .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(
                Arc::clone(&self.key),
            )));
        client.alpn_protocols = vec![self.protocol.clone()];
        client.resumption = Resumption::disabled();
        client.enable_early_data = false;
        client.enable_sni = false;
        Ok(Arc::new(client))
    }

    /// The protocol's name in the handshake.
    pub(crate) fn protocol(&self) -> &[u8] {
        &self.protocol
    }
}

/// Another key than the one dialed.
#[derive(Debug, thiserror::Error)]
#[error("the node there has the key {found}, not {expected}")]
pub(crate) struct WrongKey {
    expected: String,
    found: String,
}

fn public_info(peer: &PeerId) -> Vec<u8> {
    [PUBLIC_PREFIX.as_slice(), peer.get()].concat()
}

/// The peer that a raw public key names.
pub(crate) fn peer_of(key: &CertificateDer<'_>) -> Option<PeerId> {
    let raw = key.strip_prefix(&PUBLIC_PREFIX)?;
    Some(PeerId::new(raw.try_into().ok()?))
}

fn checked(key: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> Result<PeerId, Error> {
    let peer = peer_of(key).filter(|_| others.is_empty());
    peer.ok_or(Error::InvalidCertificate(CertificateError::BadEncoding))
}

/// Verifies a TLS 1.3 signature by a raw key. There is no other version here.
fn signature(
    message: &[u8],
    key: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let key = SubjectPublicKeyInfoDer::from(key.as_ref());
    verify_tls13_signature_with_raw_key(message, &key, signed, algorithms)
}

fn no_other_version() -> Error {
    Error::General("TLS 1.3 only".into())
}

/// Accepts one key.
#[derive(Debug)]
struct OneKey {
    peer: PeerId,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for OneKey {
    fn verify_server_cert(
        &self,
        key: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let found = checked(key, others)?;
        if found == self.peer {
            return Ok(ServerCertVerified::assertion());
        }
        let (expected, found) = (hex::encode(self.peer.get()), hex::encode(found.get()));
        let wrong = OtherError(Arc::new(WrongKey { expected, found }));
        Err(Error::InvalidCertificate(CertificateError::Other(wrong)))
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _key: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(no_other_version())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        key: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signature(message, key, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

/// Accepts every ed25519 key whose owner proves to hold it.
#[derive(Debug)]
struct AnyKey {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for AnyKey {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        key: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        checked(key, others).map(|_| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _key: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(no_other_version())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        key: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signature(message, key, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}
