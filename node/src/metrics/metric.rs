//! What a metric is, and what is read of one.

use prometheus_client::registry::Registry;
use quorate_core::types::ValidatorIndex;

use super::{
    http::HttpMetrics,
    reading::{ClassReading, Readings, TrafficReading},
};
use crate::driver::Metrics as Driver;

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// How many series there can be.
    pub series: Series,
    /// What it says, without a full stop.
    pub help: &'static str,
    pub(super) source: Source,
}

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How often what was measured was how large.
    Histogram,
}

/// How many series a metric can have. A histogram has one for each bucket, and two more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Series {
    /// So many.
    Fixed(u32),
    /// One for each validator.
    PerValidator,
}

/// Where a metric comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// The driver measures it as it goes.
    Driver(fn(&mut Registry, &Metric, &Driver)),
    /// The API measures it as it goes.
    Http(fn(&mut Registry, &Metric, &HttpMetrics)),
    /// It is read upon every scrape.
    Reading(fn(&Readings, &mut Samples)),
}

/// Labels of a sample.
pub(super) type Labels = Vec<(&'static str, String)>;

/// What was read of one metric.
#[derive(Debug, Default)]
pub(super) struct Samples {
    pub(super) taken: Vec<(Labels, f64)>,
}

impl Samples {
    pub(super) fn one(&mut self, value: u64) {
        self.taken.push((Labels::new(), number(value)));
    }

    pub(super) fn float(&mut self, value: f64) {
        self.taken.push((Labels::new(), value));
    }

    pub(super) fn labelled(&mut self, label: &'static str, value: &str, number_of: u64) {
        self.taken.push((vec![(label, value.to_owned())], number(number_of)));
    }

    pub(super) fn of_validator(&mut self, validator: ValidatorIndex, value: f64) {
        self.taken.push((vec![("validator", validator.get().to_string())], value));
    }

    fn by_class(&mut self, direction: &'static str, classes: ClassReading) {
        for (class, value) in
            [("votes", classes.votes), ("proposals", classes.proposals), ("bulk", classes.bulk)]
        {
            let labels = vec![("direction", direction.to_owned()), ("class", class.to_owned())];
            self.taken.push((labels, number(value)));
        }
    }

    pub(super) fn both_ways(
        &mut self,
        readings: &Readings,
        part: fn(&TrafficReading) -> ClassReading,
    ) {
        self.by_class("sent", part(&readings.network.sent));
        self.by_class("received", part(&readings.network.received));
    }
}

/// A whole number as a measurement: the two halves are exact, their sum is the nearest there is.
pub(super) fn number(value: u64) -> f64 {
    let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
    let (high, low) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}
