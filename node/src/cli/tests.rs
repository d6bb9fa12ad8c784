//! Commands as people type them: what they print, what they leave behind, how they end.

use std::{ffi::OsString, fs, path::Path};

use clap::CommandFactory as _;

use super::{Console, arguments::Arguments, main};
use crate::exit::Exit;

mod db;
mod documents;
mod recover;

/// What a command did.
pub(super) struct Done {
    pub(super) exit: Exit,
    pub(super) out: String,
    pub(super) err: String,
}

pub(super) fn run(arguments: &[&str]) -> Done {
    run_with(arguments, &[])
}

fn run_with(arguments: &[&str], variables: &[(&str, &str)]) -> Done {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut console = Console { out: &mut out, err: &mut err, paint: false, live: false };
    let words = ["quorate"].iter().chain(arguments).map(OsString::from);
    let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
    let exit = main(words, variables, &mut console);
    let text = |bytes| String::from_utf8(bytes).expect("output is text");
    Done { exit, out: text(out), err: text(err) }
}

pub(super) fn good(arguments: &[&str]) -> String {
    let done = run(arguments);
    assert_eq!(done.exit, Exit::Clean, "{arguments:?}: {}", done.err);
    done.out
}

pub(super) fn shown(path: &Path) -> &str {
    path.to_str().expect("paths of tests are text")
}

/// The value after a label at the beginning of a line.
fn value<'a>(out: &'a str, label: &str) -> &'a str {
    let line = out.lines().find(|line| line.starts_with(label));
    line.unwrap_or_else(|| panic!("no {label} in {out}")).rsplit(' ').next().expect("a word")
}

/// Names and help texts are consistent, and every command shows an example.
#[test]
fn every_command_has_help_with_an_example() {
    Arguments::command().debug_assert();
    let mut open = vec![Arguments::command()];
    while let Some(command) = open.pop() {
        let leaves: Vec<_> = command.get_subcommands().cloned().collect();
        if leaves.is_empty() && command.get_name() != "docs" {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let name = command.get_name();
            assert!(help.contains("quorate "), "`{name}` shows no example: {help}");
        }
        open.extend(leaves);
    }
}

#[test]
fn mistakes_of_usage_exit_2_and_help_does_not() {
    assert_eq!(run(&["no-such-command"]).exit, Exit::Usage);
    assert_eq!(run(&["init"]).exit, Exit::Usage);
    let help = run(&["--help"]);
    assert_eq!(help.exit, Exit::Clean);
    assert!(help.out.contains("Exit codes"), "{}", help.out);
}

#[test]
fn version_and_completions_are_printed() {
    assert!(good(&["version"]).contains(env!("CARGO_PKG_VERSION")));
    assert!(good(&["version", "--json"]).starts_with('{'));
    assert!(good(&["metrics", "list"]).contains("quorate_finalized_height\n"));
    assert!(good(&["config", "schema"]).contains("\"additionalProperties\": false"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(good(&["completions", shell]).contains("quorate"), "{shell}");
    }
}

#[test]
fn keys_are_made_and_shown_without_their_secret() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("some.key");
    let made = good(&["key", "gen", "--out", shown(&path)]);
    assert_eq!(good(&["key", "show", shown(&path)]), made);
    let secret = fs::read_to_string(&path).expect("a key file");
    assert!(!made.contains(secret.trim()), "it tells the secret");
    assert_ne!(good(&["key", "show", shown(&path), "--index", "3"]), made);
    let again = run(&["key", "gen", "--out", shown(&path)]);
    assert_eq!(again.exit, Exit::Key);
    assert_eq!(fs::read_to_string(&path).expect("a key file"), secret);
}

/// A network of homes: each one is good as it was written, and all are of one chain.
#[test]
fn a_generated_network_is_good() {
    let directory = tempfile::tempdir().expect("a directory");
    let net = directory.path().join("net");
    let out = good(&[
        "testnet",
        "generate",
        "--validators",
        "4",
        "--full",
        "1",
        "--out",
        shown(&net),
        "--accounts",
        "3",
    ]);
    let digest = value(&out, "genesis");
    for name in ["n0", "n1", "n2", "n3", "f0"] {
        let home = net.join(name);
        let checked = good(&["config", "check", "--home", shown(&home)]);
        assert_eq!(value(&checked, "genesis"), digest, "{name}");
        let is_validator = home.join("secrets/consensus.key").exists();
        assert_eq!(is_validator, name.starts_with('n'));
        assert_eq!(home.join("secrets/sign-state").exists(), is_validator, "{name}");
    }
    let genesis = good(&["genesis", "check", shown(&net.join("genesis.json"))]);
    assert!(genesis.contains("validators  4, of which 1 may fail"), "{genesis}");
    assert!(genesis.contains("accounts    3"), "{genesis}");
    let again = run(&["testnet", "generate", "--out", shown(&net)]);
    assert_eq!(again.exit, Exit::Usage, "{}", again.err);
}

#[test]
fn other_forms_of_a_network_come_with_their_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let net = directory.path().join("c");
    good(&["testnet", "generate", "--out", shown(&net), "--as", "compose", "--accounts", "1"]);
    let compose = fs::read_to_string(net.join("compose.yaml")).expect("a compose file");
    assert!(compose.contains("  n3:\n"), "{compose}");
    let config = fs::read_to_string(net.join("n0/config/node.toml")).expect("a configuration");
    assert!(config.contains("@n3:7400"), "{config}");
    let net = directory.path().join("s");
    good(&["testnet", "generate", "--out", shown(&net), "--as", "systemd", "--accounts", "1"]);
    let unit = fs::read_to_string(net.join("quorate@.service")).expect("a unit");
    assert!(unit.contains("RestartPreventExitStatus=2 10 11 12 13 16 17 20\n"), "{unit}");
    assert!(unit.contains(&format!("--home {}/%i", net.display())), "{unit}");
}

/// The way of a real validator: keys first, then the genesis that names them, then the home.
#[test]
fn a_validator_is_made_from_its_keys() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name);
    let (node, vote, genesis) = (at("node.key"), at("vote.key"), at("genesis.json"));
    let node_public = good(&["key", "gen", "--out", shown(&node)]);
    let vote_public = good(&["key", "gen", "--consensus", "--out", shown(&vote)]);
    let (told, backup) = (at("vote.key.sign-state"), at("backup.key"));
    fs::copy(&vote, &backup).expect("our own directory");
    let member =
        format!("{}:{}:5", value(&vote_public, "public key"), value(&node_public, "public key"));
    let account = format!("{}:77", value(&node_public, "address"));
    let made = good(&[
        "genesis",
        "make",
        "--out",
        shown(&genesis),
        "--chain-id",
        "9",
        "--validator",
        &member,
        "--account",
        &account,
    ]);
    let digest = value(&made, "digest");
    let home = at("home");
    let init_with = |mode: &str, hash: &str, home: &Path, vote: &Path| {
        run(&[
            "init",
            "--home",
            shown(home),
            "--mode",
            mode,
            "--genesis",
            shown(&genesis),
            "--genesis-hash",
            hash,
            "--node-key",
            shown(&node),
            "--consensus-key",
            shown(vote),
        ])
    };
    let init = |mode: &str, hash: &str| init_with(mode, hash, &home, &vote);
    assert_eq!(init("validator", &"00".repeat(32)).exit, Exit::Genesis);
    assert_eq!(init("full", digest).exit, Exit::Usage);
    assert!(vote.exists() && !home.exists(), "nothing was done");
    // Nobody vouches for a copy.
    let copied = init_with("validator", digest, &home, &backup);
    assert_eq!(copied.exit, Exit::Key, "{}", copied.err);
    assert!(copied.err.contains("key gen --consensus"), "{}", copied.err);
    assert!(backup.exists() && node.exists() && !home.exists(), "nothing was done");
    let node_backup = fs::read(&node).expect("a key file");
    let done = init("validator", digest);
    assert_eq!(done.exit, Exit::Clean, "{}", done.err);
    assert!(!vote.exists() && !node.exists() && !told.exists(), "moved, not copied");
    good(&["config", "check", "--home", shown(&home)]);

    // From a backup, a second home would forget what the key promised.
    crate::home::create_new(&node, &node_backup, 0o600).expect("our own directory");
    let second = at("second");
    for key in [&backup, &home.join("secrets/consensus.key")] {
        let again = init_with("validator", digest, &second, key);
        assert_eq!(again.exit, Exit::Key, "{}", again.err);
        assert!(key.exists() && !second.exists(), "nothing was done");
    }
    // Whoever moves a validator brings along what it promised.
    let told = at("backup.key.sign-state");
    fs::rename(home.join("secrets/sign-state"), &told).expect("one file system");
    let done = init_with("validator", digest, &second, &backup);
    assert_eq!(done.exit, Exit::Clean, "{}", done.err);
    assert!(second.join("secrets/sign-state").exists() && !told.exists());
}

/// Only a key that votes comes with something that says it never did.
#[test]
fn a_consensus_key_is_known_to_be_new() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name);
    good(&["key", "gen", "--out", shown(&at("node.key"))]);
    assert!(!at("node.key.sign-state").exists());
    good(&["key", "gen", "--consensus", "--out", shown(&at("vote.key"))]);
    let told = fs::read(at("vote.key.sign-state")).expect("beside it");
    let again = run(&["key", "gen", "--consensus", "--out", shown(&at("vote.key"))]);
    assert_eq!(again.exit, Exit::Key);
    assert!(fs::read(at("vote.key.sign-state")).expect("beside it") == told);
}

#[test]
fn settings_are_shown_with_their_origin() {
    let directory = tempfile::tempdir().expect("a directory");
    let net = directory.path().join("net");
    good(&["testnet", "generate", "--out", shown(&net), "--accounts", "1"]);
    let home = net.join("n1");
    let arguments =
        ["config", "show", "--home", shown(&home), "--origin", "--set", "shutdown.grace=3s"];
    let done = run_with(&arguments, &[("QUORATE__LOG__FORMAT", "json"), ("QUORATE_OTHER", "1")]);
    assert_eq!(done.exit, Exit::Clean, "{}", done.err);
    let line = |key: &str| {
        let line = done.out.lines().find(|line| line.starts_with(key));
        line.unwrap_or_else(|| panic!("no {key} in {}", done.out)).to_owned()
    };
    assert!(line("format").ends_with("# environment QUORATE__LOG__FORMAT"), "{}", line("format"));
    assert!(line("grace = \"3s\"").ends_with("# --set"), "{}", done.out);
    assert!(line("cache").ends_with("# built-in"), "{}", done.out);
    assert!(line("mode").contains("node.toml:"), "{}", done.out);

    let bad = run_with(&arguments, &[("QUORATE__LOG__FROMAT", "json")]);
    assert_eq!(bad.exit, Exit::Config);
    assert!(bad.err.starts_with("error: unknown key `fromat` in [log]"), "{}", bad.err);
    assert_eq!(run(&["config", "check", "--home", "/nowhere"]).exit, Exit::Config);
}

#[test]
fn a_home_that_others_can_read_is_no_good() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().expect("a directory");
    let net = directory.path().join("net");
    good(&["testnet", "generate", "--out", shown(&net), "--accounts", "1"]);
    let key = net.join("n0/secrets/consensus.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("ours");
    let done = run(&["config", "check", "--home", shown(&net.join("n0"))]);
    assert_eq!(done.exit, Exit::Key);
    assert!(done.err.contains("chmod 600"), "{}", done.err);
}
