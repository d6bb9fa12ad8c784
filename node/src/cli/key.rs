//! `quorate key`: makes keys and shows public halves. Never prints a secret.

use serde_json::json;

use super::{
    Console,
    arguments::{KeyCommand, KeyGenOptions, KeyShowOptions},
};
use crate::{
    exit::Failure,
    keys::{KeySeed, address_text},
    signer::Companion,
};

pub(super) fn key(command: &KeyCommand, console: &mut Console<'_>) -> Result<(), Failure> {
    match command {
        KeyCommand::Gen(options) => generate(options, console),
        KeyCommand::Show(options) => show(options, console),
    }
}

fn generate(options: &KeyGenOptions, console: &mut Console<'_>) -> Result<(), Failure> {
    let key = KeySeed::generate()?;
    key.write(&options.out)?;
    if options.consensus {
        Companion::create(&options.out, key.public())?;
    }
    print(&key, options.json, console)
}

fn show(options: &KeyShowOptions, console: &mut Console<'_>) -> Result<(), Failure> {
    let key = KeySeed::read(&options.file)?;
    let key = options.index.map_or_else(|| key.clone(), |index| key.derived(index));
    print(&key, options.json, console)
}

fn print(key: &KeySeed, as_json: bool, console: &mut Console<'_>) -> Result<(), Failure> {
    let public = hex::encode(key.public().get());
    let address = address_text(&key.address());
    if as_json {
        return console.line(json!({ "public_key": public, "address": address }));
    }
    console.line(format_args!("public key  {public}"))?;
    console.line(format_args!("address     {address}"))
}
