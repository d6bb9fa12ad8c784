//! One connection from the first byte to the last: handshake, introductions, both halves, farewell.
//!
//! One task owns all of it, so nothing of it outlives the task. A listener introduces itself last: a dialer that
//! hears its introduction has been let in, and one that is not hears why.

use std::{
    io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use quorate_core::{
    frame::{Class, HEADER_BYTES, Header},
    types::{Height, PeerId},
};
use rustls::{ClientConfig, pki_types::ServerName, server::Acceptor};
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::{LazyConfigAcceptor, TlsConnector, TlsStream};

use super::{
    Shared,
    control::{Control, Farewell, Hello},
    end::End,
    link::{Direction, Link},
    options::NetworkLimits,
    random,
    reader::FrameReader,
    receive::Receiver,
    registry::Introduced,
    score::Offence,
    tls::peer_of,
    transmit::transmit,
};

/// rustls asks for 4 KiB at a time; with this below it a system call brings more.
const READ_AHEAD_BYTES: usize = 32 * 1024;

/// What the kernel may hold that is not on its way yet: a vote does not overtake that.
#[cfg(target_os = "linux")]
const NOT_SENT_BYTES_MAX: u32 = 128 * 1024;

/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// Bytes read and thrown away while saying farewell, so that the other side gets to read it.
const FAREWELL_BYTES_MAX: usize = 1024 * 1024;

/// What everything is sent over.
pub(crate) type Stream = TlsStream<BufReader<TcpStream>>;

/// Sends at once, and notices soon when nothing arrives any more.
fn tune(tcp: &TcpStream, limits: &NetworkLimits) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    {
        let socket = SockRef::from(tcp);
        socket.set_tcp_user_timeout(Some(limits.acknowledged))?;
        socket.set_tcp_notsent_lowat(NOT_SENT_BYTES_MAX)?;
    }
    Ok(())
}

/// A connection that was let in. Whatever happens to its task, dropping this forgets it.
#[derive(Debug)]
pub(crate) struct Admitted {
    shared: Arc<Shared>,
    link: Arc<Link>,
}

impl Admitted {
    fn new(shared: &Arc<Shared>, introduced: Introduced) -> Result<Self, Farewell> {
        let link = shared.registry.admit(introduced)?;
        Ok(Self { shared: Arc::clone(shared), link })
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.shared.registry.release(&self.link);
    }
}

/// The listener's side up to the end of introductions. The caller limits how long it takes.
pub(crate) async fn welcome(
    shared: &Arc<Shared>,
    tcp: TcpStream,
    address: SocketAddr,
) -> Result<(Stream, Admitted), End> {
    tune(&tcp, &shared.limits)?;
    let tcp = BufReader::with_capacity(READ_AHEAD_BYTES, tcp);
    let protocol = shared.tls.protocol();
    let of_handshake = |error| End::of_handshake(error, protocol);
    let start = LazyConfigAcceptor::new(Acceptor::default(), tcp).await.map_err(of_handshake)?;
    let offered = offered(&start.client_hello());
    let accepted = start.into_stream(Arc::clone(&shared.tls.server)).await;
    if !offered.iter().any(|offered| offered == protocol) {
        return Err(other_chain(&offered, protocol));
    }
    let tls = accepted.map_err(of_handshake)?;
    let (_, session) = tls.get_ref();
    let peer = check_session(session, protocol)?;
    let mut stream = TlsStream::from(tls);
    let hello = match read_hello(&mut stream).await? {
        Control::Hello(hello) => hello,
        Control::Bye(why) => return Err(End::Bye(why)),
        Control::Ping(_) | Control::Pong(_) | Control::Height(_) => return Err(End::NoHello),
    };
    let own = shared.hello();
    let admitted = own.check(&hello).and_then(|()| {
        let direction = Direction::Inbound;
        Admitted::new(shared, Introduced { peer, direction, address, hello })
    });
    match admitted {
        Ok(admitted) => {
            write(&mut stream, &Control::Hello(own)).await.map_err(End::of_io)?;
            Ok((stream, admitted))
        }
        Err(why) => Err(refuse(stream, why).await),
    }
}

/// The dialer's side up to the end of introductions. The caller limits how long it takes.
pub(crate) async fn call(
    shared: &Arc<Shared>,
    peer: PeerId,
    address: &str,
    config: Arc<ClientConfig>,
) -> Result<(Stream, Admitted), End> {
    let addresses: Vec<SocketAddr> = lookup_host(address).await?.collect();
    shared.registry.sites.resolved(peer, &addresses);
    let tcp = TcpStream::connect(&*addresses).await?;
    tune(&tcp, &shared.limits)?;
    let address = tcp.peer_addr()?;
    let tcp = BufReader::with_capacity(READ_AHEAD_BYTES, tcp);
    let protocol = shared.tls.protocol();
    // Never sent and never looked at: the key is the name.
    let name = ServerName::IpAddress(address.ip().into());
    let tls = TlsConnector::from(config).connect(name, tcp).await;
    let tls = tls.map_err(|error| End::of_handshake(error, protocol))?;
    let (_, session) = tls.get_ref();
    let found = check_session(session, protocol)?;
    assert!(found == peer, "TLS let {found:?} through for {peer:?}");
    let mut stream = TlsStream::from(tls);
    let own = shared.hello();
    write(&mut stream, &Control::Hello(own.clone())).await.map_err(End::of_io)?;
    let hello = match read_hello(&mut stream).await? {
        Control::Hello(hello) => hello,
        Control::Bye(why) => return Err(End::Bye(why)),
        Control::Ping(_) | Control::Pong(_) | Control::Height(_) => return Err(End::NoHello),
    };
    let admitted = own.check(&hello).and_then(|()| {
        let direction = Direction::Outbound;
        Admitted::new(shared, Introduced { peer, direction, address, hello })
    });
    match admitted {
        Ok(admitted) => Ok((stream, admitted)),
        Err(why) => Err(refuse(stream, why).await),
    }
}

/// The protocols a client offers.
fn offered(hello: &rustls::server::ClientHello<'_>) -> Vec<Vec<u8>> {
    let offered = hello.alpn().into_iter().flatten();
    // For a line of the log and one comparison: a few are enough.
    offered.take(8).map(<[u8]>::to_vec).collect()
}

fn other_chain(offered: &[Vec<u8>], own: &[u8]) -> End {
    let name =
        |bytes: &[u8]| -> String { bytes.escape_ascii().to_string().chars().take(64).collect() };
    let offered: Vec<String> = offered.iter().map(|offered| name(offered)).collect();
    let offered = if offered.is_empty() { "nothing".into() } else { offered.join(", ") };
    End::Tls(format!(
        "the node calling is of another chain or version: it speaks {offered}, and this node {}",
        name(own),
    ))
}

/// Who the other side is, once the handshake is done and the chain agreed on.
pub(super) fn check_session(session: &rustls::CommonState, protocol: &[u8]) -> Result<PeerId, End> {
    if session.alpn_protocol() != Some(protocol) {
        return Err(End::Tls("the peer agreed on no protocol".into()));
    }
    let key = session.peer_certificates().and_then(<[_]>::first);
    key.and_then(peer_of).ok_or_else(|| End::Tls("the peer showed no key".into()))
}

/// Reads the first frame, which must be control, and no byte beyond it.
pub(super) async fn read_hello(stream: &mut Stream) -> Result<Control, End> {
    let mut header = [0; HEADER_BYTES];
    stream.read_exact(&mut header).await.map_err(End::of_io)?;
    let header = Header::decode(header).map_err(Offence::from)?;
    if header.class() != Class::Control {
        return Err(End::NoHello);
    }
    let mut body = vec![0; header.length()];
    stream.read_exact(&mut body).await.map_err(End::of_io)?;
    Ok(Control::decode(&body).map_err(|_| Offence::Undecodable(Class::Control))?)
}

pub(super) async fn write(stream: &mut Stream, control: &Control) -> io::Result<()> {
    let mut out = Vec::new();
    control.append(&mut out);
    stream.write_all(&out).await?;
    stream.flush().await
}

/// Says why, so that the other side can log it, and hangs up.
async fn refuse(mut stream: Stream, why: Farewell) -> End {
    let farewell = async {
        write(&mut stream, &Control::Bye(why)).await?;
        stream.shutdown().await?;
        drain(&mut stream).await;
        io::Result::Ok(())
    };
    // If it cannot be said, the other side finds out anyway.
    let _said = timeout(FAREWELL, farewell).await;
    End::Said(why)
}

/// Reads what is still on its way: closing with bytes unread would take back what was written.
async fn drain(io: &mut (impl AsyncRead + Unpin)) {
    let mut bytes = vec![0; 4_096];
    let mut left = FAREWELL_BYTES_MAX;
    while let Ok(count) = io.read(&mut bytes).await
        && count > 0
        && left > 0
    {
        left = left.saturating_sub(count);
    }
}

/// A connection between introductions and farewell.
pub(crate) async fn run(stream: Stream, admitted: Admitted) {
    let (shared, link) = (&*admitted.shared, &admitted.link);
    log_connected(link);
    let (read, mut write) = tokio::io::split(stream);
    let mut frames = FrameReader::new(read, link.role);
    let end = {
        let mut writing = pin!(transmit(shared, link, &mut write));
        let end = tokio::select! {
            end = Receiver::new(shared, link).run(&mut frames) => end,
            end = &mut writing => end,
            end = beat(shared, link) => end,
            end = leave(link) => end,
        };
        shared.registry.release(link);
        if let Some(why) = end.farewell() {
            link.outbox.farewell(why);
            let _said = timeout(FAREWELL, writing).await;
        }
        end
    };
    if matches!(end, End::Said(_)) || end.farewell().is_some() {
        let _drained = timeout(FAREWELL, drain(&mut frames.io)).await;
    }
    shared.registry.note_end(&link.peer, &end);
    log_ended(link, &end);
}

fn log_connected(link: &Link) {
    tracing::info!(
        peer = ?link.peer,
        address = %link.address,
        direction = ?link.direction,
        role = ?link.role,
        mode = ?link.hello.mode,
        height = link.hello.height.get(),
        build = link.hello.build(),
        "connected",
    );
}

fn log_ended(link: &Link, end: &End) {
    tracing::info!(
        peer = ?link.peer,
        address = %link.address,
        direction = ?link.direction,
        lasted = ?link.since.elapsed(),
        why = %end,
        "disconnected",
    );
}

/// Ends a connection whose farewell cannot be said, because the peer takes nothing.
async fn leave(link: &Link) -> End {
    let why = link.outbox.leaving().await;
    tokio::time::sleep(FAREWELL).await;
    End::Said(why)
}

/// Asks for signs of life and says how far this node has come; ends when nothing is heard.
async fn beat(shared: &Shared, link: &Link) -> End {
    let limits = &shared.limits;
    let mut number = 0;
    let mut ping_at = Instant::now();
    let mut told = Height::ZERO;
    loop {
        let now = Instant::now();
        let silent = link.silent_for();
        if silent >= limits.silence {
            return End::Silent(silent);
        }
        if ping_at <= now {
            number += 1;
            link.ping(number);
            ping_at = now + random::about(limits.ping);
        }
        let height = shared.height();
        if height > told {
            told = height;
            link.outbox.height(height);
        }
        let wait = (ping_at - now).min(limits.silence - silent).min(limits.heights);
        tokio::time::sleep(wait).await;
    }
}

impl Shared {
    /// How this node introduces itself now.
    fn hello(&self) -> Hello {
        Hello { height: self.height(), ..self.hello.clone() }
    }
}
