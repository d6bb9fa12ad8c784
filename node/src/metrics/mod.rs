//! What can be measured of a node, for Prometheus.
//!
//! One table ([`METRICS`]) has every metric: its registration, `quorate metrics list`, and the guide
//! `docs/monitoring.md` are made from it. A [`Registry`] is a value, so many nodes in one process each have
//! their own. Labels are enums, or places in the committee; there is never one for a peer or a client, so
//! the number of series is bounded and known.

mod collect;
mod guide;
mod http;
mod metric;
mod process;
mod reading;
mod table;
mod text;

pub use self::{
    collect::Registry,
    guide::{guide, list},
    http::{HttpMetrics, Refused, RefusedLabel},
    metric::{Kind, Metric, Series},
    process::ProcessReading,
    reading::{
        ApiReading, ClassReading, NetworkReading, PeerReading, Readings, StoreReading,
        TrafficReading,
    },
    table::METRICS,
    text::{OPENMETRICS, PLAIN, plain},
};

#[cfg(test)]
mod tests;
