//! Those that call: how many at a time and how often, before anything is known of them.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};

use super::{Shared, connection, counters::count, end::End, options::NetworkLimits};

/// Addresses remembered by the rate limit before those that have been quiet are forgotten.
const ADDRESSES_MAX: usize = 4_096;

/// All addresses together may call so many times as often as one.
const TOGETHER: u32 = 16;

/// A pause when the system has no more sockets to give.
const NO_SOCKETS: Duration = Duration::from_millis(100);

/// How long connections may take to say farewell.
const FAREWELLS: Duration = Duration::from_secs(5);

/// Takes calls until the network stops, and then waits for all that came of them.
pub(crate) async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    let gate = Gate::new(&shared.limits);
    let mut calls = JoinSet::new();
    loop {
        tokio::select! {
            () = shared.stopped() => break,
            Some(done) = calls.join_next() => log_panic(done),
            accepted = listener.accept() => match accepted {
                Ok((tcp, address)) => match gate.enter(address.ip()) {
                    Some(pass) => {
                        count(&shared.cells.accepted, 1);
                        calls.spawn(serve(Arc::clone(&shared), tcp, address, pass));
                    }
                    None => {
                        count(&shared.cells.turned_away, 1);
                        tracing::debug!(%address, "turned away: too many or too fast");
                    }
                },
                Err(error) => {
                    tracing::warn!(%error, "cannot accept connections");
                    tokio::time::sleep(NO_SOCKETS).await;
                }
            },
        }
    }
    drop(listener);
    let farewells = async {
        while let Some(done) = calls.join_next().await {
            log_panic(done);
        }
    };
    if timeout(FAREWELLS, farewells).await.is_err() {
        calls.shutdown().await;
    }
}

fn log_panic(done: Result<(), tokio::task::JoinError>) {
    if let Err(error) = done {
        tracing::error!(%error, "the task of a connection failed");
    }
}

async fn serve(shared: Arc<Shared>, tcp: TcpStream, address: SocketAddr, pass: Pass) {
    let limit = shared.limits.introduction;
    let welcomed = tokio::select! {
        () = shared.stopped() => return,
        welcomed = timeout(limit, connection::welcome(&shared, tcp, address)) => welcomed,
    };
    drop(pass);
    match welcomed.unwrap_or(Err(End::Late(limit))) {
        Ok((stream, admitted)) => connection::run(stream, admitted).await,
        Err(end) if end.is_duplicate() => {
            tracing::debug!(%address, why = %end, "two calls crossed");
        }
        Err(end) => {
            count(&shared.cells.handshakes_failed, 1);
            tracing::warn!(%address, why = %end, "a call was refused");
        }
    }
}

/// Limits calls by address, before anything is read from them.
#[derive(Debug)]
struct Gate {
    all: DefaultDirectRateLimiter,
    each: DefaultKeyedRateLimiter<IpAddr>,
    open: Arc<Open>,
}

/// Introductions under way.
#[derive(Debug)]
struct Open {
    limit: u16,
    limit_per_address: u16,
    state: Mutex<(u16, BTreeMap<IpAddr, u16>)>,
}

/// One introduction under way; gives its place back when dropped.
#[derive(Debug)]
struct Pass {
    open: Arc<Open>,
    address: IpAddr,
}

impl Gate {
    fn new(limits: &NetworkLimits) -> Self {
        let positive = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = |times: u32| {
            let per_second = positive(limits.accepts_per_second.saturating_mul(times));
            Quota::per_second(per_second)
                .allow_burst(positive(limits.accepts_burst.saturating_mul(times)))
        };
        let open = Open {
            limit: limits.introductions,
            limit_per_address: limits.introductions_per_address,
            state: Mutex::default(),
        };
        Self {
            all: RateLimiter::direct(quota(TOGETHER)),
            each: RateLimiter::keyed(quota(1)),
            open: Arc::new(open),
        }
    }

    fn enter(&self, address: IpAddr) -> Option<Pass> {
        let address = site(address);
        if self.each.len() >= ADDRESSES_MAX {
            self.each.retain_recent();
        }
        self.all.check().ok()?;
        self.each.check_key(&address).ok()?;
        let open = &self.open;
        let mut state = open.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, by_address) = &mut *state;
        let own = by_address.get(&address).copied().unwrap_or(0);
        if *all >= open.limit || own >= open.limit_per_address {
            return None;
        }
        *all += 1;
        by_address.insert(address, own + 1);
        Some(Pass { open: Arc::clone(open), address })
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut state = self.open.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, by_address) = &mut *state;
        *all -= 1;
        let own = by_address.get(&self.address).copied().unwrap_or(0);
        if own > 1 {
            by_address.insert(self.address, own - 1);
        } else {
            by_address.remove(&self.address);
        }
    }
}

/// What one caller has of addresses: of IPv6 a whole /64.
fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    //! The gate counts what is under way and forgets what is done.

    use super::{Gate, IpAddr, NetworkLimits};

    fn gate(accepts_burst: u32) -> Gate {
        Gate::new(&NetworkLimits {
            introductions: 3,
            introductions_per_address: 2,
            accepts_per_second: 1,
            accepts_burst,
            ..NetworkLimits::default()
        })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn introductions_under_way_are_limited() {
        let gate = gate(100);
        let (one, two) = (address("10.0.0.1"), address("10.0.0.2"));
        let first = gate.enter(one).expect("the first");
        let _second = gate.enter(one).expect("the second");
        assert!(gate.enter(one).is_none(), "two of two from one address");
        let _third = gate.enter(two).expect("another address");
        assert!(gate.enter(two).is_none(), "three of three in all");
        drop(first);
        assert!(gate.enter(address("::ffff:10.0.0.2")).is_some(), "the same address as two");
        assert_eq!(gate.open.state.lock().expect("no panic").1.len(), 2);
    }

    #[test]
    fn calls_are_rate_limited_by_site() {
        let gate = gate(2);
        for address in ["2001:db8::1", "2001:db8::2"] {
            assert!(gate.enter(self::address(address)).is_some());
        }
        assert!(gate.enter(address("2001:db8::3")).is_none(), "the third of one site");
        assert!(gate.enter(address("2001:db8:0:1::3")).is_some(), "another site");
    }
}
