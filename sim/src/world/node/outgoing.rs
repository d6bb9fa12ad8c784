//! What leaves a process, after its behaviours have had their way with it.

use std::sync::Arc;

use quorate_core::{effect::Recipients, message::Message};

use super::{
    super::{
        fabric::{Cargo, Incident, Ledger, Outgoing},
        host::Host,
        network::Loss,
    },
    Due, Process,
};
use crate::{
    byzantine,
    scenario::Codec,
    trace::{Parcel, What},
};

impl Process {
    pub(super) fn on_send(
        &mut self,
        host: &mut Host,
        ledger: &mut Ledger,
        to: &Recipients,
        message: Message,
    ) {
        let common = Arc::clone(&self.common);
        let to = common.recipients(host.node, to);
        if host.behaviours.is_empty() {
            let (message, frame) = (Arc::new(message), None);
            self.dispatch(host, ledger, to, Departure { message, delay: 0, frame });
            return;
        }
        let (view, height) = (self.replica.view(), self.replica.finalized_height());
        let outgoing = byzantine::Outgoing::new(to.to_vec(), message);
        let edited =
            common.with_context(host.node, self.now, view, height, &mut self.rng, |context| {
                host.behaviours.edit(context, outgoing)
            });
        for one in edited {
            let byzantine::Outgoing { to, message, delay, frame } = one;
            self.dispatch(host, ledger, to.into(), Departure { message, delay, frame });
        }
    }

    /// Hands one message to the network, for all its recipients.
    fn dispatch(
        &mut self,
        host: &mut Host,
        ledger: &mut Ledger,
        to: Arc<[u32]>,
        departure: Departure,
    ) {
        let common = Arc::clone(&self.common);
        let Departure { mut message, delay, frame } = departure;
        let mut bytes = 0;
        let mut lost = false;
        if common.codec == Codec::Wire || frame.is_some() {
            let encoded = frame.map_or_else(|| message.encode(), |frame| frame.to_vec());
            bytes = u32::try_from(encoded.len()).unwrap_or(u32::MAX);
            // Decoding is a pure function, so doing it once stands for every receiver.
            match Message::decode(&encoded) {
                Ok(decoded) => message = Arc::new(decoded),
                Err(_) => lost = true,
            }
        } else if common.measures {
            let length = borsh::object_length(&*message).expect("measuring does not fail");
            bytes = u32::try_from(length).unwrap_or(u32::MAX);
        }
        let parcel = Parcel::new(message);
        let at = self.now.saturating_add(delay);
        for machine in to.iter().flat_map(|number| common.machines_of(*number)) {
            if lost {
                let loss = Some(Loss::Undecodable);
                let (at, from, to) = (self.now, host.machine, *machine);
                let parcel = parcel.clone();
                ledger.incidents.push(Incident { at, from, to, loss, parcel });
                continue;
            }
            let cargo = Cargo { parcel: parcel.clone(), bytes };
            let outgoing = Outgoing { at, to: *machine, cargo };
            if delay == 0 {
                ledger.outgoing.push(outgoing);
            } else {
                self.later(at, Due::Held(outgoing));
            }
        }
        self.note(ledger, What::Sent { to, parcel });
    }
}

/// One message on its way out.
struct Departure {
    message: Arc<Message>,
    /// How long it is held back first, in nanoseconds.
    delay: u64,
    /// What leaves in place of its encoding, if that is not the true one.
    frame: Option<Arc<[u8]>>,
}
