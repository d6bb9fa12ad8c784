//! What can be typed, and what `--help` says about it.

use std::{net::IpAddr, path::PathBuf, str::FromStr};

use clap::{Args, Parser, Subcommand, ValueEnum};
use quorate_core::types::Height;

use super::{light::LightCommand, metrics::MetricsCommand, tx::TxCommand};

const AFTER_HELP: &str = "\
Exit codes:
   0  done, or stopped on request        14  the home or a port is in use
   2  wrong usage                        15  nobody answers
  10  configuration                      16  disk full or failing
  11  genesis, or another chain          17  refused, or does not hold
  12  database damaged                   20  safety halt: look before anything else
  13  key or sign-state                  75  a restart may help

Examples:
  quorate dev
  quorate testnet generate --validators 4 --out net && quorate start --home net/n0
  quorate init --home node --mode full --genesis genesis.json
  quorate status --watch

Settings, files and exit codes are described in docs/configuration.md.";

/// A node of the Quorate ledger, and the tools around it.
#[derive(Debug, Parser)]
#[command(name = "quorate", version, after_help = AFTER_HELP, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Runs a whole network on this machine until Ctrl-C.
    #[command(after_help = "\
Examples:
  quorate dev
  quorate dev --validators 7 --full 1 --load 500
  quorate dev --keep net

Every node is a process of its own, the same as with `quorate start`. All end with this one.
With --keep the network is there again when the command is given again.")]
    Dev(DevOptions),
    /// Runs one node until it is told to stop.
    #[command(after_help = "\
Examples:
  quorate start --home node
  quorate start --home node --log debug --set log.format=json

SIGINT and SIGTERM stop it. A node may be killed at any moment: nothing that was acknowledged is lost.")]
    Start(StartOptions),
    /// Says how a running node is doing.
    #[command(after_help = "\
Examples:
  quorate status
  quorate status --home node --watch
  quorate status --api http://127.0.0.1:8400 --json")]
    Status(StatusOptions),
    /// Looks for what would keep a node from running well on this machine.
    #[command(after_help = "Example:\n  quorate doctor --home node")]
    Doctor(HomeOptions),
    /// Looks at the peers of a running node.
    #[command(subcommand)]
    Peers(PeersCommand),
    /// Builds, signs and sends transactions.
    #[command(subcommand)]
    Tx(TxCommand),
    /// Sends transfers at a rate and says how long they took.
    #[command(after_help = "\
Examples:
  quorate load --key net/accounts.key --rate 500 --for 60s
  quorate load --key net/accounts.key --for 10s --workers 16 --report load.json

The accounts are those that follow from the key, as `quorate testnet generate` funds them. Latencies
count from when a transfer was due. Without --rate it sends as fast as the node takes it.")]
    Load(LoadOptions),
    /// Looks at the database of a stopped node, and mends it by policy.
    #[command(subcommand)]
    Db(DbCommand),
    /// Takes a stretch of the recording for the simulator.
    #[command(subcommand)]
    Capture(CaptureCommand),
    /// Brings a node back whose database or sign-state is gone or damaged.
    #[command(after_help = "\
Examples:
  quorate recover --home node --dry-run
  quorate recover --home node

A damaged database is moved aside, and the next start fetches the chain from other nodes. With a whole
sign-state the node goes on voting, and never contradicts what the sign-state says. Without one nobody
knows what the key has signed: it never signs again, the node follows as a full node, and a fresh key is
made for when the chain takes it up. Nothing is deleted.")]
    Recover(RecoverOptions),
    /// Makes the home of one node: directories, keys, configuration.
    #[command(after_help = "\
Examples:
  quorate init --home node --mode full --genesis genesis.json --genesis-hash 7c1f..
  quorate init --home node --mode validator --genesis genesis.json \\
      --node-key node.key --consensus-key consensus.key

A validator's keys are made before the genesis that names them: `quorate key gen`, with --consensus for the
one that votes. They are moved into the home, because a consensus key must exist once, and with it goes
consensus.key.sign-state, which says what it has signed: without that it might vote twice, so nothing is done
(13). To move a validator, put the sign-state of its old home beside its key under that name.")]
    Init(InitOptions),
    /// Makes homes for a whole network.
    #[command(subcommand)]
    Testnet(TestnetCommand),
    /// Shows settings, and says what is wrong with them.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Makes keys, and shows their public half.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Makes and checks the document that a chain starts from.
    #[command(subcommand)]
    Genesis(GenesisCommand),
    /// Says what can be measured of a node.
    #[command(subcommand)]
    Metrics(MetricsCommand),
    /// Checks what a node says without believing any node.
    #[command(subcommand)]
    Light(LightCommand),
    /// Prints a script that completes commands in a shell.
    #[command(after_help = "\
Example:
  quorate completions bash > /etc/bash_completion.d/quorate")]
    Completions(CompletionsOptions),
    /// Says which program this is.
    #[command(after_help = "Examples:\n  quorate version\n  quorate version --json")]
    Version(VersionOptions),
}

/// What a node of a home is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ModeChoice {
    /// Holds a consensus key and votes.
    Validator,
    /// Follows the chain and serves it.
    Full,
}

#[derive(Debug, Args)]
pub(super) struct InitOptions {
    /// Directory to make. It must not exist, or be empty.
    #[arg(long, value_name = "DIR")]
    pub(super) home: PathBuf,
    /// What the node is.
    #[arg(long, value_enum)]
    pub(super) mode: ModeChoice,
    /// The genesis. It is copied into the home.
    #[arg(long, value_name = "FILE")]
    pub(super) genesis: PathBuf,
    /// Digest that the genesis must have.
    #[arg(long, value_name = "HEX")]
    pub(super) genesis_hash: Option<String>,
    /// Node key to move into the home. Without it a new one is made.
    #[arg(long, value_name = "FILE")]
    pub(super) node_key: Option<PathBuf>,
    /// Consensus key to move into the home. A validator needs one that the genesis names.
    #[arg(long, value_name = "FILE")]
    pub(super) consensus_key: Option<PathBuf>,
    /// Another node, as KEY@HOST:PORT. Can be repeated.
    #[arg(long, value_name = "PEER")]
    pub(super) peer: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum TestnetCommand {
    /// Writes a genesis, a home for every node, and a key that owns funded accounts.
    #[command(after_help = "\
Examples:
  quorate testnet generate --validators 7 --full 2 --out net
  quorate testnet generate --validators 4 --out net --as compose
  quorate testnet generate --validators 4 --out /var/lib/quorate --as systemd
  quorate testnet generate --out net --parameter idle_block_interval=0ms

The keys are all on one machine: good for trying things out, and for nothing that matters.")]
    Generate(GenerateOptions),
}

/// In which form a network is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// Homes that listen on one machine, each on ports of its own.
    Dirs,
    /// The same, with a compose file: one container per node.
    Compose,
    /// The same as dirs, with a systemd unit for all of them.
    Systemd,
}

#[derive(Debug, Args)]
pub(super) struct GenerateOptions {
    /// Validators, each of weight 1.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) validators: u16,
    /// Nodes that follow without voting.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=256))]
    pub(super) full: u16,
    /// Directory to make.
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
    /// Form of what is written.
    #[arg(long = "as", value_enum, default_value_t = Form::Dirs)]
    pub(super) form: Form,
    /// Address that nodes listen on and find each other at.
    #[arg(long, default_value = "127.0.0.1", value_name = "IP")]
    pub(super) host: IpAddr,
    /// First of the ports between nodes. The interfaces use those 1000 and 2000 above.
    #[arg(long, default_value_t = 7400, value_parser = clap::value_parser!(u16).range(1..=60_000))]
    pub(super) base_port: u16,
    /// Number of the chain.
    #[arg(long, default_value_t = 1)]
    pub(super) chain_id: u32,
    /// Funded accounts. `accounts.key` gives all their keys.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub(super) accounts: u32,
    /// Native tokens that each of them starts with.
    #[arg(long, default_value_t = 1_000_000_000)]
    pub(super) balance: u64,
    /// A parameter of the chain, as it is named in genesis.json. Can be repeated.
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    pub(super) parameters: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct DevOptions {
    /// Validators, each of weight 1.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(super) validators: u16,
    /// Nodes that follow without voting.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=64))]
    pub(super) full: u16,
    /// Transfers a second to send all the time.
    #[arg(long, default_value_t = 0, value_name = "RATE", value_parser = clap::value_parser!(u64).range(0..=100_000))]
    pub(super) load: u64,
    /// Directory for the homes, which stays. Without it they are removed at the end.
    #[arg(long, value_name = "DIR")]
    pub(super) keep: Option<PathBuf>,
    /// End after so many finalized blocks.
    #[arg(long, value_name = "COUNT")]
    pub(super) blocks: Option<u64>,
}

#[derive(Debug, Args)]
pub(super) struct StartOptions {
    #[command(flatten)]
    pub(super) home: HomeOptions,
    /// Where other nodes connect to.
    #[arg(long, value_name = "IP:PORT")]
    pub(super) listen: Option<String>,
    /// Where clients connect to.
    #[arg(long, value_name = "IP:PORT")]
    pub(super) api_listen: Option<String>,
    /// Where metrics are.
    #[arg(long, value_name = "IP:PORT")]
    pub(super) metrics_listen: Option<String>,
    /// Which log lines are written.
    #[arg(long, value_name = "FILTER")]
    pub(super) log: Option<String>,
    /// Stop when standard input ends: with whoever started it.
    #[arg(long)]
    pub(super) while_stdin: bool,
}

/// Which running node is asked.
#[derive(Clone, Debug, Args)]
pub(super) struct ApiOptions {
    /// Its API. Without it, that of the node in --home, or http://127.0.0.1:8400.
    #[arg(long, value_name = "URL")]
    pub(super) api: Option<String>,
    /// Its home, if it runs on this machine.
    #[arg(long, value_name = "DIR", conflicts_with = "api")]
    pub(super) home: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct StatusOptions {
    #[command(flatten)]
    pub(super) api: ApiOptions,
    /// Again every second.
    #[arg(long)]
    pub(super) watch: bool,
    /// As JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum PeersCommand {
    /// Who is connected, and who should be.
    #[command(after_help = "Example:\n  quorate peers list --home node")]
    List(PeersListOptions),
    /// Calls other nodes and says what is wrong.
    #[command(after_help = "\
Examples:
  quorate peers probe --home node
  quorate peers probe --home node 53ab..@node2.example.org:7400

Without a peer, calls all those in the configuration of the home. Each call has a key of its own, made for it,
so it does not disturb the node of the home. Exits 0 if all of them answer and are of the same chain, 15 if
not.")]
    Probe(ProbeOptions),
}

#[derive(Debug, Args)]
pub(super) struct PeersListOptions {
    #[command(flatten)]
    pub(super) api: ApiOptions,
    /// As JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ProbeOptions {
    #[command(flatten)]
    pub(super) home: HomeOptions,
    /// Another node, as KEY@HOST:PORT.
    #[arg(value_name = "PEER")]
    pub(super) peers: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct LoadOptions {
    #[command(flatten)]
    pub(super) api: ApiOptions,
    /// The key whose accounts are used.
    #[arg(long, value_name = "FILE")]
    pub(super) key: PathBuf,
    /// Transfers a second; 0 for as fast as the node takes them.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=1_000_000))]
    pub(super) rate: u64,
    /// How long.
    #[arg(long = "for", default_value = "10s", value_name = "TIME")]
    pub(super) time: String,
    /// Requests under way at a time.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=64))]
    pub(super) workers: u64,
    /// Transfers in one request at the most.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub(super) batch: u64,
    /// Accounts that send.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(super) accounts: u64,
    /// What each transfer pays.
    #[arg(long, default_value_t = 1_000)]
    pub(super) fee: u64,
    /// File for the numbers, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// Print the numbers as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum DbCommand {
    /// Walks over everything and says what is not as it must be.
    #[command(after_help = "Example:\n  quorate db verify --home node")]
    Verify(HomeOptions),
    /// Says how large it is.
    #[command(after_help = "Example:\n  quorate db stats --home node")]
    Stats(HomeOptions),
    /// Forgets old blocks.
    #[command(after_help = "\
Examples:
  quorate db prune --home node --set store.blocks_kept=10000
  quorate db prune --home node --below 250000")]
    Prune(PruneOptions),
    /// Takes the state back some heights and executes them again. What is final stays final.
    #[command(after_help = "Example:\n  quorate db rollback --home node --to 81240")]
    Rollback(RollbackOptions),
    /// Writes blocks as lines of JSON.
    #[command(after_help = "\
Examples:
  quorate db export --home node > blocks.jsonl
  quorate db export --home node --heights 100..200 --out blocks.jsonl")]
    Export(ExportOptions),
    /// Copies the database: files are linked where that is possible.
    #[command(after_help = "\
Example:
  quorate db checkpoint --home node --to backup

The copy takes the place of `data/db` in a home of the same chain. However old it is, the node follows from there.
There is no such thing for the sign-state: an old copy does not know what was signed since.")]
    Checkpoint(CheckpointOptions),
}

#[derive(Debug, Args)]
pub(super) struct CheckpointOptions {
    #[command(flatten)]
    pub(super) home: HomeOptions,
    /// Directory to make, best on the same file system.
    #[arg(long, value_name = "DIR")]
    pub(super) to: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct PruneOptions {
    #[command(flatten)]
    pub(super) home: HomeOptions,
    /// Forget what is below this height, instead of what `store.blocks_kept` says.
    #[arg(long, value_name = "HEIGHT")]
    pub(super) below: Option<u64>,
}

#[derive(Debug, Args)]
pub(super) struct RollbackOptions {
    #[command(flatten)]
    pub(super) home: HomeOptions,
    /// The height after which the state is to be.
    #[arg(long, value_name = "HEIGHT")]
    pub(super) to: u64,
}

#[derive(Debug, Args)]
pub(super) struct ExportOptions {
    #[command(flatten)]
    pub(super) home: HomeOptions,
    /// Which blocks: A..B, both included; either may be left out.
    #[arg(long, default_value = "..", value_name = "A..B")]
    pub(super) heights: Heights,
    /// File to write. Without it standard output.
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum CaptureCommand {
    /// Writes the stretch in which some heights became final to a file, while the node runs.
    #[command(after_help = "\
Example:
  quorate capture export --home node --heights 1000..1100 --out incident.qcap")]
    Export(CaptureExportOptions),
}

#[derive(Debug, Args)]
pub(super) struct CaptureExportOptions {
    /// Home of the node.
    #[arg(long, value_name = "DIR")]
    pub(super) home: PathBuf,
    /// Which heights: A..B, both included; the last may be left out.
    #[arg(long, value_name = "A..B")]
    pub(super) heights: Heights,
    /// File to write. It must not exist.
    #[arg(long, short, value_name = "FILE")]
    pub(super) out: PathBuf,
}

/// A stretch of heights, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heights {
    from: Option<u64>,
    to: Option<u64>,
}

impl Heights {
    /// The lowest and the highest, where the highest there can be is known.
    pub(super) fn bounds(self, highest: Height) -> (Height, Height) {
        let from = Height::new(self.from.unwrap_or(1));
        (from, self.to.map_or(highest, Height::new))
    }
}

impl FromStr for Heights {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            || format!("`{text}` is no stretch of heights: expected A..B, as in 100..200");
        let (from, to) = text.split_once("..").ok_or_else(expected)?;
        let read = |text: &str| match text {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| expected()),
        };
        let heights = Self { from: read(from)?, to: read(to)? };
        match heights {
            Self { from: Some(from), to: Some(to) } if from > to => Err(expected()),
            _ => Ok(heights),
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct RecoverOptions {
    #[command(flatten)]
    pub(super) home: HomeOptions,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Take the database for damaged, whatever it looks like.
    #[arg(long)]
    pub(super) discard_data: bool,
}

/// Where the home is, and what is laid over its configuration.
#[derive(Clone, Debug, Args)]
pub(super) struct HomeOptions {
    /// Home of the node.
    #[arg(long, value_name = "DIR")]
    pub(super) home: PathBuf,
    /// A setting for this time only. Can be repeated.
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    pub(super) set: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Says what is wrong with the configuration of a home.
    #[command(after_help = "Example:\n  quorate config check --home node")]
    Check(HomeOptions),
    /// Prints every setting that counts.
    #[command(after_help = "\
Examples:
  quorate config show --home node
  quorate config show --home node --origin
  QUORATE__LOG__FORMAT=json quorate config show --home node --origin")]
    Show(ShowOptions),
    /// Prints a JSON schema of all settings, for editors.
    #[command(after_help = "Example:\n  quorate config schema > node.schema.json")]
    Schema,
    /// Prints the reference page of all settings.
    #[command(after_help = "Example:\n  quorate config docs > docs/configuration.md")]
    Docs,
}

#[derive(Debug, Args)]
pub(super) struct ShowOptions {
    #[command(flatten)]
    pub(super) home: HomeOptions,
    /// Where each value comes from.
    #[arg(long)]
    pub(super) origin: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Makes a new key and writes it to a file that only you can read. Prints the public half.
    #[command(after_help = "\
Examples:
  quorate key gen --out node.key
  quorate key gen --consensus --out consensus.key

A consensus key comes with consensus.key.sign-state, which says that it was never used. Keep the two together,
and no copies of them: `quorate init` takes both.")]
    Gen(KeyGenOptions),
    /// Prints the public half of a key, and the account that it controls.
    #[command(after_help = "\
Examples:
  quorate key show consensus.key
  quorate key show net/accounts.key --index 12")]
    Show(KeyShowOptions),
}

#[derive(Debug, Args)]
pub(super) struct KeyGenOptions {
    /// File to write. It must not exist.
    #[arg(long, value_name = "FILE")]
    pub(super) out: PathBuf,
    /// For a key that votes: says beside it that it was never used.
    #[arg(long)]
    pub(super) consensus: bool,
    /// As JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct KeyShowOptions {
    /// Key file.
    pub(super) file: PathBuf,
    /// One of the many accounts that follow from the key, as in `accounts.key`.
    #[arg(long)]
    pub(super) index: Option<u64>,
    /// As JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum GenesisCommand {
    /// Says what is wrong with a genesis, or prints its digest and what it starts.
    #[command(after_help = "Example:\n  quorate genesis check genesis.json")]
    Check(GenesisCheckOptions),
    /// Writes a genesis from the public keys of its validators.
    #[command(after_help = "\
Example:
  quorate genesis make --chain-id 7 --out genesis.json \\
      --validator 53ab..:77c0.. --validator 91d2..:02ee..:3 --account 4fd1..:1000000")]
    Make(GenesisMakeOptions),
}

#[derive(Debug, Args)]
pub(super) struct GenesisCheckOptions {
    /// Genesis file.
    pub(super) file: PathBuf,
    /// Digest that it must have.
    #[arg(long, value_name = "HEX")]
    pub(super) genesis_hash: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct GenesisMakeOptions {
    /// File to write. It must not exist.
    #[arg(long, value_name = "FILE")]
    pub(super) out: PathBuf,
    /// Number of the chain.
    #[arg(long)]
    pub(super) chain_id: u32,
    /// A validator: consensus key, node key, and a weight if it is not 1. Can be repeated.
    #[arg(long, value_name = "KEY:KEY[:WEIGHT]", required = true)]
    pub(super) validator: Vec<String>,
    /// An opening balance. Can be repeated.
    #[arg(long, value_name = "ADDRESS:BALANCE")]
    pub(super) account: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsOptions {
    /// For which shell.
    #[arg(value_enum)]
    pub(super) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(super) struct VersionOptions {
    /// As JSON.
    #[arg(long)]
    pub(super) json: bool,
}
