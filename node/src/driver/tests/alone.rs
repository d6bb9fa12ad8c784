//! No network at all: a committee of one needs none.

use std::future::{Future, pending};

use quorate_core::{
    effect::PeerFault,
    message::Message,
    types::{Height, PeerId},
};

use crate::driver::{Inlet, Outlet, Received};

/// Neither an inlet nor an outlet of anything.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alone;

impl Inlet for Alone {
    fn try_next(&mut self, _bulk: bool) -> Option<Received> {
        None
    }

    fn next(&mut self, _bulk: bool) -> impl Future<Output = Option<Received>> + Send {
        pending()
    }
}

impl Outlet for Alone {
    fn send(&self, _to: &[PeerId], _message: &Message) {}

    fn penalize(&self, _peer: PeerId, _fault: PeerFault) {}

    fn reached(&self, _height: Height) {}
}
