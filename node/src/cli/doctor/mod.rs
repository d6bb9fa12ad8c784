//! `quorate doctor`: what would keep this machine from running this node well, before it does.
//!
//! Changes nothing but a probe file that it removes. Each check is a line; the first that is bad decides
//! the exit code.

mod checks;

use super::{Console, arguments::HomeOptions, config as config_command};
use crate::{
    config::Overrides,
    exit::{Exit, Failure},
    home::Home,
};

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As it should be.
    Good(String),
    /// It will do, but not well.
    Doubtful(String),
    /// The node cannot start, or cannot work.
    Bad(Exit, String),
    /// It could not be looked at.
    Unknown(String),
}

impl From<Failure> for Verdict {
    fn from(failure: Failure) -> Self {
        Self::Bad(failure.exit, failure.what)
    }
}

pub(super) fn doctor(
    options: &HomeOptions,
    environment: Overrides,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let config = config_command::load(options, environment)?.config;
    let home = Home::at(&options.home);
    let mut worst: Option<(Exit, u32)> = None;
    for (name, check) in checks::ALL {
        for verdict in check(&home, &config) {
            let (mark, words) = match verdict {
                Verdict::Good(words) => (console.good("good    "), words),
                Verdict::Doubtful(words) => (console.strong("doubtful"), words),
                Verdict::Unknown(words) => (console.faint("unknown "), words),
                Verdict::Bad(exit, words) => {
                    let (first, count) = worst.unwrap_or((exit, 0));
                    worst = Some((first, count + 1));
                    (console.bad("bad     "), words)
                }
            };
            console.line(format_args!("{mark}  {name:<12} {words}"))?;
        }
    }
    match worst {
        None => Ok(()),
        Some((exit, count)) => Err(Failure::new(exit, format!("{count} things to mend first"))),
    }
}
