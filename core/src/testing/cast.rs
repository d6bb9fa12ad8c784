//! The cast of a test: a committee whose secret keys we hold, and the things it can sign.
//!
//! Everything is a pure function of small numbers, so a failure names them.

use std::{fmt::Debug, sync::Arc};

use crate::{
    block::{Block, Candidate, Header, Payload},
    certificate::Certificate,
    checkpoint::Checkpoint,
    codec::Bounded,
    committee::{Committee, Member},
    config::{Config, Genesis, GenesisAccount, Parameters},
    crypto::SecretKey,
    message::{Body, Justify, Proposal},
    proof::CommitProof,
    random::Seed,
    store::{Finalized, Record},
    time::UnixMillis,
    transaction::{Address, Transaction},
    types::{ChainId, Digest, Epoch, Height, PeerId, Stake, ValidatorId, ValidatorIndex, View},
    vote::{Signable, SigningContext, Statement, Vote},
};

/// A committee and its keys.
#[derive(Clone, Debug)]
pub struct Cast {
    genesis: Genesis,
    committee: Committee,
    context: SigningContext,
    keys: Vec<SecretKey>,
}

impl Cast {
    /// Validators `n0`, `n1`, .. with these weights.
    ///
    /// # Panics
    /// If the weights are not those of a committee.
    #[must_use]
    pub fn new(weights: &[u64]) -> Self {
        Self::with_parameters(weights, Parameters::default())
    }

    /// The same, with other timing and limits.
    ///
    /// # Panics
    /// If the weights are not those of a committee.
    #[must_use]
    pub fn with_parameters(weights: &[u64], parameters: Parameters) -> Self {
        let members: Vec<Member> =
            (0..).zip(weights).map(|(n, weight)| member(n, *weight)).collect();
        let genesis = Genesis { parameters, ..genesis(members) };
        let committee = genesis.committee().expect("the weights are those of a committee");
        let context = SigningContext {
            chain_id: genesis.chain_id,
            genesis: genesis.digest(),
            committee: committee.digest(),
        };
        let by_index = |(_, member): (_, &Member)| secret_key(member.validator.get());
        let keys = committee.members().map(by_index).collect();
        Self { genesis, committee, context, keys }
    }

    /// Validators of weight 1.
    #[must_use]
    pub fn equal(validators: usize) -> Self {
        Self::new(&vec![1; validators])
    }

    /// The genesis document.
    #[must_use]
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The committee.
    #[must_use]
    pub fn committee(&self) -> &Committee {
        &self.committee
    }

    /// What its signatures are bound to.
    #[must_use]
    pub fn context(&self) -> &SigningContext {
        &self.context
    }

    /// The configuration of one of its validators.
    ///
    /// # Panics
    /// If there is no such validator.
    #[must_use]
    pub fn config(&self, signer: u16) -> Config {
        let member = self.committee.member(ValidatorIndex::new(signer)).expect("a member");
        Config {
            genesis: self.genesis.clone(),
            validator: Some(member.validator),
            peer: member.peer,
        }
    }

    /// Signs with the key of the member at an index.
    ///
    /// # Panics
    /// If there is no such member.
    #[must_use]
    pub fn vote<S: Signable>(&self, signer: u16, statement: S) -> Vote<S> {
        let key = &self.keys[usize::from(signer)];
        let signature = key.sign(&self.context.message(&statement));
        Vote { statement, signer: ValidatorIndex::new(signer), signature }
    }

    /// A certificate by the members at these indices, quorum or not.
    #[must_use]
    pub fn certificate<S: Copy + Eq + Debug + Signable>(
        &self,
        statement: S,
        signers: impl IntoIterator<Item = u16>,
    ) -> Certificate<S> {
        let votes = signers.into_iter().map(|signer| self.vote(signer, statement)).collect();
        Certificate::from_votes(statement, votes)
    }

    /// A certificate by everybody.
    ///
    /// # Panics
    /// Never: committees are smaller than a `u16`.
    #[must_use]
    pub fn unanimous<S: Copy + Eq + Debug + Signable>(&self, statement: S) -> Certificate<S> {
        let size = u16::try_from(self.committee.size()).expect("at most 1024 members");
        self.certificate(statement, 0..size)
    }

    /// A block with some transactions, well formed.
    #[must_use]
    pub fn block(&self, height: u64, parent: Digest, transactions: Vec<Transaction>) -> Arc<Block> {
        let payload = Payload { transactions: Bounded::new(transactions), ..Payload::default() };
        Arc::new(Block::new(
            Header {
                chain_id: self.genesis.chain_id,
                epoch: Epoch::ZERO,
                height: Height::new(height),
                parent,
                origin_view: View::new(height),
                proposer: ValidatorIndex::new(0),
                payload_root: payload.root(),
                payload_len: payload.encoded_len(),
                timestamp: UnixMillis::new(1_000 + height),
                evidence_root: payload.evidence_root(),
                next_committee: None,
            },
            payload,
        ))
    }

    /// `length` empty blocks from height 1, each finalized directly in the view of its height.
    #[must_use]
    pub fn chain(&self, length: u64) -> Vec<Link> {
        let mut links: Vec<Link> = Vec::new();
        for height in 1..=length {
            let (parent, parent_id) =
                links.last().map_or((self.genesis.digest(), Digest::ZERO), |last: &Link| {
                    (last.block.digest(), last.candidate.id())
                });
            let block = self.block(height, parent, Vec::new());
            let candidate = Candidate {
                epoch: Epoch::ZERO,
                view: View::new(height),
                parent_view: View::new(height - 1),
                parent_id,
                block: block.digest(),
            };
            links.push(Link {
                notarization: self.unanimous(Statement::Notarize(candidate)),
                finalization: self.unanimous(Statement::Finalize(candidate)),
                block,
                candidate,
            });
        }
        links
    }
}

/// One finalized block of a [`Cast::chain`].
#[derive(Clone, Debug)]
pub struct Link {
    /// The block.
    pub block: Arc<Block>,
    /// Its candidate.
    pub candidate: Candidate,
    /// Its Notarization.
    pub notarization: Certificate,
    /// Its Finalization.
    pub finalization: Certificate,
}

impl Link {
    /// The height.
    #[must_use]
    pub fn height(&self) -> Height {
        self.block.header().height
    }

    /// The block and its notarization, as a validator records them before it finalizes.
    #[must_use]
    pub fn recorded(&self) -> Vec<Record> {
        vec![Record::Block(Arc::clone(&self.block)), Record::Certificate(self.notarization.clone())]
    }

    /// The record that makes it final, alone.
    #[must_use]
    pub fn finalized(&self) -> Record {
        Record::Finalized(Finalized {
            tip: self.candidate,
            certificate: self.finalization.clone(),
            blocks: vec![(self.height(), self.block.digest())],
        })
    }

    /// Why it is final.
    #[must_use]
    pub fn proof(&self) -> CommitProof {
        CommitProof {
            height: self.height(),
            candidate: self.candidate,
            notarization: Some(self.notarization.clone()),
            finalization: Some(self.finalization.clone()),
            nullifications: Bounded::default(),
        }
    }

    /// The proposal it came in; the leader is the member at index 0.
    ///
    /// # Panics
    /// If that member did not sign its Notarization.
    #[must_use]
    pub fn proposal(&self, parent: Option<&Self>) -> Proposal {
        let leader = ValidatorIndex::new(0);
        Proposal {
            notarize: self.notarization.vote_of(leader).expect("signed by everybody"),
            body: Body::Full(Arc::clone(&self.block)),
            justify: Justify {
                parent: parent.map(|link| link.notarization.clone()),
                skips: Bounded::default(),
            },
        }
    }
}

/// The consensus key of validator `number`.
#[must_use]
pub fn secret_key(number: u32) -> SecretKey {
    SecretKey::from_seed(*Seed::from_number(0).fork("consensus-key", u64::from(number)).get())
}

/// The key of account `number`.
#[must_use]
pub fn account_key(number: u64) -> SecretKey {
    SecretKey::from_seed(*Seed::from_number(0).fork("account-key", number).get())
}

/// Validator `number`.
#[must_use]
pub fn member(number: u32, weight: u64) -> Member {
    let mut peer = [0; 32];
    peer[..4].copy_from_slice(&number.to_le_bytes());
    Member {
        validator: ValidatorId::new(number),
        key: secret_key(number).public(),
        peer: PeerId::new(peer),
        weight: Stake::new(weight),
    }
}

/// A genesis with these validators and four rich accounts.
#[must_use]
pub fn genesis(validators: Vec<Member>) -> Genesis {
    let account = |number| GenesisAccount {
        address: Address::of_key(&account_key(number).public()),
        balance: 1_000_000,
    };
    Genesis {
        chain_id: ChainId::new(7),
        timestamp: UnixMillis::new(1_000),
        validators,
        accounts: (0..4).map(account).collect(),
        parameters: Parameters::default(),
    }
}

/// A candidate over the root, told apart from others of its view by `name`.
#[must_use]
pub fn candidate(view: u64, name: u8) -> Candidate {
    Candidate {
        epoch: Epoch::ZERO,
        view: View::new(view),
        parent_view: View::ZERO,
        parent_id: Digest::ZERO,
        block: Digest::new([name; 32]),
    }
}

/// Notarize for a [`candidate`].
#[must_use]
pub fn notarize(view: u64, name: u8) -> Statement {
    Statement::Notarize(candidate(view, name))
}

/// Finalize for a [`candidate`].
#[must_use]
pub fn finalize(view: u64, name: u8) -> Statement {
    Statement::Finalize(candidate(view, name))
}

/// The checkpoint of a height, told apart from others by `name`.
#[must_use]
pub fn checkpoint(height: u64, name: u8) -> Checkpoint {
    Checkpoint {
        epoch: Epoch::ZERO,
        height: Height::new(height),
        block: Digest::new([0xb0; 32]),
        state_root: Digest::new([name; 32]),
        receipts_root: Digest::new([0xc0; 32]),
        outbox_root: Digest::new([0xd0; 32]),
        committee: Digest::new([0xe0; 32]),
        next_committee: None,
    }
}

/// Nullify of a view.
#[must_use]
pub fn nullify(view: u64) -> Statement {
    Statement::Nullify { epoch: Epoch::ZERO, view: View::new(view) }
}
