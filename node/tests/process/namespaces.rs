//! Network namespaces: a machine of its own for every node, as far as the network goes.
//!
//! Each node has an address that the test reaches over a bridge. Who may talk to whom is decided by routes in the
//! namespaces: what is sent to the other side of a partition is dropped there.

use std::{net::Ipv4Addr, process::Command};

/// Some namespaces, joined by a bridge, for as long as the value lives. Needs to be root.
pub(crate) struct Namespaces {
    /// What every name begins with, so that it is nobody else's.
    prefix: String,
    subnet: u8,
    count: u8,
}

impl Namespaces {
    /// `None` where namespaces are not permitted.
    pub(crate) fn new(count: u8) -> Option<Self> {
        let process = std::process::id();
        let all = Self { prefix: format!("q{process}"), subnet: process.to_le_bytes()[0], count };
        all.build().then_some(all)
    }

    /// Makes the bridge, and a namespace with an address for each node.
    fn build(&self) -> bool {
        let bridge = self.bridge();
        let gate = format!("10.231.{}.254/24", self.subnet);
        let joined = ip(&["link", "add", &bridge, "type", "bridge"])
            && ip(&["addr", "add", &gate, "dev", &bridge])
            && ip(&["link", "set", &bridge, "up"]);
        joined && (0..self.count).all(|place| self.join(place))
    }

    fn join(&self, place: u8) -> bool {
        let (space, outer) = (self.name(place), format!("{}v{place}", self.prefix));
        let address = format!("{}/24", self.address(place));
        ip(&["netns", "add", &space])
            && ip(&["link", "add", &outer, "type", "veth", "peer", "name", "eth0", "netns", &space])
            && ip(&["link", "set", &outer, "master", &self.bridge()])
            && ip(&["link", "set", &outer, "up"])
            && ip(&["-n", &space, "addr", "add", &address, "dev", "eth0"])
            && ip(&["-n", &space, "link", "set", "eth0", "up"])
            && ip(&["-n", &space, "link", "set", "lo", "up"])
    }

    fn bridge(&self) -> String {
        format!("{}b", self.prefix)
    }

    /// The name of a node's namespace.
    pub(crate) fn name(&self, place: u8) -> String {
        format!("{}n{place}", self.prefix)
    }

    /// The address of a node.
    pub(crate) fn address(&self, place: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 231, self.subnet, place + 1)
    }

    /// Cuts (or mends) all links between some nodes and all the others, both ways.
    pub(crate) fn part(&self, some: &[u8], how: Links) {
        let verb = match how {
            Links::Cut => "add",
            Links::Mended => "del",
        };
        for one in some {
            for other in (0..self.count).filter(|other| !some.contains(other)) {
                for (from, to) in [(*one, other), (other, *one)] {
                    let to = self.address(to).to_string();
                    let done = ip(&["-n", &self.name(from), "route", verb, "blackhole", &to]);
                    assert!(done, "{verb} a route to {to}");
                }
            }
        }
    }
}

/// What becomes of links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    Cut,
    Mended,
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for place in 0..self.count {
            ip(&["netns", "del", &self.name(place)]);
        }
        ip(&["link", "del", &self.bridge()]);
    }
}

fn ip(arguments: &[&str]) -> bool {
    let output = Command::new("ip").args(arguments).output();
    output.is_ok_and(|output| output.status.success())
}
