//! `quorate recover`: a node whose disk, database or sign-state is gone or damaged.
//!
//! What it never does: make a new sign-state for an old key. Nobody can know what such a key has signed,
//! so it votes no more, and a fresh key takes its place when the chain takes it up. What is neither damaged
//! nor missing it does not touch: a database in use, a full disk, another chain's files or a path that was
//! mistyped are told with the code that `start` would end with, and nothing is changed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use quorate_core::config::Genesis;

use super::{
    Console, arguments::RecoverOptions, config as config_command, genesis::now,
    node_home::store_options,
};
use crate::{
    config::{self, Config, Mode, Overrides},
    durable,
    exit::{Exit, Failure},
    genesis,
    home::{Home, HomeLock, create_new, failed},
    keys::KeySeed,
    signer::{Companion, Signer, SignerError},
    store::{Store, StoreError},
};

pub(super) fn recover(
    options: &RecoverOptions,
    environment: Overrides,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let config = config_command::load(&options.home, environment)?.config;
    let home = Home::at(&options.home.home);
    home.check(&config)?;
    let _lock = HomeLock::take(&home)?;
    let plan = Plan::of(&home, &config, options)?;
    for line in plan.words(&home, &config) {
        console.line(line)?;
    }
    if options.dry_run {
        return console.line("nothing was changed: leave --dry-run out to do it");
    }
    plan.carry_out(&home, &config, console)
}

/// What is wrong, and therefore what is done.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Plan {
    /// Why the database cannot be used, if it cannot.
    database: Option<String>,
    /// Why the key must not sign any more, if it must not.
    key: Option<String>,
}

impl Plan {
    fn of(home: &Home, config: &Config, options: &RecoverOptions) -> Result<Self, Failure> {
        let genesis = genesis::load(&home.resolve(&config.genesis.file), config.genesis.hash.0)?;
        let database = match home.data().exists() {
            false => Some("it is not there".to_owned()),
            true if options.discard_data => Some("it is to be discarded".to_owned()),
            true => bad_database(home, config, &genesis)?,
        };
        let key = match config.node.mode {
            Mode::Full => None,
            Mode::Validator => bad_key(home, config, &genesis)?,
        };
        Ok(Self { database, key })
    }

    /// What is found and what follows, before anything is done.
    fn words(&self, home: &Home, config: &Config) -> Vec<String> {
        let mut words = Vec::new();
        match &self.database {
            None => words.push("database: good, and left alone".to_owned()),
            Some(why) => {
                words.push(format!("database: {why}"));
                if home.data().exists() {
                    words.push("  it is moved aside, not deleted".to_owned());
                }
                words.push("  the next start fetches the chain from other nodes".to_owned());
            }
        }
        match (&self.key, config.node.mode) {
            (None, Mode::Full) => words.push("key: this node has none that votes".to_owned()),
            (None, Mode::Validator) => {
                words.push("key: its sign-state is whole, so the node goes on voting".to_owned());
                words.push(
                    "  it signs nothing that contradicts what the sign-state says".to_owned(),
                );
            }
            (Some(why), _) => words.extend([
                format!("key: {why}"),
                "  nobody knows what this key has signed, so it never signs again".to_owned(),
                "  the key and what is left of its sign-state are moved aside, not deleted"
                    .to_owned(),
                "  the node follows the chain as a full node from now on".to_owned(),
                "  a fresh consensus key is made, for when the chain takes it up".to_owned(),
            ]),
        }
        words
    }

    fn carry_out(
        &self,
        home: &Home,
        config: &Config,
        console: &mut Console<'_>,
    ) -> Result<(), Failure> {
        let stamp = now().get();
        if self.database.is_some() && home.data().exists() {
            let aside = move_aside(&home.data(), stamp)?;
            console.line(format_args!("moved the database to {}", aside.display()))?;
        }
        if self.key.is_some() {
            let secrets = &config.secrets;
            // The mode first: were this to stop half-way, a node that follows is the safe half.
            follow(&home.config_file())?;
            let written = config::load(&home.config_file(), &Overrides::default())?;
            if written.config.node.mode != Mode::Full {
                let what = "`mode` is still not `full`: set it in the file, then run this again";
                return Err(Failure::new(Exit::Config, what));
            }
            console
                .line(format_args!("set `mode = \"full\"` in {}", home.config_file().display()))?;
            for path in [&secrets.consensus_key, &secrets.sign_state] {
                let path = home.resolve(path);
                if path.exists() {
                    let aside = move_aside(&path, stamp)?;
                    console.line(format_args!(
                        "moved {} to {}",
                        path.display(),
                        aside.display()
                    ))?;
                }
            }
            let fresh = KeySeed::generate()?;
            let path = home.resolve(Path::new("secrets/consensus.next.key"));
            if path.exists() {
                console.line(format_args!("{} is there from before", path.display()))?;
            } else {
                fresh.write(&path)?;
                let companion = Companion::create(&path, fresh.public())?;
                console.line(format_args!(
                    "made {}, and {} which belongs to it",
                    path.display(),
                    companion.display()
                ))?;
                console.line(format_args!(
                    "its public key is {}",
                    hex::encode(fresh.public().get())
                ))?;
            }
            console.line(
                "a running chain cannot replace a validator's key yet: until it can, or the chain begins \
                 anew with this key in its genesis, this node follows",
            )?;
        }
        console.line(format_args!("next: quorate start --home {}", home.root().display()))
    }
}

/// What is wrong with the database, if it is damaged.
fn bad_database(
    home: &Home,
    config: &Config,
    genesis: &Genesis,
) -> Result<Option<String>, Failure> {
    match Store::examine(&home.data(), genesis, &store_options(config)) {
        Ok(()) => Ok(None),
        Err(error @ (StoreError::Corrupt { .. } | StoreError::OtherState { .. })) => {
            Ok(Some(error.to_string()))
        }
        Err(error) => Err(error.into()),
    }
}

/// What is wrong with the sign-state, if it is damaged or gone.
fn bad_key(home: &Home, config: &Config, genesis: &Genesis) -> Result<Option<String>, Failure> {
    let secrets = &config.secrets;
    let key = KeySeed::read(&home.resolve(&secrets.consensus_key))?;
    let path = home.resolve(&secrets.sign_state);
    match Signer::examine(key.public(), &path, genesis) {
        Ok(()) => Ok(None),
        Err(error @ SignerError::Missing { .. }) => {
            check_nowhere_else(&path, &home.resolve(&secrets.consensus_key))?;
            Ok(Some(error.to_string()))
        }
        Err(error @ SignerError::Damaged { .. }) => Ok(Some(error.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// Refuses to call a sign-state lost that may only be somewhere else than the configuration says.
fn check_nowhere_else(path: &Path, key: &Path) -> Result<(), Failure> {
    let folders = [path.parent(), key.parent()];
    for folder in folders.into_iter().flatten() {
        let entries = fs::read_dir(folder).map_err(|error| {
            let what = format!(
                "there is no sign-state at {}, and {} cannot be read: {error}; see that \
                 `secrets.sign_state` names the right file",
                path.display(),
                folder.display()
            );
            Failure::new(Exit::Key, what)
        })?;
        for entry in entries {
            let entry = entry.map_err(|error| failed("read", folder, &error))?.path();
            let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if ["sign-state", "sign-state.arriving"].contains(&name.as_str()) {
                let what = format!(
                    "there is no sign-state at {}, but there is {}: if that is the newest one, let \
                     `secrets.sign_state` name it, or give it that name; if it is not, move it away first",
                    path.display(),
                    entry.display()
                );
                return Err(Failure::new(Exit::Key, what));
            }
        }
    }
    Ok(())
}

fn move_aside(path: &Path, stamp: u64) -> Result<PathBuf, Failure> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".retired-{stamp}"));
    let aside = path.with_file_name(name);
    durable::rename(path, &aside).map_err(|error| failed("move", path, &error))?;
    Ok(aside)
}

/// Sets the mode in the file and leaves everything else as it was written.
fn follow(path: &Path) -> Result<(), Failure> {
    let text = fs::read_to_string(path).map_err(|error| failed("read", path, &error))?;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let section = lines.iter().position(|line| line.trim() == "[node]");
    let Some(section) = section else {
        lines.splice(0..0, ["[node]".to_owned(), "mode = \"full\"".to_owned(), String::new()]);
        return write_config(path, &lines);
    };
    let end = lines[section + 1..].iter().position(|line| line.trim_start().starts_with('['));
    let end = end.map_or(lines.len(), |at| section + 1 + at);
    let is_mode = |line: &String| {
        line.trim_start()
            .strip_prefix("mode")
            .is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    match lines[section + 1..end].iter().position(is_mode) {
        Some(at) => lines[section + 1 + at] = "mode = \"full\"".to_owned(),
        None => lines.insert(section + 1, "mode = \"full\"".to_owned()),
    }
    write_config(path, &lines)
}

fn write_config(path: &Path, lines: &[String]) -> Result<(), Failure> {
    let fresh = path.with_extension("toml.new");
    // What an interrupted attempt has left behind was never in place.
    let _ = fs::remove_file(&fresh);
    create_new(&fresh, format!("{}\n", lines.join("\n")).as_bytes(), 0o640)?;
    durable::rename(&fresh, path).map_err(|error| failed("replace", path, &error))
}

#[cfg(test)]
mod tests {
    use super::{Config, Mode, Overrides, config, follow};

    /// The mode changes and nothing else, wherever and however it is written.
    #[test]
    fn the_mode_is_set_in_any_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("node.toml");
        let mut written = Config::default();
        written.node.mode = Mode::Validator;
        written.api.listen = "127.0.0.1:7".parse().expect("an address");
        let rest = "[api]\nlisten = \"127.0.0.1:7\"\n";
        for text in [
            config::file(&written),
            format!("[node]\nmode = \"validator\"\n{rest}"),
            format!("{rest}[node]\n  mode=\"validator\" # votes"),
            format!("[node]\n# mode = \"full\"\n{rest}"),
            rest.to_owned(),
        ] {
            std::fs::write(&path, &text).expect("writable");
            follow(&path).expect("it can be changed");
            let read = config::load(&path, &Overrides::default());
            let read = read.unwrap_or_else(|failure| panic!("{failure}\n{text}")).config;
            let mut wanted = written.clone();
            wanted.node.mode = Mode::Full;
            assert_eq!(read, wanted, "{text}");
        }
    }
}
