//! From the table to the text.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwapOption;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text},
    metrics::{MetricType, exemplar::Exemplar},
    registry,
};

use super::{
    http::HttpMetrics,
    metric::{Kind, Samples, Source},
    reading::Readings,
    table::METRICS,
};
use crate::driver::Metrics;

/// All metrics of one node.
#[derive(Debug)]
pub struct Registry {
    registry: registry::Registry,
    latest: Arc<ArcSwapOption<Readings>>,
}

impl Registry {
    /// With what the driver and the API measure, and what is read upon every scrape.
    #[must_use]
    pub fn new(driver: &Metrics, http: &HttpMetrics) -> Self {
        let mut registry = registry::Registry::with_prefix("quorate");
        let latest = Arc::new(ArcSwapOption::empty());
        for metric in METRICS {
            match metric.source {
                Source::Driver(register) => register(&mut registry, metric, driver),
                Source::Http(register) => register(&mut registry, metric, http),
                Source::Reading(_) => {}
            }
        }
        registry.register_collector(Box::new(Scrape { latest: Arc::clone(&latest) }));
        Self { registry, latest }
    }

    /// Everything, in the OpenMetrics text format.
    #[must_use]
    pub fn text(&self, readings: Readings) -> String {
        self.latest.store(Some(Arc::new(readings)));
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}

/// Looks at the latest readings.
struct Scrape {
    latest: Arc<ArcSwapOption<Readings>>,
}

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrape")
    }
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(readings) = self.latest.load_full() else { return Ok(()) };
        for metric in METRICS {
            let Source::Reading(read) = metric.source else { continue };
            let mut samples = Samples::default();
            read(&readings, &mut samples);
            let kind = match metric.kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
                Kind::Histogram => MetricType::Histogram,
            };
            // The registry ends the help of its own metrics like this.
            let help = format!("{}.", metric.help);
            let mut family = encoder.encode_descriptor(metric.name, &help, None, kind)?;
            for (labels, value) in samples.taken {
                match labels.is_empty() {
                    true => encode(&mut family, metric.kind, value)?,
                    false => encode(&mut family.encode_family(&labels)?, metric.kind, value)?,
                }
            }
        }
        Ok(())
    }
}

/// One sample.
fn encode(one: &mut MetricEncoder<'_>, kind: Kind, value: f64) -> fmt::Result {
    match kind {
        Kind::Counter => one.encode_counter(&value, None::<&Exemplar<NoLabelSet, f64>>),
        Kind::Gauge | Kind::Histogram => one.encode_gauge(&value),
    }
}
