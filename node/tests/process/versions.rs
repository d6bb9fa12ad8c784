//! Nodes that speak another version of the wire are refused whoever calls, and both sides are told why.
//!
//! There is no build of another version, so the other node is played here: with a key of its own, and the bytes of
//! docs/network.md.

use std::{
    fs,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Instant,
};

use crate::cluster::{Cluster, LOOK, PATIENCE};
use ed25519_consensus::SigningKey;
use quorate_core::frame::{Class, HEADER_BYTES, frames};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    ServerConnection, SignatureScheme, StreamOwned,
    client::{
        AlwaysResolvesClientRawPublicKeys,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime},
    server::{
        AlwaysResolvesServerRawPublicKeys,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::CertifiedKey,
    version::TLS13,
};

/// Seed of the key of the node that is played.
const SEED: [u8; 32] = [9; 32];

/// A farewell that says: no version of the wire in common.
const NO_VERSION: [u8; 2] = [3, 4];

#[test]
fn another_version_of_the_wire_is_refused() {
    let mut cluster = Cluster::new(1, 1);
    cluster.start("n0");
    let status = cluster.wait_until("n0", "it answers", |_| true);
    let genesis = status["genesis"].as_str().expect("a digest").to_owned();
    let chain = status["chain_id"].as_u64().expect("a number");
    let chain = u32::try_from(chain).expect("chains are numbered in 32 bits");

    // It calls: in the introduction the minor version differs, in the handshake the major one.
    let address = cluster.address("n0", "network");
    let answer = call(&address, "quorate/1", &genesis, |stream| {
        stream.write_all(&introduction(2, chain, &genesis))?;
        frame(stream)
    });
    assert_eq!(answer.expect("an answer"), NO_VERSION);
    says(&cluster, "n0", "this node ended it: no version of the wire in common");
    let refused = call(&address, "quorate/2", &genesis, |stream| frame(stream));
    let refused = refused.expect_err("another protocol").to_string();
    assert!(refused.contains("NoApplicationProtocol"), "{refused}");
    says(&cluster, "n0", "the node calling is of another chain or version: it speaks quorate/2/");

    // It is called.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let path = cluster.home("f0").join("config/node.toml");
    let config = fs::read_to_string(&path).expect("a configuration");
    let begin = config.find("\npeers = [").expect("peers");
    let end = begin + config[begin..].find("\n]").expect("the end of the list");
    let key = hex::encode(SigningKey::from(SEED).verification_key().to_bytes());
    let only = format!("\npeers = [\n  \"{key}@{address}\",");
    fs::write(&path, config.replace(&config[begin..end], &only)).expect("writable");
    let named = genesis.clone();
    thread::spawn(move || {
        for (place, tcp) in listener.incoming().enumerate() {
            // Whoever calls may hang up at any point.
            let _ = match place % 3 {
                0 => answer_call(tcp, "quorate/2", &named, |_| Ok(())),
                1 => answer_call(tcp, "quorate/1", &named, |stream| {
                    frame(stream)?;
                    stream.write_all(&introduction(2, chain, &named))?;
                    frame(stream).map(|_| ())
                }),
                _ => answer_call(tcp, "quorate/1", &named, |stream| {
                    frame(stream)?;
                    stream.write_all(&frames(Class::Control, false, &NO_VERSION))
                }),
            };
        }
    });
    cluster.start("f0");
    says(&cluster, "f0", "the node there is of another chain or version: it does not speak");
    says(&cluster, "f0", "this node ended it: no version of the wire in common");
    says(&cluster, "f0", "the peer ended it: no version of the wire in common");
    cluster.wait_for_height("n0", cluster.height("n0") + 3);
    assert_eq!(cluster.height("f0"), 0, "it follows nobody");
}

/// Waits until the log of a node has some words.
fn says(cluster: &Cluster, name: &str, words: &str) {
    let begun = Instant::now();
    while !cluster.log(name).contains(words) {
        assert!(begun.elapsed() < PATIENCE, "no {words:?} in\n{}", cluster.log(name));
        thread::sleep(LOOK);
    }
}

/// How a node introduces itself that speaks one version of the wire only.
fn introduction(version: u16, chain: u32, genesis: &str) -> Vec<u8> {
    let mut body = vec![0];
    body.extend(version.to_le_bytes());
    body.extend(version.to_le_bytes());
    body.extend(chain.to_le_bytes());
    body.extend(hex::decode(genesis).expect("a digest"));
    // A full node, its height and instance, and the name of its build.
    body.push(1);
    body.extend([0; 16]);
    body.extend(4_u32.to_le_bytes());
    body.extend(b"test");
    frames(Class::Control, false, &body)
}

/// The body of the next frame.
fn frame(stream: &mut (impl Read + ?Sized)) -> io::Result<Vec<u8>> {
    let mut header = [0; HEADER_BYTES];
    stream.read_exact(&mut header)?;
    let [low, middle, high, ..] = header;
    let length = usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(body)
}

/// What the other side of a connection may be told and asked.
trait Duplex: Read + Write {}
impl<T: Read + Write> Duplex for T {}

/// Calls a node, and gives what came of talking to it.
fn call<T>(
    address: &str,
    version: &str,
    genesis: &str,
    talk: impl FnOnce(&mut dyn Duplex) -> io::Result<T>,
) -> io::Result<T> {
    let tcp = TcpStream::connect(address)?;
    tcp.set_read_timeout(Some(PATIENCE))?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .expect("it is there")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(own_key())));
    config.alpn_protocols = vec![protocol(version, genesis)];
    let name = ServerName::IpAddress(tcp.peer_addr()?.ip().into());
    let session = ClientConnection::new(Arc::new(config), name).expect("a good configuration");
    talk(&mut StreamOwned::new(session, tcp))
}

/// Answers a node's call.
fn answer_call(
    tcp: io::Result<TcpStream>,
    version: &str,
    genesis: &str,
    talk: impl FnOnce(&mut dyn Duplex) -> io::Result<()>,
) -> io::Result<()> {
    let tcp = tcp?;
    tcp.set_read_timeout(Some(PATIENCE))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .expect("it is there")
        .with_client_cert_verifier(Arc::new(Anybody))
        .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(own_key())));
    config.alpn_protocols = vec![protocol(version, genesis)];
    let session = ServerConnection::new(Arc::new(config)).expect("a good configuration");
    let mut stream = StreamOwned::new(session, tcp);
    // Nothing may be said in this version; the handshake goes on as far as it can.
    stream.flush()?;
    talk(&mut stream)
}

/// The name of a version on a chain, as the handshake has it.
fn protocol(version: &str, genesis: &str) -> Vec<u8> {
    format!("{version}/{}", &genesis[..16]).into_bytes()
}

/// The key of the node that is played, as RFC 8410 and RFC 7250 have it.
fn own_key() -> Arc<CertifiedKey> {
    let secret =
        [&hex::decode("302e020100300506032b657004220420").expect("hex")[..], &SEED].concat();
    let public = SigningKey::from(SEED).verification_key().to_bytes();
    let public = [&hex::decode("302a300506032b6570032100").expect("hex")[..], &public].concat();
    let secret = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(secret));
    let signing = ring::default_provider().key_provider.load_private_key(secret).expect("a key");
    Arc::new(CertifiedKey::new(vec![CertificateDer::from(public)], signing))
}

/// Takes everybody for who they say they are.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ClientCertVerifier for Anybody {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        key: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        ServerCertVerifier::verify_tls12_signature(self, message, key, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        key: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        ServerCertVerifier::verify_tls13_signature(self, message, key, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ServerCertVerifier::supported_verify_schemes(self)
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}
