//! Those that call: how many at a time and how often, before anything is known of them.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};

use super::{Shared, connection, counters::count, end::End, options::NetworkLimits, site::site};

/// Addresses remembered by the rate limit. With so many that call, no other one is let in.
const ADDRESSES_MAX: usize = 4_096;

/// Addresses that have been quiet are forgotten at most this often: it takes a while.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// All addresses of one half may together call so many times as often as one.
const TOGETHER: u32 = 8;

/// A pause when the system has no more sockets to give.
const NO_SOCKETS: Duration = Duration::from_millis(100);

/// How long connections may take to say farewell.
const FAREWELLS: Duration = Duration::from_secs(5);

/// Takes calls until the network stops, and then waits for all that came of them.
pub(crate) async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    let mut gate = Gate::new(&shared.limits);
    let mut calls = JoinSet::new();
    loop {
        tokio::select! {
            () = shared.stopped() => break,
            Some(done) = calls.join_next() => log_panic(done),
            accepted = listener.accept() => match accepted {
                Ok((tcp, address)) => match enter(&mut gate, &shared, address) {
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

fn enter(gate: &mut Gate, shared: &Shared, address: SocketAddr) -> Option<Pass> {
    gate.enter(address.ip(), shared.registry.sites.contain(address.ip()))
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

/// Limits calls by address, before anything is read from them. Half of all places and of all the calls a second are
/// for addresses of known nodes: whatever everybody else does, validators find each other again.
#[derive(Debug)]
struct Gate {
    known: Side,
    strangers: Side,
}

/// One half.
#[derive(Debug)]
struct Side {
    all: DefaultDirectRateLimiter,
    each: DefaultKeyedRateLimiter<IpAddr>,
    /// When addresses that have been quiet were last forgotten.
    swept: Instant,
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
        Self {
            known: Side::new(limits, limits.introductions_per_address),
            strangers: Side::new(limits, limits.introductions_per_stranger),
        }
    }

    fn enter(&mut self, address: IpAddr, is_known: bool) -> Option<Pass> {
        let side = if is_known { &mut self.known } else { &mut self.strangers };
        side.enter(site(address))
    }
}

impl Side {
    fn new(limits: &NetworkLimits, limit_per_address: u16) -> Self {
        let positive = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = |times: u32| {
            let per_second = positive(limits.accepts_per_second.saturating_mul(times));
            Quota::per_second(per_second)
                .allow_burst(positive(limits.accepts_burst.saturating_mul(times)))
        };
        let open = Open { limit: limits.introductions, limit_per_address, state: Mutex::default() };
        Self {
            all: RateLimiter::direct(quota(TOGETHER)),
            each: RateLimiter::keyed(quota(1)),
            swept: Instant::now(),
            open: Arc::new(open),
        }
    }

    /// An address's own limits come first: what it is refused for takes nothing from the others.
    fn enter(&mut self, address: IpAddr) -> Option<Pass> {
        if self.is_crowded() {
            return None;
        }
        self.each.check_key(&address).ok()?;
        let pass = self.place(address)?;
        self.all.check().ok()?;
        Some(pass)
    }

    /// Whether so many addresses call that no more can be told apart.
    fn is_crowded(&mut self) -> bool {
        if self.each.len() < ADDRESSES_MAX {
            return false;
        }
        if self.swept.elapsed() >= SWEEP_EVERY {
            self.swept = Instant::now();
            self.each.retain_recent();
        }
        self.each.len() >= ADDRESSES_MAX
    }

    fn place(&self, address: IpAddr) -> Option<Pass> {
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

#[cfg(test)]
mod tests {
    //! The gate counts what is under way, forgets what is done, and keeps half for known nodes.

    use super::{Gate, IpAddr, NetworkLimits};

    fn gate(accepts_burst: u32) -> Gate {
        Gate::new(&NetworkLimits {
            introductions: 3,
            introductions_per_address: 2,
            introductions_per_stranger: 2,
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
        let mut gate = gate(100);
        let (one, two) = (address("10.0.0.1"), address("10.0.0.2"));
        let first = gate.enter(one, false).expect("the first");
        let _second = gate.enter(one, false).expect("the second");
        assert!(gate.enter(one, false).is_none(), "two of two from one address");
        let _third = gate.enter(two, false).expect("another address");
        assert!(gate.enter(two, false).is_none(), "three of three in all");
        drop(first);
        assert!(gate.enter(address("::ffff:10.0.0.2"), false).is_some(), "the same address as two");
        assert_eq!(gate.strangers.open.state.lock().expect("no panic").1.len(), 2);
    }

    #[test]
    fn calls_are_rate_limited_by_site() {
        let mut gate = gate(2);
        for address in ["2001:db8::1", "2001:db8::2"] {
            assert!(gate.enter(self::address(address), false).is_some());
        }
        assert!(gate.enter(address("2001:db8::3"), false).is_none(), "the third of one site");
        assert!(gate.enter(address("2001:db8:0:1::3"), false).is_some(), "another site");
    }

    /// One address that calls without end uses up nothing but its own: everybody else gets in as before.
    #[test]
    fn one_loud_address_shuts_nobody_out() {
        let mut gate = gate(2);
        let loud = address("10.0.0.9");
        for _ in 0..10_000 {
            drop(gate.enter(loud, false));
        }
        assert!(gate.enter(address("10.0.0.1"), false).is_some(), "a stranger");
        assert!(gate.enter(address("10.0.0.2"), true).is_some(), "a known node");
    }

    /// Strangers that hold every place, or call from everywhere, leave the other half alone.
    #[test]
    fn places_are_kept_for_known_nodes() {
        let mut gate = gate(2);
        let held: Vec<_> =
            (1..=9).filter_map(|last| gate.enter(IpAddr::from([10, 0, 0, last]), false)).collect();
        assert_eq!(held.len(), 3, "all places of strangers");
        let known = gate.enter(address("10.0.1.1"), true);
        assert!(known.is_some(), "a known node");
        for low in 0..=u8::MAX {
            for high in 0..20 {
                drop(gate.enter(IpAddr::from([10, 1, high, low]), false));
            }
        }
        assert!(gate.strangers.each.len() <= super::ADDRESSES_MAX, "memory is bounded");
        assert!(gate.enter(address("10.0.1.2"), true).is_some(), "another known node");
    }
}
