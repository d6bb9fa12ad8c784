//! `quorate light`: checks what a node says without believing any node.
//!
//! Needs the genesis and the document that a node gave, and no connection to anybody.

use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
};

use clap::{Args, Subcommand};

use super::{Console, genesis::pinned};
use crate::{
    api::{
        json::{AccountProofJson, AuthorityJson, Hex32, ProvenAccountJson},
        light::{self, LightError, Verified},
    },
    exit::{Exit, Failure},
    genesis,
};

/// Bytes of the longest document: a proof has at most 256 siblings, a certificate a signature for each member.
const DOCUMENT_BYTES_MAX: u64 = 4 * 1024 * 1024;

#[derive(Debug, Subcommand)]
pub(super) enum LightCommand {
    /// Checks the proof of an account against the genesis.
    #[command(after_help = "\
Examples:
  quorate light verify --genesis genesis.json account.json
  quorate light verify --genesis genesis.json --genesis-hash 7c1f.. --account 4fd1.. -

The document is what /v1/accounts/ADDRESS?prove=1 answers, or its `proof` alone; - is standard input.
Exits 0 if a quorum of the genesis committee vouches for it, 17 if not.")]
    Verify(VerifyOptions),
}

#[derive(Debug, Args)]
pub(super) struct VerifyOptions {
    /// The genesis of the chain.
    #[arg(long, value_name = "FILE")]
    genesis: PathBuf,
    /// Digest that the genesis must have.
    #[arg(long, value_name = "HEX")]
    genesis_hash: Option<String>,
    /// Account that it must be about.
    #[arg(long, value_name = "ADDRESS")]
    account: Option<String>,
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// The document; - for standard input.
    document: PathBuf,
}

pub(super) fn light(command: &LightCommand, console: &mut Console<'_>) -> Result<(), Failure> {
    match command {
        LightCommand::Verify(options) => verify(options, console),
    }
}

fn verify(options: &VerifyOptions, console: &mut Console<'_>) -> Result<(), Failure> {
    let genesis = genesis::load(&options.genesis, pinned(options.genesis_hash.as_deref())?)?;
    let proof = read(options)?;
    if let Some(wanted) = &options.account {
        let wanted = Hex32::parse(wanted).ok_or_else(|| {
            let what = format!("`{wanted}` is no address: 64 lower-case hexadecimal digits are");
            Failure::new(Exit::Usage, what)
        })?;
        if proof.address != wanted {
            let what = format!("the proof is about {}, not about {wanted}", proof.address);
            return Err(Failure::new(Exit::Refused, what));
        }
    }
    let verified = light::verify(&genesis, &proof).map_err(|error| {
        let exit = match error {
            LightError::Genesis(_) => Exit::Genesis,
            _ => Exit::Refused,
        };
        Failure::new(exit, format!("the proof does not hold: {error}"))
    })?;
    show(options, &proof.address, &verified, console)
}

fn read(options: &VerifyOptions) -> Result<AccountProofJson, Failure> {
    let name = options.document.display();
    let fail = |why: &dyn std::fmt::Display| Failure::new(Exit::Usage, format!("{name}: {why}"));
    let mut text = Vec::new();
    let read = match options.document.to_str() {
        Some("-") => io::stdin().lock().take(DOCUMENT_BYTES_MAX).read_to_end(&mut text),
        _ => File::open(&options.document)
            .and_then(|file| file.take(DOCUMENT_BYTES_MAX).read_to_end(&mut text)),
    };
    read.map_err(|error| fail(&error))?;
    let mut document: serde_json::Value =
        serde_json::from_slice(&text).map_err(|error| fail(&error))?;
    // A whole answer has its proof inside.
    let proof = match document.get_mut("proof") {
        Some(serde_json::Value::Null) => {
            return Err(fail(&"there is no proof in it: ask the node with ?prove=1"));
        }
        Some(proof) => proof.take(),
        None => document,
    };
    serde_json::from_value(proof)
        .map_err(|error| fail(&format_args!("it is no proof of an account: {error}")))
}

fn show(
    options: &VerifyOptions,
    address: &Hex32,
    verified: &Verified,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let account = verified.account.as_ref().map(ProvenAccountJson::from);
    if options.json {
        let text = serde_json::json!({
            "address": address,
            "height": verified.height.get(),
            "state_root": verified.state_root.to_string(),
            "account": account,
        });
        return console.line(text);
    }
    console.line(format_args!("account     {address}"))?;
    console.line(format_args!("height      {}", verified.height))?;
    console.line(format_args!("state root  {}", verified.state_root))?;
    match account {
        None => console.line("there was no such account then"),
        Some(ProvenAccountJson { nonce, balance, authority }) => {
            let authority = match authority {
                AuthorityJson::Key => "its own key",
                AuthorityJson::MultiSig => "several keys",
            };
            console.line(format_args!("balance     {}", balance.0))?;
            console.line(format_args!("nonce       {}", nonce.0))?;
            console.line(format_args!("signed by   {authority}"))
        }
    }
}

#[cfg(test)]
mod tests;
