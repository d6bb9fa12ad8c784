//! The API over real connections on 127.0.0.1, against a chain in memory.

mod browser;
mod client;
mod endpoints;
mod house;
mod live;
mod schema;
pub(crate) mod stage;
mod streams;
