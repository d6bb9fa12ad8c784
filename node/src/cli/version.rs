//! `quorate version`: which program this is.

use quorate_core::transaction;
use serde_json::json;

use super::{Console, arguments::VersionOptions};
use crate::exit::Failure;

pub(super) fn version(options: &VersionOptions, console: &mut Console<'_>) -> Result<(), Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let platform = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    let transactions = transaction::VERSION;
    if options.json {
        return console.line(json!({
            "version": version,
            "platform": platform,
            "transaction_version": transactions,
        }));
    }
    console.line(format_args!("quorate {version} ({platform})"))?;
    console.line(format_args!("transactions of version {transactions}"))
}
