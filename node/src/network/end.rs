//! Why a connection ended, or never came to be: one sentence for the log.

use std::{io, time::Duration};

use rustls::AlertDescription;

use super::{control::Farewell, score::Offence};

/// Why a connection ended, or never came to be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum End {
    /// The network between, or the other side's host.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The handshake.
    #[error("TLS: {0}")]
    Tls(String),
    /// The other side did not introduce itself in time.
    #[error("no introduction within {0:?}")]
    Late(Duration),
    /// It said something else first.
    #[error("the peer did not introduce itself")]
    NoHello,
    /// We end it.
    #[error("this node ended it: {0}")]
    Said(Farewell),
    /// The peer ends it.
    #[error("the peer ended it: {0}")]
    Bye(Farewell),
    /// It did what no honest node does.
    #[error("offence: {0}")]
    Offence(#[from] Offence),
    /// It said nothing.
    #[error("nothing was heard for {0:?}")]
    Silent(Duration),
    /// It hung up without a word.
    #[error("the peer hung up")]
    HungUp,
    /// The replica takes nothing any more, or the network stops.
    #[error("this node stops")]
    Stopping,
}

impl End {
    /// What to tell the peer, if that makes sense still.
    pub(crate) const fn farewell(&self) -> Option<Farewell> {
        match self {
            Self::Offence(_) => Some(Farewell::Offence),
            Self::Silent(_) => Some(Farewell::Silence),
            Self::Stopping => Some(Farewell::Stopping),
            Self::Io(_)
            | Self::Tls(_)
            | Self::Late(_)
            | Self::NoHello
            | Self::Said(_)
            | Self::Bye(_)
            | Self::HungUp => None,
        }
    }

    /// Whether two calls crossed, which is nothing to look at.
    pub(crate) const fn is_duplicate(&self) -> bool {
        matches!(self, Self::Said(Farewell::Duplicate) | Self::Bye(Farewell::Duplicate))
    }

    /// Of reading or writing: a stream that just ends is a peer that hung up.
    pub(crate) fn of_io(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe => Self::HungUp,
            _ => Self::of_handshake(error, &[]),
        }
    }

    /// Of a handshake: what rustls found, with the common cases in words an operator can act on.
    pub(crate) fn of_handshake(error: io::Error, protocol: &[u8]) -> Self {
        let found = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let Some(found) = found else { return Self::Io(error) };
        Self::Tls(match found {
            rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol) => {
                let protocol = String::from_utf8_lossy(protocol);
                format!(
                    "the node there is of another chain or version: it does not speak {protocol}"
                )
            }
            rustls::Error::InvalidCertificate(rustls::CertificateError::Other(wrong)) => {
                wrong.to_string()
            }
            rustls::Error::AlertReceived(alert) => format!("the peer refused: {alert:?}"),
            other => other.to_string(),
        })
    }
}
