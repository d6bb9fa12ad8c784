//! What can be typed after `quorate tx`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::arguments::ApiOptions;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TxCommand {
    /// Moves tokens to other accounts.
    #[command(after_help = "\
Examples:
  quorate tx transfer --key alice.key --to 4fd1..=1000
  quorate tx transfer --key net/accounts.key --index 3 --to 4fd1..=1000 --to 77aa..=5 --memo rent
  quorate tx transfer --key alice.key --asset 9c01.. --to 4fd1..=1000")]
    Transfer(TransferOptions),
    /// Creates an asset, whose id is that of the transaction.
    #[command(after_help = "\
Example:
  quorate tx create-asset --key alice.key --decimals 2 --cap 1000000 --amount 5000")]
    CreateAsset(CreateAssetOptions),
    /// Makes more of an own asset.
    #[command(after_help = "\
Example:
  quorate tx mint --key alice.key --asset 9c01.. --to 4fd1..=1000")]
    Mint(MintOptions),
    /// Destroys own tokens.
    #[command(after_help = "Example:\n  quorate tx burn --key alice.key --amount 10")]
    Burn(BurnOptions),
    /// Freezes native tokens for energy, which pays fees.
    #[command(after_help = "Example:\n  quorate tx freeze --key alice.key --amount 100000")]
    Freeze(AmountOptions),
    /// Begins to take frozen tokens back. They can be withdrawn some heights later.
    #[command(after_help = "Example:\n  quorate tx unfreeze --key alice.key --amount 100000")]
    Unfreeze(AmountOptions),
    /// Takes tokens back whose waiting time is over.
    #[command(after_help = "Example:\n  quorate tx withdraw --key alice.key")]
    Withdraw(PlainOptions),
    /// From now on the account takes signatures of several keys.
    #[command(after_help = "\
Example:
  quorate tx set-signers --key alice.key --threshold 2 --signer 53ab.. --signer 91d2.. --signer 02ee..")]
    SetSigners(SetSignersOptions),
    /// From now on the account takes the signature of its own key alone.
    #[command(after_help = "\
Example:
  quorate tx clear-signers --from 4fd1.. --key one.key --key two.key")]
    ClearSigners(PlainOptions),
    /// Spends coins and makes new ones, from and to accounts as well.
    #[command(after_help = "\
Examples:
  quorate tx coins --key alice.key --fund native=500 --output 4fd1..=native=500
  quorate tx coins --key bob.key --input 9c01..:0 --output 77aa..=native=300 --credit 4fd1..=native=199 \\
      --fee 1 --pay-with-coins")]
    Coins(CoinsOptions),
    /// Makes and changes objects.
    #[command(after_help = "\
Examples:
  quorate tx object --key alice.key --create 4fd1..=hello
  quorate tx object --key alice.key --owned 9c01..:0@1 --set 0=world
  quorate tx object --key alice.key --shared 9c01..:0 --set 0=ours
  quorate tx object --key alice.key --owned 9c01..:0@2 --give 0=77aa..")]
    Object(ObjectOptions),
    /// Sends a signed transaction that was written to a file.
    #[command(after_help = "\
Example:
  quorate tx transfer --key alice.key --to 4fd1..=1 --out signed.tx && quorate tx submit signed.tx")]
    Submit(SubmitOptions),
    /// Says what became of a transaction.
    #[command(after_help = "Example:\n  quorate tx status 9c01.. --wait-for 10s")]
    Status(StatusOptions),
}

/// Whether and how long to wait for a transaction to be final.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct WaitOptions {
    /// Do not wait until it is final.
    #[arg(long)]
    pub(in crate::cli) no_wait: bool,
    /// How long to wait.
    #[arg(long, default_value = "30s", value_name = "TIME")]
    pub(in crate::cli) wait_for: String,
    /// As JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// Who signs and pays, and where it goes.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct SendOptions {
    /// Key file that signs. Several for an account with signers.
    #[arg(long, required = true, value_name = "FILE")]
    pub(in crate::cli) key: Vec<PathBuf>,
    /// One of the accounts that follow from the key, as in `accounts.key`.
    #[arg(long)]
    pub(in crate::cli) index: Option<u64>,
    /// Account that pays, if it is not the key's own: one with signers.
    #[arg(long, value_name = "ADDRESS")]
    pub(in crate::cli) from: Option<String>,
    /// What is paid for it.
    #[arg(long, default_value_t = 1_000)]
    pub(in crate::cli) fee: u64,
    /// Pay with energy instead of tokens.
    #[arg(long)]
    pub(in crate::cli) energy: bool,
    /// The account's nonce. Without it the node is asked.
    #[arg(long)]
    pub(in crate::cli) nonce: Option<u64>,
    /// Heights from now on after which it counts no more.
    #[arg(long, default_value_t = 200)]
    pub(in crate::cli) valid_for: u64,
    /// Write the signed transaction to a file instead of sending it.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) out: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) wait: WaitOptions,
    #[command(flatten)]
    pub(in crate::cli) api: ApiOptions,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PlainOptions {
    #[command(flatten)]
    pub(in crate::cli) send: SendOptions,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TransferOptions {
    #[command(flatten)]
    pub(in crate::cli) send: SendOptions,
    /// Who gets how much. Can be repeated.
    #[arg(long, required = true, value_name = "ADDRESS=AMOUNT")]
    pub(in crate::cli) to: Vec<String>,
    /// `native`, or the id of an asset.
    #[arg(long, default_value = "native")]
    pub(in crate::cli) asset: String,
    /// A note of at most 64 bytes.
    #[arg(long, default_value = "")]
    pub(in crate::cli) memo: String,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CreateAssetOptions {
    #[command(flatten)]
    pub(in crate::cli) send: SendOptions,
    /// Digits after the point, for people.
    #[arg(long, default_value_t = 0)]
    pub(in crate::cli) decimals: u8,
    /// The most there will ever be.
    #[arg(long)]
    pub(in crate::cli) cap: u64,
    /// How much there is at once, in the own account.
    #[arg(long, default_value_t = 0)]
    pub(in crate::cli) amount: u64,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct MintOptions {
    #[command(flatten)]
    pub(in crate::cli) send: SendOptions,
    /// The id of the asset.
    #[arg(long)]
    pub(in crate::cli) asset: String,
    /// Who gets how much. Can be repeated.
    #[arg(long, required = true, value_name = "ADDRESS=AMOUNT")]
    pub(in crate::cli) to: Vec<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct BurnOptions {
    #[command(flatten)]
    pub(in crate::cli) send: SendOptions,
    /// How much.
    #[arg(long)]
    pub(in crate::cli) amount: u64,
    /// `native`, or the id of an asset.
    #[arg(long, default_value = "native")]
    pub(in crate::cli) asset: String,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct AmountOptions {
    #[command(flatten)]
    pub(in crate::cli) send: SendOptions,
    /// How much.
    #[arg(long)]
    pub(in crate::cli) amount: u64,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct SetSignersOptions {
    #[command(flatten)]
    pub(in crate::cli) send: SendOptions,
    /// How many of them must sign.
    #[arg(long)]
    pub(in crate::cli) threshold: u8,
    /// The public key of a signer. Can be repeated.
    #[arg(long, required = true, value_name = "KEY")]
    pub(in crate::cli) signer: Vec<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CoinsOptions {
    #[command(flatten)]
    pub(in crate::cli) send: SendOptions,
    /// A coin to spend. Can be repeated.
    #[arg(long, value_name = "TRANSACTION:INDEX")]
    pub(in crate::cli) input: Vec<String>,
    /// What the own account adds. Can be repeated.
    #[arg(long, value_name = "ASSET=AMOUNT")]
    pub(in crate::cli) fund: Vec<String>,
    /// A coin to make. Can be repeated.
    #[arg(long, value_name = "ADDRESS=ASSET=AMOUNT")]
    pub(in crate::cli) output: Vec<String>,
    /// What goes to an account. Can be repeated.
    #[arg(long, value_name = "ADDRESS=ASSET=AMOUNT")]
    pub(in crate::cli) credit: Vec<String>,
    /// The spent coins pay the fee, instead of the account.
    #[arg(long)]
    pub(in crate::cli) pay_with_coins: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ObjectOptions {
    #[command(flatten)]
    pub(in crate::cli) send: SendOptions,
    /// An own object that is used, and its version. Can be repeated.
    #[arg(long, value_name = "TRANSACTION:INDEX@VERSION")]
    pub(in crate::cli) owned: Vec<String>,
    /// A shared object that is changed. Can be repeated.
    #[arg(long, value_name = "TRANSACTION:INDEX")]
    pub(in crate::cli) shared: Vec<String>,
    /// A shared object that is only read. Can be repeated.
    #[arg(long, value_name = "TRANSACTION:INDEX")]
    pub(in crate::cli) read: Vec<String>,
    /// Makes an object with this text, of this owner. Can be repeated.
    #[arg(long, value_name = "ADDRESS=TEXT")]
    pub(in crate::cli) create: Vec<String>,
    /// Native tokens that every created object holds.
    #[arg(long, default_value_t = 0)]
    pub(in crate::cli) held: u64,
    /// Replaces the text of a used object; own ones count from 0 in the order of
    /// their ids, shared ones after them. Can be repeated.
    #[arg(long, value_name = "INPUT=TEXT")]
    pub(in crate::cli) set: Vec<String>,
    /// Gives a used object to somebody. Can be repeated.
    #[arg(long, value_name = "INPUT=ADDRESS")]
    pub(in crate::cli) give: Vec<String>,
    /// Lets everybody change a used object. Can be repeated.
    #[arg(long, value_name = "INPUT")]
    pub(in crate::cli) share: Vec<u8>,
    /// Lets nobody change a used object any more. Can be repeated.
    #[arg(long, value_name = "INPUT")]
    pub(in crate::cli) freeze: Vec<u8>,
    /// Deletes a used object. Can be repeated.
    #[arg(long, value_name = "INPUT")]
    pub(in crate::cli) delete: Vec<u8>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct SubmitOptions {
    /// File with the signed transaction, in hexadecimal.
    pub(in crate::cli) file: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) wait: WaitOptions,
    #[command(flatten)]
    pub(in crate::cli) api: ApiOptions,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct StatusOptions {
    /// The transaction's id.
    pub(in crate::cli) id: String,
    #[command(flatten)]
    pub(in crate::cli) wait: WaitOptions,
    #[command(flatten)]
    pub(in crate::cli) api: ApiOptions,
}
