//! The reference page of all settings, and files to start from, both made from the declarations.

use std::fmt::Write as _;

use super::{
    settings::{Config, SECTIONS},
    table::{KeyInfo, SectionInfo},
};
use crate::exit::Exit;

const HEAD: &str = "\
# Configuration

This page is written by `quorate config docs` from the declarations in `node/src/config/settings.rs`; a test
compares the two.

A node has one directory, its home, and reads `config/node.toml` there. `quorate init` and `quorate testnet
generate` make homes. What all nodes of a chain have to agree about, such as timers and the size of blocks, is
not here but in the genesis.

## Which value counts

Later ones win:

1. the built-in value,
2. the file,
3. the environment: `QUORATE__API__LISTEN=127.0.0.1:9000` sets `listen` in `[api]`,
4. `--set api.listen=127.0.0.1:9000`,
5. a flag of its own, such as `--api-listen`.

`quorate config show --origin` prints every value and where it comes from; `quorate config check` says what
is wrong, with file, line and column. An unknown key is an error, not a warning. Text in the environment and
after `--set` needs no quotes; a list is written as in TOML. A secret is always given as the path of a file.

";

const HOME: &str = "\
## The home

```text
HOME/             0700
  config/         node.toml, genesis.json
  secrets/  0700  node.key, consensus.key, sign-state    each 0600
  data/           the database
  capture/        the recording for the simulator
  run/            lock, addresses.json
```

A node refuses to start (exit 13) if anybody else could read its secrets, if a consensus key has no
sign-state beside it, or the reverse. The sign-state says what the key has promised. It belongs to the key:
a copy of the key without it, or with an older one, can sign what it must not, and that is an offence that
others can prove. `quorate key gen --consensus` makes the two together, and `quorate init` takes the key only
with `KEY.sign-state` beside it. Wiping `data/` is harmless, because the sign-state is not there; see `quorate recover`.

`run/addresses.json` names the addresses that a running node listens on, which is how to find a port that
was given as 0.

";

const EXITS: &str = "\
## Exit codes

A service manager should not restart after those that say so: nothing is gained, and logs fill.

| code | meaning | restart helps |
|---|---|---|
";

/// `docs/configuration.md`.
pub(crate) fn reference() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("## Settings\n\n");
    let built_in = Config::default();
    for section in SECTIONS {
        let _ = writeln!(page, "### `[{}]`\n\n{}\n", section.name, sentence(section.about));
        page.push_str("| key | built-in | takes | meaning |\n|---|---|---|---|\n");
        for key in section.keys {
            let value = built_in.print(section.name, key.name);
            let _ = writeln!(
                page,
                "| `{}` | `{value}` | {} | {} |",
                key.name,
                (key.expected)(),
                sentence(key.about)
            );
        }
        page.push('\n');
    }
    page.push_str(HOME);
    page.push_str(EXITS);
    for exit in Exit::ALL {
        let helps = if exit.can_restart_help() { "yes" } else { "no" };
        let _ = writeln!(page, "| {} | {} | {helps} |", exit.code(), exit.meaning());
    }
    page
}

/// A commented file: what differs from the built-in values is set, the rest can be seen.
pub(crate) fn file(config: &Config) -> String {
    let built_in = Config::default();
    let mut text = String::from(
        "# The configuration of one node. What is commented out is the built-in value.\n\
         # `quorate config check` says what is wrong, `quorate config show --origin` what counts.\n",
    );
    for section in SECTIONS {
        let _ = write!(text, "\n{}[{}]\n", comment(section.about), section.name);
        for key in section.keys {
            text.push_str(&entry(config, &built_in, section, key));
        }
    }
    text
}

fn entry(config: &Config, built_in: &Config, section: &SectionInfo, key: &KeyInfo) -> String {
    let value = config.print(section.name, key.name);
    let mark = if value == built_in.print(section.name, key.name) { "# " } else { "" };
    format!("{}{mark}{} = {value}\n", comment(key.about), key.name)
}

fn comment(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("# {}\n", line.trim())).collect()
}

fn sentence(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}
