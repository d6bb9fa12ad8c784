//! `grade` in a build without bugs to plant: it says how to make one that has them.

use super::{
    Runner,
    arguments_lab::GradeOptions,
    console::{Console, Stop},
};

pub(super) fn grade(
    _options: &GradeOptions,
    _runner: Runner,
    _console: &mut Console<'_>,
) -> Result<u8, Stop> {
    Err(Stop::Usage(
        "this build holds no planted bugs, as it should be; `cargo grade` makes one that does, and \
         grades with it"
            .to_owned(),
    ))
}
