//! Sends certificates that cannot be: real votes under another statement, and too few of them.
//!
//! Beside every certificate it sends go two more for the same view: a Nullification (or, for a
//! Nullification, a Finalization of the last candidate seen) with the original's signatures, and the
//! original cut down to its first signature.

use quorate_core::{
    block::Candidate,
    certificate::{Certificate, Signers},
    codec::Bounded,
    message::{CERTIFICATES_MAX, Message},
    vote::Statement,
};

use super::{Behaviour, Context, Outgoing};

/// Adds impossible certificates to real ones.
#[derive(Default)]
pub struct ConflictingCertificate {
    candidate: Option<Candidate>,
}

impl Behaviour for ConflictingCertificate {
    fn name(&self) -> &'static str {
        "conflicting_certificate"
    }

    fn edit(&mut self, _context: &mut Context<'_>, outgoing: Outgoing, out: &mut Vec<Outgoing>) {
        let Message::Certificates(certificates) = outgoing.message.as_ref() else {
            out.push(outgoing);
            return;
        };
        let mut all = Vec::new();
        for certificate in certificates {
            let (epoch, view) = (certificate.statement.epoch(), certificate.view());
            if let Some(candidate) = certificate.statement.candidate() {
                self.candidate = Some(*candidate);
            }
            let other = match (&certificate.statement, self.candidate) {
                (Statement::Nullify { .. }, Some(candidate)) => {
                    Statement::Finalize(Candidate { view, ..candidate })
                }
                (Statement::Nullify { .. }, None) => {
                    Statement::Nullify { epoch, view: view.next() }
                }
                (Statement::Notarize(_) | Statement::Finalize(_), _) => {
                    Statement::Nullify { epoch, view }
                }
            };
            all.push(Certificate { statement: other, ..certificate.clone() });
            all.push(Certificate {
                statement: certificate.statement,
                signers: Signers::new(certificate.signers.iter().take(1)),
                signatures: Bounded::new(certificate.signatures.iter().take(1).copied().collect()),
            });
        }
        all.truncate(CERTIFICATES_MAX);
        let forged = Message::Certificates(Bounded::new(all));
        out.push(outgoing.instead(outgoing.to.clone(), forged));
        out.push(outgoing);
    }
}

#[cfg(test)]
mod tests;
