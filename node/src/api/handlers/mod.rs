//! What each path answers. One file per theme; each function is one path, with its documentation.

pub(super) mod accounts;
pub(super) mod assets;
pub(super) mod blocks;
pub(super) mod consensus;
pub(super) mod documents;
pub(super) mod events;
pub(super) mod health;
pub(super) mod network;
pub(super) mod status;
pub(super) mod transactions;
