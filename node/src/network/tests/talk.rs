//! A hostile node's voice: TLS with a key of its own, and then any bytes.

use std::{net::SocketAddr, sync::Arc};

use quorate_core::{
    codec,
    frame::{CONTROL_BYTES_MAX, Class, HEADER_BYTES, Header, append_frame},
    types::Digest,
};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::world::{CHAIN, GENESIS, key, soon};
use crate::network::{
    control::{Control, Farewell, Hello},
    options::Mode,
    tls::Tls,
};

/// A connection to a node under test.
pub(crate) struct Voice {
    stream: TlsStream<TcpStream>,
}

impl Voice {
    /// Through the handshake, as the node of that number, to the node of another.
    pub(crate) async fn dial(number: u8, to: u8, address: SocketAddr) -> Self {
        Self::try_dial(number, to, address, GENESIS).await.expect("a handshake")
    }

    pub(crate) async fn try_dial(
        number: u8,
        to: u8,
        address: SocketAddr,
        genesis: Digest,
    ) -> std::io::Result<Self> {
        let tls = Tls::new(&key(number), &genesis).expect("a key");
        let config = tls.client(key(to).peer()).expect("a configuration");
        let tcp = TcpStream::connect(address).await?;
        let name = ServerName::IpAddress(address.ip().into());
        let stream = TlsConnector::from(Arc::clone(&config)).connect(name, tcp).await?;
        Ok(Self { stream })
    }

    /// Through introductions as well.
    pub(crate) async fn introduced(number: u8, to: u8, address: SocketAddr) -> Self {
        let mut voice = Self::dial(number, to, address).await;
        voice.say(&Control::Hello(hello(u64::from(number)))).await;
        match voice.hear().await {
            Some(Control::Hello(_)) => voice,
            other => panic!("not let in: {other:?}"),
        }
    }

    pub(crate) async fn say(&mut self, control: &Control) {
        let mut bytes = Vec::new();
        append_frame(&mut bytes, Class::Control, false, &codec::encode(control), 0);
        self.write(&bytes).await;
    }

    /// Writes, as far as the other side still listens.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let written = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        // A node that has had enough hangs up in the middle.
        let _written = soon("a write", written).await;
    }

    /// The next control frame, or the end.
    pub(crate) async fn hear(&mut self) -> Option<Control> {
        loop {
            let mut header = [0; HEADER_BYTES];
            soon("a frame", self.stream.read_exact(&mut header)).await.ok()?;
            let header = Header::decode(header).expect("an honest node");
            let mut body = vec![0; header.length()];
            soon("a frame", self.stream.read_exact(&mut body)).await.ok()?;
            if header.class() == Class::Control {
                assert!(body.len() <= CONTROL_BYTES_MAX);
                return Some(Control::decode(&body).expect("an honest node"));
            }
        }
    }

    /// What the node says last.
    pub(crate) async fn farewell(&mut self) -> Option<Farewell> {
        loop {
            if let Control::Bye(why) = self.hear().await? {
                return Some(why);
            }
        }
    }

    /// Hangs up without a word.
    pub(crate) async fn hang_up(mut self) {
        let (tcp, _) = self.stream.get_mut();
        // The other side may have been first.
        let _closed = tcp.shutdown().await;
    }
}

/// How an honest node would introduce itself.
pub(crate) fn hello(instance: u64) -> Hello {
    Hello::new(CHAIN, GENESIS, Mode::Validator, instance)
}
