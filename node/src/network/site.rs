//! Where callers are: what counts as one address, and the addresses of nodes that are known.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Mutex, MutexGuard, PoisonError},
};

use quorate_core::types::PeerId;

/// Addresses that are remembered of one name.
const ADDRESSES_MAX: usize = 16;

/// What one caller can take of addresses as it likes counts as one: the /64 network of an IPv6 address.
pub(crate) fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

/// The sites of known nodes: those that their configured addresses name, and where members were last connected
/// from. Whoever calls from elsewhere shares its places with everybody.
#[derive(Debug, Default)]
pub(crate) struct Sites(Mutex<BTreeMap<PeerId, Known>>);

#[derive(Debug, Default)]
struct Known {
    resolved: BTreeSet<IpAddr>,
    connected: Option<IpAddr>,
}

impl Sites {
    /// A panic elsewhere leaves plain data behind.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<PeerId, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A configured address means these now.
    pub(crate) fn resolved(&self, peer: PeerId, addresses: &[SocketAddr]) {
        let sites = addresses.iter().take(ADDRESSES_MAX).map(|address| site(address.ip()));
        self.lock().entry(peer).or_default().resolved = sites.collect();
    }

    /// A member proved its key from there.
    pub(crate) fn connected(&self, peer: PeerId, address: SocketAddr) {
        self.lock().entry(peer).or_default().connected = Some(site(address.ip()));
    }

    /// Whether a known node may be calling from there.
    pub(crate) fn contain(&self, address: IpAddr) -> bool {
        let address = site(address);
        let is_there =
            |known: &Known| known.connected == Some(address) || known.resolved.contains(&address);
        self.lock().values().any(is_there)
    }
}

#[cfg(test)]
mod tests {
    use super::{PeerId, Sites, site};

    /// A caller with a whole IPv6 network is one caller; an IPv4 address in IPv6 clothes is itself.
    #[test]
    fn networks_are_one() {
        let parse = |text: &str| site(text.parse().expect("an address"));
        assert_eq!(parse("2001:db8:1:2::1"), parse("2001:db8:1:2:ffff::9"));
        assert_ne!(parse("2001:db8:1:2::1"), parse("2001:db8:1:3::1"));
        assert_eq!(parse("::ffff:10.0.0.1"), parse("10.0.0.1"));
    }

    /// A name that moves takes its place with it; where a member called from last is known as well.
    #[test]
    fn the_newest_address_counts() {
        let address = |text: &str| text.parse().expect("an address");
        let (sites, peer) = (Sites::default(), PeerId::new([1; 32]));
        sites.resolved(peer, &[address("10.0.0.1:1"), address("[2001:db8::1]:1")]);
        sites.connected(peer, address("10.0.0.2:1"));
        for known in ["10.0.0.1", "2001:db8::5", "10.0.0.2", "::ffff:10.0.0.2"] {
            assert!(sites.contain(known.parse().expect("an address")), "{known}");
        }
        sites.resolved(peer, &[address("10.0.0.3:1")]);
        assert!(!sites.contain("10.0.0.1".parse().expect("an address")));
        assert!(sites.contain("10.0.0.3".parse().expect("an address")));
    }
}
