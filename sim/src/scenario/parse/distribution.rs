//! Delays: `"20ms"`, or a table with `dist`.

use quorate_core::time::Span;

use crate::scenario::{
    quantity::Distribution,
    reader::{Reader, Section},
    scalar,
    tree::{Kind, Tree},
};

#[derive(Clone, Copy)]
enum Shape {
    Constant,
    Uniform,
    Normal,
    Exponential,
    Pareto,
}

const SHAPES: [(Shape, &str); 5] = [
    (Shape::Constant, "constant"),
    (Shape::Uniform, "uniform"),
    (Shape::Normal, "normal"),
    (Shape::Exponential, "exponential"),
    (Shape::Pareto, "pareto"),
];

/// Reads the distribution under `key`, if there is one.
pub(super) fn take(section: &Section<'_>, key: &'static str, least: Span) -> Option<Distribution> {
    section.take(key).and_then(|tree| read(section.reader(), tree, least))
}

/// Reads the distribution under `key`, which must be there.
pub(super) fn require(
    section: &Section<'_>,
    key: &'static str,
    least: Span,
) -> Option<Distribution> {
    section.require(key).and_then(|tree| read(section.reader(), tree, least))
}

fn read(reader: &Reader, tree: &Tree, least: Span) -> Option<Distribution> {
    let distribution = match &tree.kind {
        Kind::Text(_) => Distribution::Constant(reader.span(tree)?),
        Kind::Table(_) => read_table(reader, tree)?,
        _ => return reader.wrong_type(tree, "a duration, or a table with `dist`"),
    };
    if distribution.floor() < least {
        reader.problem(
            &tree.place,
            format!("this must never be shorter than {}", scalar::span_text(least)),
        );
        return None;
    }
    Some(distribution)
}

fn read_table(reader: &Reader, tree: &Tree) -> Option<Distribution> {
    let section = reader.section("a distribution", tree)?;
    let shape = section.require("dist").and_then(|tree| reader.word(tree, "distribution", &SHAPES));
    let Some(shape) = shape else {
        section.abandon();
        return None;
    };
    let read = match shape {
        Shape::Constant => section.required_span("value").map(Distribution::Constant),
        Shape::Uniform => read_uniform(&section),
        Shape::Normal => read_normal(&section),
        Shape::Exponential => read_exponential(&section),
        Shape::Pareto => read_pareto(&section),
    };
    section.finish();
    read
}

/// Two keys of which the first must not be longer than the second.
fn ascending(section: &Section<'_>, low: (&str, Span), high: (&str, Span)) -> Option<()> {
    if low.1 <= high.1 {
        return Some(());
    }
    section
        .reader()
        .problem(section.place(), format!("`{}` must not be longer than `{}`", low.0, high.0));
    None
}

fn read_uniform(section: &Section<'_>) -> Option<Distribution> {
    let (min, max) = (section.required_span("min"), section.required_span("max"));
    let (min, max) = (min?, max?);
    ascending(section, ("min", min), ("max", max))?;
    Some(Distribution::Uniform { min, max })
}

fn read_normal(section: &Section<'_>) -> Option<Distribution> {
    let (mean, std) = (section.required_span("mean"), section.required_span("std"));
    let (min, cap) = (section.required_span("min"), section.span("cap"));
    let (mean, std, min) = (mean?, std?, min?);
    let cap = cap.unwrap_or_else(|| mean.plus(std.times(6)));
    ascending(section, ("min", min), ("mean", mean))?;
    ascending(section, ("mean", mean), ("cap", cap))?;
    Some(Distribution::Normal { mean, std, min, cap })
}

fn read_exponential(section: &Section<'_>) -> Option<Distribution> {
    let (min, mean) = (section.required_span("min"), section.required_span("mean"));
    let cap = section.span("cap");
    let (min, mean) = (min?, mean?);
    let cap = cap.unwrap_or_else(|| min.plus(mean.minus(min).times(20)));
    ascending(section, ("min", min), ("mean", mean))?;
    ascending(section, ("mean", mean), ("cap", cap))?;
    Some(Distribution::Exponential { min, mean, cap })
}

fn read_pareto(section: &Section<'_>) -> Option<Distribution> {
    let (min, cap) = (section.required_span("min"), section.span("cap"));
    let shape_milli =
        section.require("shape").and_then(|tree| super::fault::thousandths(section.reader(), tree));
    let (min, shape_milli) = (min?, shape_milli?);
    let cap = cap.unwrap_or_else(|| min.times(100));
    ascending(section, ("min", min), ("cap", cap))?;
    Some(Distribution::Pareto { min, shape_milli, cap })
}
