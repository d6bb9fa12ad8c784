//! `quorate tx`: builds a transaction of any kind, signs it with key files, sends it and waits for it.
//!
//! Everything that can be checked without a node is checked before anything is sent: what is wrong in
//! every state is refused here, with the core's own words.

mod arguments;
mod build;
mod send;
#[cfg(test)]
mod tests;

use quorate_core::transaction::TransactionKind;

use self::{arguments::SendOptions, send::Sender};
pub(super) use self::{arguments::TxCommand, send::wait};
use super::{
    Console,
    client::{Client, block_on},
};
use crate::exit::Failure;

pub(super) fn tx(command: &TxCommand, console: &mut Console<'_>) -> Result<(), Failure> {
    match command {
        TxCommand::Status(options) => {
            let client = Client::of(&options.api)?;
            block_on(send::status(&client, options, console))
        }
        TxCommand::Submit(options) => {
            let transaction = build::read(&options.file)?;
            let client = Client::of(&options.api)?;
            block_on(send::submit(&client, &transaction, &options.wait, console))
        }
        other => {
            let (options, kind) = build::kind(other)?;
            let coins_pay = matches!(other, TxCommand::Coins(options) if options.pay_with_coins);
            run(Sender::of(options, coins_pay)?, options, kind, console)
        }
    }
}

fn run(
    sender: Sender<'_>,
    options: &SendOptions,
    kind: TransactionKind,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    block_on(async {
        let transaction = sender.sign(kind).await?;
        match &options.out {
            Some(path) => build::write(path, &transaction, console),
            None => {
                let client = Client::of(&options.api)?;
                send::submit(&client, &transaction, &options.wait, console).await
            }
        }
    })
}
