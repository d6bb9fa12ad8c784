//! The checks, one function each.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rustix::{
    fs::statvfs,
    process::{Resource, getrlimit},
};

use super::Verdict::{self, Bad, Doubtful, Good, Unknown};
use crate::{
    cli::start::unlisted,
    config::{Config, Mode, bytes, resolve},
    exit::Exit,
    genesis,
    home::{Home, HomeLock},
    keys::KeySeed,
};

/// Writes that are timed.
const PROBES: usize = 100;

/// Above this a vote waits noticeably for the disk.
const FSYNC_DOUBTFUL: Duration = Duration::from_millis(20);

/// Above this a view hardly fits its time.
const FSYNC_BAD: Duration = Duration::from_millis(200);

/// Below this there is no room to work.
const DISK_BAD: u64 = 1 << 30;

/// Below this somebody should look soon.
const DISK_DOUBTFUL: u64 = 20 << 30;

/// Files that a node may have open: tables, peers, clients.
const FILES_WANTED: u64 = 4_096;

/// For a peer to accept a connection.
const DIAL_PATIENCE: Duration = Duration::from_secs(3);

/// A check.
type Check = fn(&Home, &Config) -> Vec<Verdict>;

/// All of them, in the order in which they are told.
pub(super) const ALL: [(&str, Check); 8] = [
    ("permissions", permissions),
    ("genesis", chain),
    ("keys", keys),
    ("clock", clock),
    ("disk", disk),
    ("fsync", fsync),
    ("open files", files),
    ("network", network),
];

fn permissions(home: &Home, config: &Config) -> Vec<Verdict> {
    vec![match home.check(config) {
        Ok(()) => Good("nobody else can read this home".to_owned()),
        Err(failure) => failure.into(),
    }]
}

fn chain(home: &Home, config: &Config) -> Vec<Verdict> {
    let genesis = genesis::load(&home.resolve(&config.genesis.file), config.genesis.hash.0);
    vec![match (genesis, config.genesis.hash.0) {
        (Ok(genesis), Some(_)) => {
            Good(format!("chain {}, {}", genesis.chain_id.get(), genesis.digest()))
        }
        (Ok(genesis), None) => Doubtful(format!(
            "{} is not insisted on: set `genesis.hash`, so that no other file can take its place",
            genesis.digest()
        )),
        (Err(failure), _) => failure.into(),
    }]
}

fn keys(home: &Home, config: &Config) -> Vec<Verdict> {
    let secrets = &config.secrets;
    let node = match KeySeed::read(&home.resolve(&secrets.node_key)) {
        Ok(key) => Good(format!("node key {}", hex::encode(key.peer().get()))),
        Err(failure) => failure.into(),
    };
    let vote = match (config.node.mode, KeySeed::read(&home.resolve(&secrets.consensus_key))) {
        (Mode::Full, Err(_)) => Good("a full node has no consensus key".to_owned()),
        (Mode::Full, Ok(_)) => Doubtful("a consensus key lies here and is not used".to_owned()),
        (Mode::Validator, Err(failure)) => failure.into(),
        (Mode::Validator, Ok(key)) => {
            let state = home.resolve(&secrets.sign_state);
            match state.exists() {
                true => Good(format!("consensus key {}", hex::encode(key.public().get()))),
                false => Bad(
                    Exit::Key,
                    format!(
                        "{} is missing: the key must not sign; see `quorate recover`",
                        state.display()
                    ),
                ),
            }
        }
    };
    vec![node, vote]
}

/// A clock cannot be judged without another one. What can be seen is whether somebody keeps it right.
fn clock(home: &Home, config: &Config) -> Vec<Verdict> {
    let genesis = genesis::load(&home.resolve(&config.genesis.file), None);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    if genesis.is_ok_and(|genesis| now < u128::from(genesis.timestamp.get())) {
        return vec![Bad(Exit::Config, "it is before the chain began: set the clock".to_owned())];
    }
    let signs = [
        "/run/systemd/timesync/synchronized",
        "/run/chrony/chronyd.pid",
        "/run/chronyd.pid",
        "/run/ntpd.pid",
        "/var/run/ntpd.pid",
        "/run/openntpd.pid",
    ];
    vec![match signs.iter().find(|sign| Path::new(sign).exists()) {
        Some(sign) => Good(format!("somebody keeps it: {sign}")),
        None => Unknown(
            "no time service was seen here; blocks more than some seconds ahead are refused, so keep it right"
                .to_owned(),
        ),
    }]
}

fn disk(home: &Home, _: &Config) -> Vec<Verdict> {
    let found = match statvfs(home.root()) {
        Ok(found) => found,
        Err(error) => return vec![Unknown(format!("cannot be asked: {error}"))],
    };
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let words = format!("{} free", bytes(free >> 20 << 20));
    vec![match free {
        0..DISK_BAD => Bad(Exit::Disk, words),
        DISK_BAD..DISK_DOUBTFUL => Doubtful(words),
        _ => Good(words),
    }]
}

/// What votes wait for: a small write that is durable.
fn fsync(home: &Home, _: &Config) -> Vec<Verdict> {
    let path = home.resolve(Path::new("data/.probe"));
    let measured = probe(&path);
    // It may not have been made.
    let _ = fs::remove_file(&path);
    let mut times = match measured {
        Ok(times) => times,
        Err(error) => return vec![Bad(Exit::Disk, format!("cannot write in data/: {error}"))],
    };
    times.sort_unstable();
    let (median, high) = (times[PROBES / 2], times[PROBES * 99 / 100]);
    let words =
        format!("half of the writes are durable within {median:.1?}, 99 of 100 within {high:.1?}");
    vec![match high {
        high if high > FSYNC_BAD => Bad(Exit::Disk, format!("{words}: too slow for a validator")),
        high if high > FSYNC_DOUBTFUL => Doubtful(format!("{words}: every vote waits for that")),
        _ => Good(words),
    }]
}

fn probe(path: &Path) -> io::Result<Vec<Duration>> {
    let mut options = OpenOptions::new();
    let mut file: File = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(&[0; 4096 * 8])?;
    file.sync_all()?;
    let mut times = Vec::with_capacity(PROBES);
    for place in 0..PROBES {
        let begun = Instant::now();
        let offset = u64::try_from(place % 8).unwrap_or_default() * 4096;
        file.write_all_at(&[1; 4096], offset)?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    Ok(times)
}

fn files(_: &Home, _: &Config) -> Vec<Verdict> {
    let limit = getrlimit(Resource::Nofile).current;
    vec![match limit {
        None => Good("no limit".to_owned()),
        Some(limit) if limit >= FILES_WANTED => Good(format!("{limit} allowed")),
        Some(limit) => Doubtful(format!("{limit} allowed, {FILES_WANTED} are better: `ulimit -n`")),
    }]
}

fn network(home: &Home, config: &Config) -> Vec<Verdict> {
    let mut verdicts = vec![ports(home, config)];
    let own = KeySeed::read(&home.resolve(&config.secrets.node_key)).map(|key| key.peer()).ok();
    let peers = config.network.peers.iter().filter(|peer| Some(peer.peer) != own);
    let (mut reached, mut all) = (0, 0);
    for peer in peers {
        all += 1;
        match dial(&peer.address) {
            Ok(()) => reached += 1,
            Err(error) => verdicts.push(Doubtful(format!("{}: {error}", peer.address))),
        }
    }
    let genesis = genesis::load(&home.resolve(&config.genesis.file), config.genesis.hash.0).ok();
    for member in genesis.iter().flat_map(|genesis| unlisted(config, genesis, own)) {
        verdicts.push(Doubtful(format!(
            "validator {} has no address in `network.peers`: this node cannot call it",
            member.validator
        )));
    }
    verdicts.push(match (reached, all) {
        (_, 0) => Doubtful("no other nodes are configured: `network.peers`".to_owned()),
        (0, _) => Doubtful(format!("none of {all} nodes accepts connections")),
        _ => Good(format!("{reached} of {all} nodes accept connections")),
    });
    verdicts
}

/// Whether the ports are free, unless this very node has them.
fn ports(home: &Home, config: &Config) -> Verdict {
    let Ok(_lock) = HomeLock::take(home) else {
        return Good("the node is running".to_owned());
    };
    for address in [config.network.listen, config.api.listen, config.metrics.listen] {
        if let Err(error) = TcpListener::bind(address) {
            return Bad(Exit::Busy, format!("cannot listen on {address}: {error}"));
        }
    }
    Good("all ports are free".to_owned())
}

fn dial(address: &str) -> io::Result<()> {
    let mut last = io::Error::other("the name has no address");
    for address in resolve(address)? {
        match TcpStream::connect_timeout(&address, DIAL_PATIENCE) {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}
