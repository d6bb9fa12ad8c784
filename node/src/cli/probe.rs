//! `quorate peers probe`: whether other nodes could be talked to, and if not, why.

use super::{Console, arguments::ProbeOptions, client::block_on, config as config_command};
use crate::{
    config::{Overrides, Peer, peer},
    exit::{Exit, Failure},
    genesis,
    home::Home,
    network::{self, PeerAddress, Probed},
};

pub(super) fn probe(
    options: &ProbeOptions,
    environment: Overrides,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let config = config_command::load(&options.home, environment)?.config;
    let home = Home::at(&options.home.home);
    let genesis = genesis::load(&home.resolve(&config.genesis.file), config.genesis.hash.0)?;
    let given: Vec<Peer> =
        options.peers.iter().map(|text| named(text)).collect::<Result<_, _>>()?;
    let peers = if given.is_empty() { &config.network.peers } else { &given };
    if peers.is_empty() {
        let what = "there is nobody to call: name a peer, or list some in [network] peers";
        return Err(Failure::new(Exit::Usage, what));
    }
    let silent = block_on(async {
        let mut silent = 0;
        for peer in peers {
            let address = PeerAddress { peer: peer.peer, address: peer.address.clone() };
            let probed = network::probe(&address, genesis.chain_id, genesis.digest()).await;
            let short: String = hex::encode(peer.peer.get()).chars().take(16).collect();
            let (mark, words) = match probed {
                Ok(probed) => (console.good("good"), words(&probed)),
                Err(why) => {
                    silent += 1;
                    (console.bad("bad "), why)
                }
            };
            console.line(format_args!("{mark}  {short}  {:<24} {words}", peer.address))?;
        }
        Ok(silent)
    })?;
    match silent {
        0 => Ok(()),
        _ => {
            let what = format!("{silent} of {} cannot be talked to", peers.len());
            Err(Failure::new(Exit::Unreachable, what))
        }
    }
}

fn named(text: &str) -> Result<Peer, Failure> {
    peer(text).ok_or_else(|| {
        let what = format!("`{text}` is no peer: expected KEY@HOST:PORT, the key in hexadecimal");
        Failure::new(Exit::Usage, what)
    })
}

fn words(probed: &Probed) -> String {
    let mode = match probed.mode {
        network::Mode::Validator => "validator",
        network::Mode::Full => "full node",
    };
    format!(
        "{mode} at height {}, {}, {:.1?} there and back, introduced after {:.1?}",
        probed.height, probed.build, probed.round_trip, probed.introduced,
    )
}
