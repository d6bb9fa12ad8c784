//! What clients may take of a node: bytes, time, connections. Each limit has a reason and an error.

use std::time::Duration;

/// Bytes of the body of `POST /v1/tx`: every transaction fits, encoded with borsh.
pub const TX_BYTES_MAX: usize = 64 * 1024;

/// Bytes of the body of `POST /v1/txs`.
pub const TXS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A body above this is not taken apart between other requests, but on a thread that may be busy for a while.
pub(super) const LARGE_BYTES: usize = 64 * 1024;

/// Transactions in one `POST /v1/txs`.
pub const TXS_MAX: usize = 1_000;

/// Blocks on one page of `/v1/blocks`.
pub const BLOCKS_PAGE_MAX: u64 = 100;

/// Bytes of a request's first line and headers.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;

/// What one server grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open connections in all.
    pub connections_max: usize,
    /// Open connections of one address (of one /64 network, with IPv6).
    pub connections_per_ip: usize,
    /// Requests a second of one address, after a burst of twice as many.
    pub requests_per_ip: u32,
    /// Requests under way at a time.
    pub requests_max: usize,
    /// Large bodies that are read and checked at a time.
    pub bodies_max: usize,
    /// Requests that wait for a transaction to be final at a time.
    pub waits_max: usize,
    /// Event streams in all.
    pub streams_max: usize,
    /// Event streams of one address.
    pub streams_per_ip: usize,
    /// For the headers of a request to come.
    pub header_timeout: Duration,
    /// For a request to be answered, its body included.
    pub request_timeout: Duration,
    /// The longest `timeout` of a request that waits.
    pub wait_max: Duration,
    /// For a client to take all of an answer.
    pub send_timeout: Duration,
    /// For a client to take some of what it was sent.
    pub write_timeout: Duration,
    /// Silence on an event stream before a comment is sent.
    pub keep_alive: Duration,
    /// For requests under way to end when the server stops.
    pub shutdown_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 1_024,
            connections_per_ip: 128,
            requests_per_ip: 1_000,
            requests_max: 256,
            bodies_max: 2,
            waits_max: 128,
            streams_max: 128,
            streams_per_ip: 16,
            header_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(15),
            wait_max: Duration::from_secs(60),
            send_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(30),
            keep_alive: Duration::from_secs(15),
            shutdown_timeout: Duration::from_secs(5),
        }
    }
}
