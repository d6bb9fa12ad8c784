//! The commands of a script.

use std::{num::NonZeroU64, sync::Arc};

use super::{
    driver::{Crash, Driver},
    names::{Names, turns},
    words::{Line, lettered, millis, number, range},
};
use crate::{
    block::{Block, Candidate, Header, Payload, root_id},
    certificate::{Certificate, Signers},
    checkpoint::Checkpoint,
    codec::Bounded,
    compact::{CompactBlock, ShortId, sealed_id},
    config::Parameters,
    crypto::Signature,
    effect::Input,
    evidence::Evidence,
    leader::LeaderSchedule,
    message::{
        BlockRequest, BlockResponse, BlockWant, Body, CertificateRequest, Justify, Message,
        Proposal, Status, TransactionsRequest, TransactionsResponse,
    },
    proof::CommitProof,
    testing::{
        cast::{Cast, account_key},
        corpus,
    },
    time::{Span, UnixMillis},
    transaction::{Address, Output, Transaction, TransactionBody, TransactionKind},
    types::{Digest, Epoch, Height, ValidatorIndex, View},
    vote::{Kind, Statement, Vote},
};

/// A signature that holds for nothing.
const BAD_SIGNATURE: Signature = Signature::new([7; 64]);

/// Transactions in a big payload: enough for it to be announced.
const BIG: u64 = 48;

/// A running script.
#[derive(Default)]
pub(super) struct Script {
    stage: Option<Stage>,
    answers: Vec<String>,
    quiet: bool,
}

/// What a script plays on, once there is a committee.
struct Stage {
    cast: Cast,
    names: Names,
    schedule: LeaderSchedule,
    driver: Driver,
}

impl Script {
    /// Everything answered since the last time.
    pub(super) fn take_answers(&mut self) -> Vec<String> {
        let answers = std::mem::take(&mut self.answers);
        if answers.is_empty() { vec!["nothing".to_owned()] } else { answers }
    }

    /// Executes one command.
    pub(super) fn execute(&mut self, command: &str) -> Result<(), String> {
        if let Some(rest) = command.strip_prefix("for ") {
            return self.execute_loop(rest);
        }
        let line = Line::parse(command)?;
        match line.verb.as_str() {
            "committee" => {
                let (stage, answer) = Stage::build(line)?;
                self.stage = Some(stage);
                self.answers.push(answer);
                return Ok(());
            }
            "quiet" => self.quiet = true,
            "loud" => self.quiet = false,
            _ => {
                let stage = self.stage.as_mut().ok_or("a script begins with a committee")?;
                let answers = stage.execute(line)?;
                if !self.quiet {
                    self.answers.extend(answers);
                }
            }
        }
        Ok(())
    }

    /// `for 1..9: COMMAND; COMMAND`, with `#` for the number and `#-` for the one before.
    fn execute_loop(&mut self, rest: &str) -> Result<(), String> {
        let (numbers, commands) = rest.split_once(':').ok_or("`for` needs `:`")?;
        let (first, last) = range(numbers.trim())?;
        for number in first..=last {
            for command in commands.split(';') {
                let command = command.replace("#-", &number.saturating_sub(1).to_string());
                self.execute(command.replace('#', &number.to_string()).trim())?;
            }
        }
        Ok(())
    }
}

impl Stage {
    /// `committee 4 me n1` or `committee weights 3 1 1 me n0`; `me nobody` only follows.
    fn build(mut line: Line) -> Result<(Self, String), String> {
        let weights = match line.clause("weights") {
            Some(words) => words.iter().map(|word| number(word)).collect::<Result<Vec<_>, _>>()?,
            None => vec![1; usize::try_from(number(line.only()?)?).map_err(|_| "too many")?],
        };
        let mut parameters = Parameters::default();
        if let Some(idle) = line.value("idle")? {
            parameters.idle_block_interval = Span::from_millis(millis(&idle)?);
        }
        if let Some(every) = line.value("every")? {
            parameters.checkpoint_interval =
                NonZeroU64::new(number(&every)?).ok_or("checkpoints are never made")?;
        }
        let equal = weights.iter().all(|weight| *weight == weights[0]);
        let cast = Cast::with_parameters(&weights, parameters);
        let schedule = LeaderSchedule::new(cast.committee(), &cast.genesis().epoch_seed());
        let mut names = Names::new(&cast, &schedule, equal);
        let me = line.value("me")?.ok_or("who is `me`?")?;
        let index = match me.as_str() {
            "nobody" => None,
            name => Some(names.member(lettered(name, 'n')?).ok_or("no such member")?),
        };
        names.set_me(index);
        line.done()?;
        let mut config = cast.config(index.unwrap_or(ValidatorIndex::new(0)).get());
        if index.is_none() {
            config.validator = None;
            config.peer = names.peer(u64::from(u16::MAX));
        }
        let shown = u64::try_from(schedule.turns().len()).unwrap_or(0).min(8);
        let committee = cast.committee();
        let answer = format!(
            "weight {:?}, quorum {:?}, leaders {}",
            committee.total(),
            committee.quorum(),
            turns(&names, &schedule, shown)
        );
        let driver = Driver::new(config, index);
        Ok((Self { cast, names, schedule, driver }, answer))
    }

    fn execute(&mut self, line: Line) -> Result<Vec<String>, String> {
        let verb = line.verb.clone();
        match verb.as_str() {
            "start" => self.driver.start(&self.cast, &mut self.names),
            "crash" => self.crash(line),
            "tick" => {
                let span = millis(line.only()?)?;
                self.driver.pass(span, &self.cast, &mut self.names)
            }
            "wakeup" => Ok(vec![self.driver.wakeup()?]),
            "footprint" => {
                let held = self.driver.replica()?.footprint();
                Ok(vec![format!(
                    "holds {} views, {} votes, {} certificates, {} blocks, {} pending",
                    held.views, held.votes, held.certificates, held.blocks, held.pending
                )])
            }
            "wall" => {
                let span = line.only()?.strip_prefix('+').map(millis).ok_or("wall +250ms")??;
                self.driver.shift_wall(span);
                Ok(Vec::new())
            }
            "heartbeats" => {
                self.driver.heartbeats = line.only()? == "shown";
                Ok(Vec::new())
            }
            "hold" => {
                match line.only()? {
                    "disk" => self.driver.disk_held = true,
                    "jobs" => self.driver.jobs_held = true,
                    other => return Err(format!("`{other}` cannot be held")),
                }
                Ok(Vec::new())
            }
            "held" => Ok(self.driver.held(&self.names)),
            "flush" => {
                let count = line.about.first().map(|word| number(word)).transpose()?;
                let count = count.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
                self.driver.flush(count, &self.cast, &mut self.names)
            }
            "finish" => {
                let again = line.about.last().is_some_and(|word| word == "twice");
                let place = line.about.first().filter(|word| *word != "twice");
                let place = place.map(|word| number(word)).transpose()?;
                let place = place.map(|place| usize::try_from(place).unwrap_or(usize::MAX));
                self.driver.finish(place, again, &self.cast, &mut self.names)
            }
            "release" => {
                let mut lines = Vec::new();
                match line.only()? {
                    "disk" => {
                        self.driver.disk_held = false;
                        lines.extend(self.driver.flush(None, &self.cast, &mut self.names)?);
                    }
                    "jobs" => {
                        self.driver.jobs_held = false;
                        lines.extend(self.driver.finish(
                            None,
                            false,
                            &self.cast,
                            &mut self.names,
                        )?);
                    }
                    other => return Err(format!("`{other}` is never held")),
                }
                Ok(lines)
            }
            "candidate" => self.name_candidate(line),
            "proposal" => self.proposal(line),
            "vote" => self.votes(line, false),
            "votes" => self.votes(line, true),
            "cert" => self.certificates(line),
            "status" => self.status(line),
            "ask" => self.ask(line),
            "give" => self.give(line),
            "evidence" => self.evidence(line),
            "checkpoint" => self.checkpoint(line),
            "health" => Ok(vec![self.health()?]),
            "gossip" => self.gossip(line),
            "submit" => {
                let transaction = corpus::transfer(number(line.only()?)?);
                let input = Input::Submitted(transaction);
                self.driver.step(input, &self.cast, &mut self.names)
            }
            "lack" => self.lack(line),
            "hand" => self.hand(line),
            other => Err(format!("no command `{other}`")),
        }
    }

    fn receive(&mut self, from: u64, message: Message) -> Result<Vec<String>, String> {
        // Nothing reaches a validator that could not be decoded.
        let message = Message::decode(&message.encode()).map_err(|error| error.to_string())?;
        let from = self.names.peer(from);
        self.driver.step(Input::Received { from, message }, &self.cast, &mut self.names)
    }

    fn crash(&mut self, mut line: Line) -> Result<Vec<String>, String> {
        let keeping = line.value("keeping")?.map(|word| number(&word)).transpose()?;
        let keeping = usize::try_from(keeping.unwrap_or(0)).unwrap_or(usize::MAX);
        let how = match line.about.join(" ").as_str() {
            "" => Crash::Keeping(keeping),
            "data lost" => Crash::DataLost,
            "sign-state lost" => Crash::SignStateLost,
            other => return Err(format!("no crash `{other}`")),
        };
        line.done()?;
        self.driver.crash(how)?;
        Ok(Vec::new())
    }

    /// `candidate B at v2 on A`, with anything about it changed.
    fn name_candidate(&mut self, mut line: Line) -> Result<Vec<String>, String> {
        let name = line.only()?.to_owned();
        let view = lettered(&line.value("at")?.ok_or("at which view?")?, 'v')?;
        let genesis = self.cast.genesis();
        let (parent_view, parent_id, parent_block, parent_height, parent_time) =
            match line.value("on")?.ok_or("on what?")?.as_str() {
                "root" => {
                    let digest = genesis.digest();
                    let id = root_id(Epoch::ZERO, digest, self.cast.committee().digest());
                    (View::ZERO, id, digest, Height::ZERO, genesis.timestamp)
                }
                parent => {
                    let parent = self.names.candidate(parent)?;
                    let header = parent.block.header();
                    let candidate = parent.candidate;
                    let (view, id) = (candidate.view, candidate.id());
                    (view, id, candidate.block, header.height, header.timestamp)
                }
            };
        let epoch = match line.value("epoch")? {
            Some(word) => Epoch::new(number(&word)?),
            None => Epoch::ZERO,
        };
        let block = match line.value("block")? {
            Some(other) => Arc::clone(&self.names.candidate(&other)?.block),
            None => {
                let parent = match line.value("linked")? {
                    Some(other) => self.names.candidate(&other)?.candidate.block,
                    None => parent_block,
                };
                let height = match line.value("height")? {
                    Some(word) => Height::new(lettered(&word, 'h')?),
                    None => parent_height.next(),
                };
                let timestamp = match line.value("time")? {
                    Some(word) => match word.strip_prefix('+') {
                        Some(ahead) => UnixMillis::new(self.driver.wall() + millis(ahead)?),
                        None => UnixMillis::new(number(&word)?),
                    },
                    None => parent_time.plus_millis(1),
                };
                let proposer = match line.value("proposer")? {
                    Some(word) => self.member(&word)?,
                    None => self.schedule.leader(View::new(view)),
                };
                let origin_view = match line.value("origin")? {
                    Some(word) => View::new(lettered(&word, 'v')?),
                    None => View::new(view),
                };
                let faults = line.clause("payload").unwrap_or_default();
                let payload = self.payload(&name, &faults, line.clause("carrying"))?;
                let mut header = Header {
                    chain_id: genesis.chain_id,
                    epoch,
                    height,
                    parent,
                    origin_view,
                    proposer,
                    payload_root: payload.root(),
                    payload_len: payload.encoded_len(),
                    timestamp,
                    evidence_root: payload.evidence_root(),
                    next_committee: None,
                };
                for fault in &faults {
                    match fault.as_str() {
                        "other" => header.payload_root = Digest::ZERO,
                        "huge" => header.payload_len = u32::MAX,
                        _ => {}
                    }
                }
                Arc::new(Block::new(header, payload))
            }
        };
        line.done()?;
        let view = View::new(view);
        let candidate = Candidate { epoch, view, parent_view, parent_id, block: block.digest() };
        self.names.insert(&name, candidate, block);
        Ok(Vec::new())
    }

    /// One transaction that tells this candidate's block from all others, and evidence if wanted.
    fn payload(
        &self,
        name: &str,
        faults: &[String],
        carrying: Option<Vec<String>>,
    ) -> Result<Payload, String> {
        let key = account_key(0);
        let tag = name.bytes().fold(0u64, |tag, byte| tag.wrapping_mul(257) ^ u64::from(byte));
        let output = Output::native(Address::of_key(&account_key(1).public()), 1);
        let mut transaction = Transaction::signed(
            TransactionBody::new(
                self.cast.genesis().chain_id,
                Address::of_key(&key.public()),
                tag,
                1,
                Height::new(u64::MAX),
                TransactionKind::transfer(vec![output]),
            ),
            &key,
        );
        if faults.iter().any(|fault| fault == "badly-signed") {
            let mut signatures = transaction.signatures.into_inner();
            signatures[0].signature = BAD_SIGNATURE;
            transaction.signatures = Bounded::new(signatures);
        }
        let mut payload = Payload::default();
        if faults.iter().any(|fault| fault == "big") {
            payload.transactions = Bounded::new((0..BIG).map(corpus::transfer).collect());
        } else if !faults.iter().any(|fault| fault == "empty") {
            payload.transactions = Bounded::new(vec![transaction]);
        }
        if let Some(words) = carrying {
            let (signer, rest) = words.split_first().ok_or("carrying nK STATEMENT, STATEMENT")?;
            let bad = faults.iter().any(|fault| fault == "bad-evidence");
            payload.evidence = Bounded::new(vec![self.conviction(signer, rest, bad)?]);
        }
        Ok(payload)
    }

    fn member(&self, word: &str) -> Result<ValidatorIndex, String> {
        self.names.member(lettered(word, 'n')?).ok_or_else(|| format!("no member `{word}`"))
    }

    /// `notarize A`, `finalize A`, `nullify v3`, `nullify v3..9`.
    fn statements(&self, words: &[String]) -> Result<Vec<Statement>, String> {
        let [kind, what] = words else { return Err(format!("{words:?} is no statement")) };
        let candidate = || Ok::<_, String>(self.names.candidate(what)?.candidate);
        Ok(match kind.as_str() {
            "notarize" | "notarization" => vec![Statement::Notarize(candidate()?)],
            "finalize" | "finalization" => vec![Statement::Finalize(candidate()?)],
            "nullify" | "nullification" => {
                let views = what.strip_prefix('v').unwrap_or(what);
                let (first, last) = match views.contains("..") {
                    true => range(views)?,
                    false => (number(views)?, number(views)?),
                };
                let nullify =
                    |view| Statement::Nullify { epoch: Epoch::ZERO, view: View::new(view) };
                (first..=last).map(nullify).collect()
            }
            other => return Err(format!("`{other}` is no kind of statement")),
        })
    }

    fn members(&self, words: Option<Vec<String>>) -> Result<Vec<u64>, String> {
        match words {
            Some(words) => words.iter().map(|word| lettered(word, 'n')).collect(),
            None => Ok(self.names.others().collect()),
        }
    }

    fn vote(&self, signer: u64, statement: Statement, bad: bool) -> Result<Vote, String> {
        let index = self.names.member(signer).ok_or("no such signer")?;
        let mut vote = self.cast.vote(index.get(), statement);
        if bad {
            vote.signature = BAD_SIGNATURE;
        }
        Ok(vote)
    }

    /// `vote notarize A by n0 n2`: each from its signer, or all `from` one node; `bad` signatures;
    /// `index 99` claims to be another member; `epoch 1`.
    fn votes(&mut self, mut line: Line, together: bool) -> Result<Vec<String>, String> {
        let signers = self.members(line.clause("by"))?;
        let from = line.value("from")?.map(|word| lettered(&word, 'n')).transpose()?;
        let bad = line.flag("bad");
        let index = line.value("index")?.map(|word| number(&word)).transpose()?;
        let epoch = line.value("epoch")?.map(|word| number(&word)).transpose()?;
        let lists: Vec<Vec<Statement>> =
            line.list().into_iter().map(|one| self.statements(one)).collect::<Result<_, _>>()?;
        line.done()?;
        let mut answers = Vec::new();
        for signer in signers {
            let mut votes = Vec::new();
            for statement in lists.iter().flatten() {
                let statement = match epoch {
                    Some(epoch) => in_epoch(*statement, Epoch::new(epoch)),
                    None => *statement,
                };
                let mut vote = self.vote(signer, statement, bad)?;
                if let Some(index) = index {
                    let raw = u16::try_from(index).map_err(|_| "an index is 16 bits")?;
                    vote.signer = ValidatorIndex::new(raw);
                }
                votes.push(vote);
            }
            let from = from.unwrap_or(signer);
            if together {
                answers.extend(self.receive(from, Message::Votes(Bounded::new(votes)))?);
            } else {
                for vote in votes {
                    answers.extend(self.receive(from, Message::Vote(vote))?);
                }
            }
        }
        Ok(answers)
    }

    /// A certificate by these members, or by all others.
    fn certificate(&self, statement: Statement, signers: &[u64]) -> Result<Certificate, String> {
        let indices: Option<Vec<u16>> = signers
            .iter()
            .map(|signer| self.names.member(*signer).map(ValidatorIndex::get))
            .collect();
        Ok(self.cast.certificate(statement, indices.ok_or("no such signer")?))
    }

    /// `cert notarization A by n0 n2 n3 from n2`, with faults: `bad n2` (its signature), `extra` (a
    /// signature too many), `index 99` (a signer outside), `padded` (bits not canonical).
    fn certificates(&mut self, mut line: Line) -> Result<Vec<String>, String> {
        let signers = self.members(line.clause("by"))?;
        let from = line.value("from")?.map(|word| lettered(&word, 'n')).transpose()?;
        let from = from.or(signers.first().copied()).ok_or("from whom?")?;
        let bad = line.value("bad")?.map(|word| self.member(&word)).transpose()?;
        let extra = line.flag("extra");
        let padded = line.flag("padded");
        let index = line.value("index")?.map(|word| number(&word)).transpose()?;
        let epoch = line.value("epoch")?.map(|word| number(&word)).transpose()?;
        let lists: Vec<Vec<Statement>> =
            line.list().into_iter().map(|one| self.statements(one)).collect::<Result<_, _>>()?;
        line.done()?;
        let one_message = lists.len() > 1;
        let mut certificates = Vec::new();
        for statement in lists.into_iter().flatten() {
            let statement = match epoch {
                Some(epoch) => in_epoch(statement, Epoch::new(epoch)),
                None => statement,
            };
            let mut certificate = self.certificate(statement, &signers)?;
            if let Some(bad) = bad {
                let place = certificate.signers.iter().position(|signer| signer == bad);
                let mut signatures = certificate.signatures.into_inner();
                signatures[place.ok_or("it did not sign")?] = BAD_SIGNATURE;
                certificate.signatures = Bounded::new(signatures);
            }
            if extra || index.is_some() {
                let mut signatures = certificate.signatures.into_inner();
                signatures.push(BAD_SIGNATURE);
                certificate.signatures = Bounded::new(signatures);
            }
            if let Some(index) = index {
                let raw = u16::try_from(index).map_err(|_| "an index is 16 bits")?;
                let all = certificate.signers.iter().chain([ValidatorIndex::new(raw)]);
                certificate.signers = Signers::new(all.collect::<Vec<_>>());
            }
            if padded {
                let mut bytes = crate::codec::encode(&certificate.signers);
                bytes[0] += 1;
                bytes.push(0);
                certificate.signers =
                    crate::codec::decode(&bytes, 1024).map_err(|error| error.to_string())?;
            }
            certificates.push(certificate);
        }
        if one_message {
            return self.receive(from, Message::Certificates(Bounded::new(certificates)));
        }
        let mut answers = Vec::new();
        for certificate in certificates {
            let message = Message::Certificates(Bounded::new(vec![certificate]));
            answers.extend(self.receive(from, message)?);
        }
        Ok(answers)
    }

    /// `proposal B`, from its leader, showing what an honest one would, unless told otherwise:
    /// `parent none|finalization|notarization`, `skips none` or `skips v2 v3`, `by`, `from`, `bad`.
    fn proposal(&mut self, mut line: Line) -> Result<Vec<String>, String> {
        let named = self.names.candidate(line.only()?)?.clone();
        let candidate = named.candidate;
        let leader = self.names.index(self.schedule.leader(candidate.view));
        let signer = line.value("by")?.unwrap_or(leader);
        let from = line.value("from")?.unwrap_or_else(|| signer.clone());
        let bad = line.flag("bad");
        let signers: Vec<u64> = self.names.others().collect();
        let parent = match line.clause("parent") {
            Some(words) => match words.as_slice() {
                [none] if none == "none" => None,
                words => {
                    let statements = self.statements(words)?;
                    let statement = statements.first().ok_or("which parent?")?;
                    Some(self.certificate(*statement, &signers)?)
                }
            },
            None if candidate.parent_view == View::ZERO => None,
            None => {
                let parent = self.names.parent_of(&candidate).ok_or("its parent has no name")?;
                Some(self.certificate(Statement::Notarize(parent), &signers)?)
            }
        };
        let skipped: Vec<u64> = match line.clause("skips") {
            Some(words) => words
                .iter()
                .filter(|word| *word != "none")
                .map(|word| lettered(word, 'v'))
                .collect::<Result<_, _>>()?,
            None => (candidate.parent_view.next().get()..candidate.view.get()).take(16).collect(),
        };
        let skips = skipped
            .into_iter()
            .map(|view| {
                let view = View::new(view);
                self.certificate(Statement::Nullify { epoch: candidate.epoch, view }, &signers)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let body = match line.clause("announced") {
            Some(words) => Body::Compact(Arc::new(announce(&named.block, &words)?)),
            None => Body::Full(named.block),
        };
        line.done()?;
        let notarize = self.vote(lettered(&signer, 'n')?, Statement::Notarize(candidate), bad)?;
        let proposal =
            Proposal { notarize, body, justify: Justify { parent, skips: Bounded::new(skips) } };
        self.receive(lettered(&from, 'n')?, Message::Proposal(Arc::new(proposal)))
    }

    /// `gossip 0..9 from n2`: the transfers with these numbers.
    fn gossip(&mut self, mut line: Line) -> Result<Vec<String>, String> {
        let (first, last) = range(line.only()?)?;
        let from = lettered(&line.value("from")?.ok_or("from whom?")?, 'n')?;
        line.done()?;
        let transactions = (first..=last).map(corpus::transfer).collect();
        self.receive(from, Message::Transactions(Bounded::new(transactions)))
    }

    /// `lack A 3 4 from n2`: it asks for transactions at these places.
    fn lack(&mut self, mut line: Line) -> Result<Vec<String>, String> {
        let from = lettered(&line.value("from")?.ok_or("from whom?")?, 'n')?;
        line.done()?;
        let (name, places) = line.about.split_first().ok_or("of which block?")?;
        let candidate = self.names.candidate(name)?.candidate;
        let request = TransactionsRequest {
            view: candidate.view,
            block: candidate.block,
            places: Bounded::new(places.iter().map(|word| place(word)).collect::<Result<_, _>>()?),
        };
        self.receive(from, Message::TransactionsRequest(request))
    }

    /// `hand A`: what A has at the places last asked for, from whoever was asked unless `from` another;
    /// `hand nothing`.
    fn hand(&mut self, mut line: Line) -> Result<Vec<String>, String> {
        let (asked, request) = self.driver.lacking.clone().ok_or("nobody was asked")?;
        let from = match line.value("from")? {
            Some(word) => self.names.peer(lettered(&word, 'n')?),
            None => asked,
        };
        let given = match line.only()? {
            "nothing" => Vec::new(),
            name => {
                let block = &self.names.candidate(name)?.block;
                let at = |place: &u16| block.payload().transactions.get(usize::from(*place));
                let given: Option<Vec<_>> =
                    request.places.iter().map(|one| at(one).cloned()).collect();
                given.ok_or("it has no such places")?
            }
        };
        line.done()?;
        let response = TransactionsResponse {
            view: request.view,
            block: request.block,
            transactions: Bounded::new(given),
        };
        let input = Input::Received { from, message: Message::TransactionsResponse(response) };
        self.driver.step(input, &self.cast, &mut self.names)
    }

    /// `status v3 from n2 final A` or, without `final`, nothing finalized yet.
    fn status(&mut self, mut line: Line) -> Result<Vec<String>, String> {
        let view = View::new(lettered(line.only()?, 'v')?);
        let from = lettered(&line.value("from")?.ok_or("from whom?")?, 'n')?;
        let tip = line.value("final")?;
        let tip = tip.map(|name| self.names.candidate(&name).cloned()).transpose()?;
        let checkpoint = line.value("checkpoint")?.map(|word| lettered(&word, 'h')).transpose()?;
        let checkpoint = Height::new(checkpoint.unwrap_or(0));
        line.done()?;
        let status = Status {
            epoch: Epoch::ZERO,
            view,
            finalized_view: tip.as_ref().map_or(View::ZERO, |tip| tip.candidate.view),
            finalized_height: tip.as_ref().map_or(Height::ZERO, |tip| tip.block.header().height),
            finalized_id: tip.as_ref().map_or(Digest::ZERO, |tip| tip.candidate.id()),
            checkpoint,
        };
        self.receive(from, Message::Status(status))
    }

    /// `ask notarization v3 from n2`, `ask any v3 ..`, `ask body A ..`, `ask bodies h4 ..`.
    fn ask(&mut self, mut line: Line) -> Result<Vec<String>, String> {
        let from = lettered(&line.value("from")?.ok_or("from whom?")?, 'n')?;
        line.done()?;
        let [kind, what] = line.about.as_slice() else { return Err("ask what?".to_owned()) };
        let kind = match kind.as_str() {
            "any" => None,
            "notarization" => Some(Kind::Notarize),
            "nullification" => Some(Kind::Nullify),
            "finalization" => Some(Kind::Finalize),
            "body" | "bodies" => {
                let want = match what.strip_prefix('h').map(str::parse) {
                    Some(Ok(height)) => BlockWant::From(Height::new(height)),
                    _ => BlockWant::Digest(self.names.candidate(what)?.candidate.block),
                };
                return self.receive(from, Message::BlockRequest(BlockRequest { id: 77, want }));
            }
            other => return Err(format!("`{other}` cannot be asked for")),
        };
        let view = View::new(lettered(what, 'v')?);
        let request = CertificateRequest { epoch: Epoch::ZERO, view, kind };
        self.receive(from, Message::CertificateRequest(request))
    }

    /// `give A B final B`: an answer to the last request for blocks, from whoever was asked unless
    /// `from` another node or with another `id`; `links C`, `proofs A B`, `bad` Finalization.
    fn give(&mut self, mut line: Line) -> Result<Vec<String>, String> {
        let asked = self.driver.asked;
        let from = match line.value("from")? {
            Some(word) => self.names.peer(lettered(&word, 'n')?),
            None => asked.ok_or("nobody was asked")?.0,
        };
        let id = match line.value("id")? {
            Some(word) => number(&word)?,
            None => asked.ok_or("nothing was asked")?.1,
        };
        let everyone: Vec<u64> = self.names.others().collect();
        let signers = match line.clause("by") {
            Some(words) => self.members(Some(words))?,
            None => everyone.clone(),
        };
        let bad = line.flag("bad");
        let finalization = match line.value("final")? {
            Some(name) => {
                let candidate = self.names.candidate(&name)?.candidate;
                let mut certificate = self.certificate(Statement::Finalize(candidate), &signers)?;
                if bad {
                    let mut signatures = certificate.signatures.into_inner();
                    signatures[0] = BAD_SIGNATURE;
                    certificate.signatures = Bounded::new(signatures);
                }
                Some(certificate)
            }
            None => None,
        };
        let mut links = Vec::new();
        for name in self.each(&line.clause("links").unwrap_or_default())? {
            links.push(self.names.candidate(&name)?.block.header().clone());
        }
        let mut proofs = Vec::new();
        for name in self.each(&line.clause("proofs").unwrap_or_default())? {
            let named = self.names.candidate(&name)?;
            let candidate = named.candidate;
            let height = named.block.header().height;
            proofs.push(CommitProof {
                height,
                candidate,
                notarization: Some(self.certificate(Statement::Notarize(candidate), &everyone)?),
                finalization: None,
                nullifications: Bounded::default(),
            });
        }
        let mut blocks = Vec::new();
        for name in self.each(&line.about)? {
            blocks.push(Arc::clone(&self.names.candidate(&name)?.block));
        }
        line.done()?;
        let response = BlockResponse {
            id,
            blocks: Bounded::new(blocks),
            links: Bounded::new(links),
            finalization,
            proofs: Bounded::new(proofs),
        };
        let input = Input::Received { from, message: Message::BlockResponse(response) };
        self.driver.step(input, &self.cast, &mut self.names)
    }

    /// Names, with `C3..9` meaning C3 to C9.
    fn each(&self, words: &[String]) -> Result<Vec<String>, String> {
        let mut names = Vec::new();
        for word in words {
            let letters: String = word.chars().take_while(|one| !one.is_ascii_digit()).collect();
            match word[letters.len()..].contains("..") {
                true => {
                    let (first, last) = range(&word[letters.len()..])?;
                    names.extend((first..=last).map(|number| format!("{letters}{number}")));
                }
                false => names.push(word.clone()),
            }
        }
        Ok(names)
    }

    /// Two statements of one signer.
    fn conviction(&self, signer: &str, words: &[String], bad: bool) -> Result<Evidence, String> {
        let signer = lettered(signer, 'n')?;
        let lists: Vec<&[String]> = words.split(|word| word == ",").collect();
        let [first, second] = lists.as_slice() else { return Err("two statements".to_owned()) };
        let (first, second) = (self.statements(first)?, self.statements(second)?);
        let first = self.vote(signer, first[0], bad)?;
        let second = self.vote(signer, second[0], false)?;
        match Evidence::of(&first, &second) {
            Some(evidence) => Ok(evidence),
            None => {
                // Bytes can hold two votes that are no offence.
                let bytes = crate::codec::encode(&(first.widened(), second.widened()));
                crate::codec::decode(&bytes, 4096).map_err(|error| error.to_string())
            }
        }
    }

    /// `checkpoint h2 mine by n1 n2`, signed by each and sent by itself; `from n0`, `bad`. `certified`:
    /// as one certificate. Any other word than `mine` names an invented state.
    fn checkpoint(&mut self, mut line: Line) -> Result<Vec<String>, String> {
        let signers = line.clause("by").ok_or("by whom?")?;
        let signers: Vec<u64> =
            signers.iter().map(|word| lettered(word, 'n')).collect::<Result<_, _>>()?;
        let from = line.value("from")?.map(|word| lettered(&word, 'n')).transpose()?;
        let (bad, certified) = (line.flag("bad"), line.flag("certified"));
        line.done()?;
        let [height, name] = line.about.as_slice() else {
            return Err("checkpoint h2 mine by n1".to_owned());
        };
        let height = Height::new(lettered(height, 'h')?);
        let statement = match name.as_str() {
            "mine" => self.driver.computed(height).ok_or("not computed")?,
            name => Checkpoint {
                height,
                state_root: Digest::new([name.as_bytes()[0]; 32]),
                committee: self.cast.committee().digest(),
                ..crate::testing::cast::checkpoint(0, 0)
            },
        };
        self.names.name_checkpoint(statement, name);
        let mut votes = Vec::new();
        for number in &signers {
            let signer = self.names.member(*number).ok_or("no such member")?;
            let mut vote = self.cast.vote(signer.get(), statement);
            if bad {
                vote.signature = BAD_SIGNATURE;
            }
            votes.push(vote);
        }
        if certified {
            let certificate = Box::new(Certificate::from_votes(statement, votes));
            let from = from.unwrap_or(signers[0]);
            return self.receive(from, Message::CheckpointCertificate(certificate));
        }
        let mut lines = Vec::new();
        for (number, vote) in signers.iter().zip(votes) {
            let message = Message::CheckpointVotes(Bounded::new(vec![vote]));
            lines.extend(self.receive(from.unwrap_or(*number), message)?);
        }
        Ok(lines)
    }

    fn health(&self) -> Result<String, String> {
        let health = self.driver.replica()?.health();
        let execution = if health.halted.is_some() { "halted" } else { "runs" };
        let overdue = if health.checkpoints_overdue { ", overdue" } else { "" };
        let (executed, checkpoint) = (health.executed, health.checkpoint);
        Ok(format!("executed h{executed}, {execution}, checkpoint h{checkpoint}{overdue}"))
    }

    /// `evidence notarize A, notarize B by n1 from n0`, with a `bad` signature on the first.
    fn evidence(&mut self, mut line: Line) -> Result<Vec<String>, String> {
        let signer = line.value("by")?.ok_or("by whom?")?;
        let from = lettered(&line.value("from")?.ok_or("from whom?")?, 'n')?;
        let bad = line.flag("bad");
        line.done()?;
        let evidence = self.conviction(&signer, &line.about, bad)?;
        self.receive(from, Message::Evidence(Box::new(evidence)))
    }
}

/// An announcement of a block: the words are places carried whole, or `garbled` (the first short id is
/// another), `doubled` (the second is the first).
fn announce(block: &Block, words: &[String]) -> Result<CompactBlock, String> {
    let sealed = |one: &Transaction| sealed_id(&one.id(), &one.signatures);
    let sealed: Vec<Digest> = block.payload().transactions.iter().map(sealed).collect();
    let faulty = |word: &&String| ["garbled", "doubled"].contains(&word.as_str());
    let whole = words.iter().filter(|word| !faulty(word)).map(|word| place(word));
    let whole = whole.collect::<Result<Vec<_>, _>>()?;
    let compact = CompactBlock::of(block, &sealed, &whole).ok_or("equal short ids")?;
    let Some(fault) = words.iter().find(faulty) else { return Ok(compact) };
    let mut short_ids = compact.short_ids().to_vec();
    match fault.as_str() {
        "garbled" => short_ids[0] = ShortId::new([0; 6]),
        _ => short_ids[1] = short_ids[0],
    }
    Ok(CompactBlock::new(
        compact.header().clone(),
        compact.evidence().clone(),
        Bounded::new(compact.prefilled().to_vec()),
        Bounded::new(short_ids),
    ))
}

fn place(word: &str) -> Result<u16, String> {
    u16::try_from(number(word)?).map_err(|_| format!("`{word}` is no place in a block"))
}

/// The same statement about another epoch.
fn in_epoch(statement: Statement, epoch: Epoch) -> Statement {
    match statement {
        Statement::Notarize(candidate) => Statement::Notarize(Candidate { epoch, ..candidate }),
        Statement::Finalize(candidate) => Statement::Finalize(Candidate { epoch, ..candidate }),
        Statement::Nullify { view, .. } => Statement::Nullify { epoch, view },
    }
}
