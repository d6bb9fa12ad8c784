//! Faults in a few words, for the account of a run.

use super::{
    condition::{NodeName, Selector},
    fault::{Links, Partition, Verb},
    print::milli,
    quantity::Distribution,
    scalar::span_text,
};

impl Verb {
    /// What is particular about it, besides whom it hits: a few words for the account of a run.
    #[must_use]
    pub fn particulars(&self) -> String {
        match self {
            Self::Partition { shape: Partition::Groups(groups), .. } => {
                let group = |names: &Vec<NodeName>| Selector::Nodes(names.clone()).to_string();
                groups.iter().map(group).collect::<Vec<_>>().join(" | ")
            }
            Self::Partition { shape: Partition::OneWay { from, to }, .. } => {
                format!("nothing from {from} reaches {to}")
            }
            Self::Partition { shape: Partition::Ring { reach }, .. } => {
                format!("a ring in which each hears {reach} on either side")
            }
            Self::Partition { shape: Partition::Split(_), .. } => "against the rest".to_owned(),
            Self::Partition { shape: Partition::Bridge(_), .. } => "as a bridge".to_owned(),
            Self::Drop { links, p } | Self::Duplicate { links, p } | Self::Corrupt { links, p } => {
                format!("{}with p {p}", link_words(links))
            }
            Self::Reorder { links, p, by } => {
                format!("{}with p {p}, {}", link_words(links), delay_words(by))
            }
            Self::Delay { links, delay } => format!("{}{}", link_words(links), delay_words(delay)),
            Self::Bandwidth { links, bytes_per_second } => {
                format!("{}{bytes_per_second} bytes/s", link_words(links))
            }
            Self::Clog { links } => link_words(links).trim_end().to_owned(),
            Self::Slow { factor_milli, .. } => format!("{} times", milli(*factor_milli)),
            Self::Upgrade { version, .. } => format!("to {version}"),
            Self::Skew { by, .. } | Self::Jump { by, .. } => {
                format!("{}{}", if by.back { "-" } else { "+" }, span_text(by.by))
            }
            Self::Drift { ppm, .. } => format!("{ppm:+} ppm"),
            Self::Strobe { amplitude, period, .. } => {
                format!("{} every {}", span_text(*amplitude), span_text(*period))
            }
            Self::LostUnsynced { p, .. }
            | Self::TornWrite { p, .. }
            | Self::Bitrot { p, .. }
            | Self::MisdirectedWrite { p, .. }
            | Self::IoError { p, .. }
            | Self::FsyncLie { p, .. } => format!("with p {p}"),
            Self::Latency { fsync, .. } => delay_words(fsync),
            Self::CrashLoop { up, down, .. } => {
                format!("up {}, down {}", delay_words(up), delay_words(down))
            }
            Self::SwizzleClog { .. }
            | Self::Isolate { .. }
            | Self::Heal
            | Self::Kill { .. }
            | Self::Stop { .. }
            | Self::Restart { .. }
            | Self::Pause { .. }
            | Self::Resume { .. }
            | Self::Diverge { .. }
            | Self::Reformat { .. }
            | Self::Freeze { .. }
            | Self::Full { .. } => String::new(),
        }
    }
}

/// Which links, unless the fault names its targets itself.
fn link_words(links: &Links) -> String {
    match links {
        Links::All => "everywhere ".to_owned(),
        Links::Touching(_) => String::new(),
        Links::Directed { from, to } => format!("from {from} to {to} "),
    }
}

fn delay_words(delay: &Distribution) -> String {
    match delay {
        Distribution::Constant(span) => span_text(*span),
        other => format!("{} to {}", span_text(other.floor()), span_text(other.ceiling())),
    }
}
