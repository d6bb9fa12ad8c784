//! Puts a history together from records, in the order of time.
//!
//! A message's departure and its arrival are two records; they are matched by sender, receiver and
//! fingerprint, first departed first arrived. Which arrival made a validator send something is told by
//! what the protocol waits for at that point, not by mere nearness in time.

use std::collections::{BTreeMap, VecDeque};

use super::{
    Band, Crossing, Fate, Head, History, Lane, LaneStory, LastWords, Letter, Note, NoteSort, State,
    Stretch, Tail, ViewStory,
    record::{Fact, Record, Saying, certificate_of},
};

/// Observations whose words are kept.
const LAST_MAX: usize = 80;

/// Views a lane's memory of causes reaches back.
const MEMORY_VIEWS: u64 = 128;

/// Puts a history together.
#[derive(Debug)]
pub struct Builder {
    history: History,
    lanes: BTreeMap<String, Lane>,
    /// The lanes of each validator: a twin shares its address.
    addresses: BTreeMap<u32, Vec<Lane>>,
    /// Crossings under way, by (sender, receiver, fingerprint).
    flights: BTreeMap<(Lane, Lane, u64), VecDeque<u32>>,
    /// The last letter with this (sender, fingerprint).
    written: BTreeMap<(Lane, u64), u32>,
    memories: Vec<Memory>,
    /// Open bands: places in [`History::faults`], by fault.
    acting: BTreeMap<u32, usize>,
    last: VecDeque<(u64, String, Saying)>,
}

/// What a node has seen lately, for telling why it sends.
#[derive(Debug, Default)]
struct Memory {
    /// The arrival of the proposal of a view.
    proposals: BTreeMap<u64, u32>,
    /// The last arrival of a vote, by (view, kind of message).
    votes: BTreeMap<(u64, u8), u32>,
    /// The last arrival of something with whole certificates in it.
    whole: Option<u32>,
    /// What completed a certificate, by (view, kind).
    certified: BTreeMap<(u64, String), Option<u32>>,
    /// Which kind of certificate let it into a view, and when.
    entered: BTreeMap<u64, (String, u64)>,
    /// Why it gave up on a view.
    given_up: BTreeMap<u64, String>,
    /// The last request for blocks or certificates.
    asked: Option<u32>,
}

impl Builder {
    /// Of a run that has not begun.
    #[must_use]
    pub fn new(head: Head) -> Self {
        let names = (0u16..).zip(&head.nodes).map(|(lane, name)| (name.clone(), lane));
        let lanes: BTreeMap<String, Lane> = names.collect();
        let memories = head.nodes.iter().map(|_| Memory::default()).collect();
        let stories = head.nodes.iter().map(|_| LaneStory::default()).collect();
        let history = History { head, lanes: stories, ..History::default() };
        let mut addresses: BTreeMap<u32, Vec<Lane>> = BTreeMap::new();
        for lane in lanes.values() {
            addresses.entry(history.number(*lane)).or_default().push(*lane);
        }
        Self {
            history,
            lanes,
            addresses,
            flights: BTreeMap::new(),
            written: BTreeMap::new(),
            memories,
            acting: BTreeMap::new(),
            last: VecDeque::new(),
        }
    }

    /// Takes in the next record. A node that the head does not name is left out.
    pub fn observe(&mut self, record: &Record, saying: Saying) {
        self.history.end = self.history.end.max(record.at);
        let Some(lane) = self.lanes.get(&record.node).copied() else { return };
        if !matches!(saying, Saying::Routine) {
            self.last.push_back((record.at, record.node.clone(), saying));
            if self.last.len() > LAST_MAX {
                self.last.pop_front();
            }
        }
        self.on_fact(record.at, lane, &record.fact);
    }

    /// The history, with what the run came to.
    #[must_use]
    pub fn finish(mut self, tail: Option<Tail>) -> History {
        let end = self.history.end;
        let broken = tail.as_ref().and_then(|tail| tail.broken_at).unwrap_or(0);
        let end = end.max(broken);
        self.history.end = end;
        self.history.tail = tail;
        for crossing in &mut self.history.crossings {
            if crossing.fate == Fate::Flying {
                crossing.ended = end;
            }
        }
        for place in self.acting.into_values() {
            self.history.faults[place].to = end;
        }
        for story in &mut self.history.lanes {
            if let Some(last) = story.states.last_mut() {
                last.to = end;
            }
        }
        self.history.last = self
            .last
            .into_iter()
            .map(|(at, node, saying)| LastWords { at, node, text: saying.text() })
            .collect();
        self.history
    }

    fn on_fact(&mut self, at: u64, lane: Lane, fact: &Fact) {
        match fact {
            Fact::Started(life) => {
                self.turn(at, lane, State::Up);
                self.memories[usize::from(lane)] = Memory::default();
                if *life > 0 {
                    self.note(at, lane, NoteSort::Up, "starts again".to_owned());
                }
            }
            Fact::Ended(why) => {
                self.turn(at, lane, State::Down);
                self.note(at, lane, NoteSort::Down, why.clone());
            }
            Fact::Paused => {
                self.turn(at, lane, State::Paused);
                self.note(at, lane, NoteSort::Pause, "paused".to_owned());
            }
            Fact::Resumed => {
                self.turn(at, lane, State::Up);
                self.note(at, lane, NoteSort::Pause, "resumed".to_owned());
            }
            Fact::Sent { to, message, fingerprint, view, words } => {
                let kind = self.kind(message);
                let (why, cause) = self.why(at, lane, message, *view);
                let words = words.clone();
                let letter = Letter { from: lane, at, kind, view: *view, words, why, cause };
                self.on_sent(letter, to, *fingerprint);
            }
            Fact::Delivered { from, fingerprint } => {
                let Some(from) = self.lanes.get(from).copied() else { return };
                if let Some(place) = self.land(from, lane, *fingerprint, at, Fate::Arrived) {
                    self.remember(lane, place);
                }
            }
            Fact::Dropped { to, why, fingerprint } => {
                let Some(to) = self.lanes.get(to).copied() else { return };
                self.land(lane, to, *fingerprint, at, Fate::Lost(*why));
            }
            Fact::Duplicated { to, fingerprint } => {
                let Some(to) = self.lanes.get(to).copied() else { return };
                if let Some(letter) = self.written.get(&(lane, *fingerprint)).copied() {
                    self.depart(letter, lane, to, at, *fingerprint);
                }
            }
            Fact::FaultOn(index) => self.on_fault(at, lane, *index),
            Fact::FaultOff(index) => {
                if let Some(place) = self.acting.remove(index) {
                    self.history.faults[place].to = at;
                }
            }
            Fact::ClientSaw => self.history.transactions_seen += 1,
            Fact::Other => {}
            event => self.on_event(at, lane, event),
        }
    }

    fn on_event(&mut self, at: u64, lane: Lane, event: &Fact) {
        let memory = &mut self.memories[usize::from(lane)];
        match event {
            Fact::Entered { view, leader, by, timeout } => {
                memory.entered.insert(*view, (by.clone(), at));
                memory.forget_below(view.saturating_sub(MEMORY_VIEWS));
                self.history.lanes[usize::from(lane)].stays.push((at, *view));
                let place = usize::try_from(*leader).unwrap_or(usize::MAX);
                let leader = self.history.head.committee.get(place).copied();
                let story = self.view(*view);
                story.leader = leader.or(story.leader);
                story.entered.push((lane, at, *timeout));
            }
            Fact::TimedOut { view, reason } => {
                memory.given_up.insert(*view, reason.clone());
                self.view(*view).given_up.push((lane, at, reason.clone()));
            }
            Fact::Proposed { view, height, transactions } => {
                // Nobody says who leads the view that a node starts in.
                let number = self.history.number(lane);
                let story = self.view(*view);
                story.leader = story.leader.or(Some(number));
                story.proposed.push((lane, at, *height, *transactions));
            }
            Fact::Accepted(view) => self.view(*view).accepted.push((lane, at)),
            Fact::Certified { kind, view, gathered } => {
                self.on_certified(at, lane, kind, *view, *gathered);
            }
            Fact::Finalized { height, view, block } => {
                let story = self.history.heights.entry(*height).or_default();
                if story.by.is_empty() {
                    story.view = *view;
                }
                if !story.blocks.contains(block) {
                    story.blocks.push(block.clone());
                }
                story.by.push((lane, at));
            }
            Fact::Resumes { view, height, repeated } => {
                self.history.lanes[usize::from(lane)].stays.push((at, *view));
                self.view(*view).entered.push((lane, at, 0));
                let notes = self.history.notes.iter_mut().rev();
                let up = notes.take_while(|note| note.at + 1_000_000_000 > at);
                for note in up.filter(|note| note.lane == lane && note.sort == NoteSort::Up).take(1)
                {
                    note.words = format!("starts again at height {height}");
                    if *repeated > 0 {
                        let votes = if *repeated == 1 { "vote" } else { "votes" };
                        note.words += &format!(", repeats {repeated} own {votes} from its log");
                    }
                }
            }
            Fact::Halted(height) => {
                let words = format!("stops for good: two chains are final, up to height {height}");
                self.note(at, lane, NoteSort::Halt, words);
            }
            Fact::Evidence { signer, offence } => {
                let place = usize::try_from(*signer).unwrap_or(usize::MAX);
                let culprit = self.history.head.committee.get(place);
                let culprit = culprit.map_or("?".to_owned(), |number| format!("n{number}"));
                let words = format!("holds evidence against {culprit}: {offence}");
                self.note(at, lane, NoteSort::Evidence, words);
            }
            Fact::Fetching(height) => {
                let words = format!("asks for blocks above height {height}");
                self.note(at, lane, NoteSort::Fetch, words);
            }
            _ => {}
        }
    }

    fn on_certified(&mut self, at: u64, lane: Lane, kind: &str, view: u64, gathered: bool) {
        let code = self.kind(kind);
        let memory = &mut self.memories[usize::from(lane)];
        let voted = memory.votes.get(&(view, code)).copied();
        let cause = if gathered { voted } else { memory.whole.or(voted) };
        memory.certified.entry((view, kind.to_owned())).or_insert(cause);
        let story = self.view(view);
        match kind {
            "notarize" => story.notarized.push((lane, at)),
            "nullify" => story.nullified.push((lane, at)),
            _ => story.finalized.push((lane, at)),
        }
    }

    fn on_fault(&mut self, at: u64, lane: Lane, fault: u32) {
        let place = usize::try_from(fault).unwrap_or(usize::MAX);
        let links = self.history.head.faults.get(place).is_some_and(|head| head.links);
        let lanes = if links && lane == 0 { Vec::new() } else { vec![lane] };
        match self.acting.get(&fault) {
            Some(place) => {
                let band = &mut self.history.faults[*place];
                if !lanes.is_empty() && !band.lanes.contains(&lane) {
                    band.lanes.push(lane);
                }
            }
            None => {
                self.acting.insert(fault, self.history.faults.len());
                self.history.faults.push(Band { fault, from: at, to: at, lanes });
            }
        }
    }

    fn on_sent(&mut self, letter: Letter, to: &[u32], fingerprint: u64) {
        let place = count(self.history.letters.len());
        let (from, at) = (letter.from, letter.at);
        self.history.letters.push(letter);
        self.written.insert((from, fingerprint), place);
        for number in to {
            let lanes = self.addresses.get(number).cloned().unwrap_or_default();
            for lane in lanes.into_iter().filter(|lane| *lane != from) {
                self.depart(place, from, lane, at, fingerprint);
            }
        }
    }

    fn depart(&mut self, letter: u32, from: Lane, to: Lane, at: u64, fingerprint: u64) {
        let place = count(self.history.crossings.len());
        let crossing = Crossing { letter, to, sent: at, ended: at, fate: Fate::Flying };
        self.history.crossings.push(crossing);
        self.flights.entry((from, to, fingerprint)).or_default().push_back(place);
    }

    /// Ends the oldest matching flight.
    fn land(&mut self, from: Lane, to: Lane, print: u64, at: u64, fate: Fate) -> Option<u32> {
        let flights = self.flights.get_mut(&(from, to, print))?;
        let place = flights.pop_front();
        if flights.is_empty() {
            self.flights.remove(&(from, to, print));
        }
        let place = place?;
        let crossing = &mut self.history.crossings[index(place)];
        (crossing.ended, crossing.fate) = (at, fate);
        Some(place)
    }

    /// Keeps an arrival in mind as a possible cause.
    fn remember(&mut self, lane: Lane, place: u32) {
        let letter = &self.history.letters[index(self.history.crossings[index(place)].letter)];
        let memory = &mut self.memories[usize::from(lane)];
        match self.history.kinds[usize::from(letter.kind)].as_str() {
            "proposal" => {
                memory.proposals.entry(letter.view).or_insert(place);
                memory.whole = Some(place);
            }
            "notarize" | "nullify" | "finalize" => {
                memory.votes.insert((letter.view, letter.kind), place);
            }
            "certificates" | "block-response" => memory.whole = Some(place),
            "certificate-request" | "block-request" => memory.asked = Some(place),
            _ => {}
        }
    }

    /// Why a message is sent, and the arrival that caused it.
    fn why(&self, at: u64, lane: Lane, message: &str, view: u64) -> (String, Option<u32>) {
        let memory = &self.memories[usize::from(lane)];
        let certified = |view: u64, kind: &str| {
            memory.certified.get(&(view, kind.to_owned())).copied().flatten()
        };
        match message {
            "notarize" => match memory.proposals.get(&view) {
                Some(place) => (format!("it accepted the proposal of view {view}"), Some(*place)),
                None => (String::new(), None),
            },
            "finalize" => {
                (format!("it held the notarization of view {view}"), certified(view, "notarize"))
            }
            "nullify" => match memory.given_up.get(&view) {
                Some(reason) => {
                    let waited =
                        memory.entered.get(&view).map(|(_, since)| at.saturating_sub(*since));
                    let after = waited.map_or(String::new(), |waited| {
                        format!(" after {} ms", waited / 1_000_000)
                    });
                    (format!("it gave up on view {view}{after}: {reason}"), None)
                }
                None => (String::new(), None),
            },
            "proposal" => match memory.entered.get(&view) {
                Some((by, _)) => {
                    let before = view.saturating_sub(1);
                    let what = certificate_of(by);
                    let why =
                        format!("it leads view {view}, and the {what} of view {before} let it in");
                    (why, certified(before, by))
                }
                None => (String::new(), None),
            },
            "certificates" | "block-response" => match memory.asked {
                Some(place) => ("it was asked, or passes on what it holds".to_owned(), Some(place)),
                None => (String::new(), None),
            },
            _ => (String::new(), None),
        }
    }

    fn turn(&mut self, at: u64, lane: Lane, state: State) {
        let states = &mut self.history.lanes[usize::from(lane)].states;
        if let Some(last) = states.last_mut() {
            last.to = at;
        }
        states.push(Stretch { from: at, to: at, state });
    }

    fn note(&mut self, at: u64, lane: Lane, sort: NoteSort, words: String) {
        self.history.notes.push(Note { at, lane, sort, words });
    }

    fn view(&mut self, view: u64) -> &mut ViewStory {
        self.history.views.entry(view).or_default()
    }

    fn kind(&mut self, name: &str) -> u8 {
        let kinds = &mut self.history.kinds;
        let place = kinds.iter().position(|known| known == name).unwrap_or_else(|| {
            kinds.push(name.to_owned());
            kinds.len() - 1
        });
        u8::try_from(place).expect("there are few kinds of messages")
    }
}

impl Memory {
    fn forget_below(&mut self, view: u64) {
        self.proposals = self.proposals.split_off(&view);
        self.votes = self.votes.split_off(&(view, 0));
        self.certified = self.certified.split_off(&(view, String::new()));
        self.entered = self.entered.split_off(&view);
        self.given_up = self.given_up.split_off(&view);
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).expect("a run in memory has fewer than 2^32 messages")
}

fn index(place: u32) -> usize {
    usize::try_from(place).expect("a place in memory")
}
