//! `quorate testnet`: keys, a genesis and a home for every node of a network.

mod compose;
mod network;
mod systemd;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
};

pub(super) use self::network::{Placed, Plan, Written};
use super::{
    Console,
    arguments::{Form, GenerateOptions, TestnetCommand},
};
use crate::{
    config::Mode,
    exit::{Exit, Failure},
    home,
};

/// How far the ports of the API and of metrics are above those between nodes.
const API_ABOVE: u16 = 1_000;
const METRICS_ABOVE: u16 = 2_000;

pub(super) fn testnet(command: &TestnetCommand, console: &mut Console<'_>) -> Result<(), Failure> {
    match command {
        TestnetCommand::Generate(options) => generate(options, console),
    }
}

fn generate(options: &GenerateOptions, console: &mut Console<'_>) -> Result<(), Failure> {
    let plan = Plan {
        root: options.out.clone(),
        chain_id: options.chain_id,
        accounts: options.accounts,
        balance: options.balance,
        parameters: options.parameters.clone(),
        nodes: (0..options.validators + options.full)
            .map(|place| placed(options, place))
            .collect::<Result<_, _>>()?,
    };
    let written = plan.write()?;
    let service = match options.form {
        Form::Dirs => None,
        Form::Compose => Some(("compose.yaml", compose::compose(&plan))),
        Form::Systemd => Some(("quorate@.service", systemd::unit(&plan.root))),
    };
    if let Some((name, text)) = &service {
        home::create_new(&plan.root.join(name), text.as_bytes(), 0o644)?;
    }
    tell(&plan, &written, options.form, console)
}

/// Where one node of a generated network lives.
fn placed(options: &GenerateOptions, place: u16) -> Result<Placed, Failure> {
    let (mode, name) = match place.checked_sub(options.validators) {
        None => (Mode::Validator, format!("n{place}")),
        Some(full) => (Mode::Full, format!("f{full}")),
    };
    if options.form == Form::Compose {
        // Every container has an address of its own; the name service of the network finds it.
        let anywhere = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        return Ok(Placed {
            address: format!("{name}:{}", options.base_port),
            network: anywhere(options.base_port),
            api: anywhere(options.base_port.saturating_add(API_ABOVE)),
            metrics: anywhere(options.base_port.saturating_add(METRICS_ABOVE)),
            mode,
            name,
        });
    }
    let port = |above: u16| {
        options.base_port.checked_add(above).and_then(|port| port.checked_add(place)).ok_or_else(
            || Failure::new(Exit::Usage, "the ports would exceed 65535: use a lower --base-port"),
        )
    };
    let at = |ip: IpAddr, port| SocketAddr::from((ip, port));
    let network = at(options.host, port(0)?);
    let local = IpAddr::from(Ipv4Addr::LOCALHOST);
    Ok(Placed {
        address: network.to_string(),
        network,
        api: at(local, port(API_ABOVE)?),
        metrics: at(local, port(METRICS_ABOVE)?),
        mode,
        name,
    })
}

fn tell(
    plan: &Plan,
    written: &Written,
    form: Form,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let root = plan.root.display();
    console.line(format_args!("genesis   {}", written.digest))?;
    for node in &plan.nodes {
        let home = plan.home_of(node);
        console.line(format_args!(
            "{:<9} {}  network {}  api http://{}",
            node.name,
            home.display(),
            node.address,
            node.api
        ))?;
    }
    console.line(format_args!("accounts  {} in {root}/accounts.key", plan.accounts))?;
    match form {
        Form::Dirs => {
            let first = plan.nodes.first().map(|node| plan.home_of(node)).unwrap_or_default();
            console.line(format_args!("next      quorate start --home {}", first.display()))
        }
        Form::Compose => console.line(format_args!(
            "next      QUORATE_UID=$(id -u) docker compose -f {root}/compose.yaml up"
        )),
        Form::Systemd => console.line(format_args!(
            "next      copy {root}/quorate@.service to /etc/systemd/system, then systemctl start {}",
            units(&plan.nodes)
        )),
    }
}

fn units(nodes: &[Placed]) -> String {
    nodes.iter().map(|node| format!("quorate@{}", node.name)).collect::<Vec<_>>().join(" ")
}

/// A path for files that other programs read, which do not know where we were started.
fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()).display().to_string()
}
