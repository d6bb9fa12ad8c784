//! One call to another node, to see whether it could be talked to: who it is, of which chain, how far away.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use quorate_core::types::{ChainId, Digest, Height};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncWriteExt as _, BufReader},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, TlsStream};

use super::{
    connection::{check_session, read_hello, write},
    control::{Control, Farewell, Hello},
    end::End,
    options::{Mode, PeerAddress, SecretKeyBytes},
    tls::Tls,
};

/// For one call.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a node that answered says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probed {
    /// Where it is.
    pub remote: SocketAddr,
    /// One way there and back.
    pub round_trip: Duration,
    /// Until both sides had introduced themselves.
    pub introduced: Duration,
    /// What it does for the chain.
    pub mode: Mode,
    /// Its height. A hint.
    pub height: Height,
    /// Its build.
    pub build: String,
}

/// Calls a node as a stranger of the same chain, and hangs up.
///
/// # Errors
/// Why it cannot be talked to, in one sentence.
pub async fn probe(peer: &PeerAddress, chain: ChainId, genesis: Digest) -> Result<Probed, String> {
    match timeout(PATIENCE, call(peer, chain, genesis)).await {
        Ok(Ok(probed)) => Ok(probed),
        Ok(Err(end)) => Err(end.to_string()),
        Err(_) => Err(End::Late(PATIENCE).to_string()),
    }
}

async fn call(peer: &PeerAddress, chain: ChainId, genesis: Digest) -> Result<Probed, End> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|error| std::io::Error::other(error.to_string()))?;
    let tls = Tls::new(&SecretKeyBytes::new(secret), &genesis);
    let tls = tls.map_err(|error| End::Tls(error.to_string()))?;
    let config = tls.client(peer.peer).map_err(|error| End::Tls(error.to_string()))?;

    let begun = Instant::now();
    let tcp = TcpStream::connect(&peer.address).await?;
    let round_trip = begun.elapsed();
    tcp.set_nodelay(true)?;
    let remote = tcp.peer_addr()?;
    let name = ServerName::IpAddress(remote.ip().into());
    let connected = TlsConnector::from(config).connect(name, BufReader::new(tcp)).await;
    let connected = connected.map_err(|error| End::of_handshake(error, tls.protocol()))?;
    let (_, session) = connected.get_ref();
    check_session(session, tls.protocol())?;
    let mut stream = TlsStream::from(connected);
    let own = Hello::new(chain, genesis, Mode::Full, getrandom::u64().unwrap_or_default());
    write(&mut stream, &Control::Hello(own.clone())).await.map_err(End::of_io)?;
    let hello = match read_hello(&mut stream).await? {
        Control::Hello(hello) => hello,
        Control::Bye(why) => return Err(End::Bye(why)),
        Control::Ping(_) | Control::Pong(_) | Control::Height(_) => return Err(End::NoHello),
    };
    let introduced = begun.elapsed();
    let fits = own.check(&hello);
    // It finds out by itself if it does not hear that.
    let _ = write(&mut stream, &Control::Bye(Farewell::Stopping)).await;
    let _ = stream.shutdown().await;
    fits.map_err(End::Said)?;
    let build = hello.build();
    Ok(Probed { remote, round_trip, introduced, mode: hello.mode, height: hello.height, build })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::tests::world::{CHAIN, GENESIS, Node, key, options};

    /// A node that answers is described; of one with another key, of another chain, or of none, it is said.
    #[tokio::test]
    async fn calls_say_what_is_wrong() {
        let node = Node::start(options(1, &[])).await;
        let address = node.address().to_string();
        let peer = |number| PeerAddress { peer: key(number).peer(), address: address.clone() };
        let probed = probe(&peer(1), CHAIN, GENESIS).await.expect("it answers");
        assert_eq!((probed.remote, probed.mode), (node.address(), Mode::Validator));
        assert!(probed.build.starts_with("quorate/"), "{}", probed.build);
        let why = async |peer, chain, genesis| {
            probe(&peer, chain, genesis).await.expect_err("there is something wrong")
        };
        let found = hex::encode(key(1).peer().get());
        let wrong = why(peer(2), CHAIN, GENESIS).await;
        assert!(wrong.contains(&format!("has the key {found}")), "{wrong}");
        let wrong = why(peer(1), CHAIN, Digest::new([8; 32])).await;
        assert!(wrong.contains("another chain or version"), "{wrong}");
        let wrong = why(peer(1), ChainId::new(8), GENESIS).await;
        assert!(wrong.contains("another chain"), "{wrong}");
        node.network.shutdown().await;
        let wrong = why(peer(1), CHAIN, GENESIS).await;
        assert!(wrong.contains("refused"), "{wrong}");
    }
}
