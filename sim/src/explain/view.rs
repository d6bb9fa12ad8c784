//! Why one view was given up.

use super::{clock, fault_words, faults_on, hinders, lasting, letters::Mail, names};
use crate::history::{Band, History, Lane, NoteSort, State, ViewStory};

/// A view that a quorum gave up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The view.
    pub view: u64,
    /// Whose turn it was.
    pub leader: Option<u32>,
    /// When the first entered it.
    pub from: u64,
    /// When the first held its nullification, or the run ended.
    pub to: u64,
    /// Whether a nullification was seen.
    pub nullified: bool,
    /// What was wrong with its leader in a few words: `n3 killed`.
    pub short: String,
    /// Whether there was no proposal at all.
    pub leaderless: bool,
    /// The same in whole sentences.
    pub lines: Vec<String>,
}

/// Why a view ended without a final block; `None` if nobody was in it.
#[must_use]
pub fn fate_of(history: &History, view: u64) -> Option<Failure> {
    let story = history.views.get(&view)?;
    let from = story.entered.iter().map(|(_, at, _)| *at).min()?;
    let nullified = story.nullified.iter().map(|(_, at)| *at).min();
    let to = nullified.unwrap_or(history.end).max(from);
    let lanes: Vec<Lane> =
        story.leader.map_or_else(Vec::new, |number| history.lanes_of(number).collect());
    let leader = story.leader.map_or_else(|| "nobody".to_owned(), |number| format!("n{number}"));
    let found = Inquiry { history, story, view, from, to, leader: leader.clone(), lanes }.find();
    let mut lines = vec![found.sentence];
    lines.extend(reasons(history, story, from));
    if nullified.is_some() {
        let last = lines.last_mut().expect("there is a line");
        *last += &format!(" Nullified at {}, after {}.", clock(to), lasting(to - from));
    }
    Some(Failure {
        view,
        leader: story.leader,
        from,
        to,
        nullified: nullified.is_some(),
        short: found.short,
        leaderless: found.leaderless,
        lines,
    })
}

struct Inquiry<'a> {
    history: &'a History,
    story: &'a ViewStory,
    view: u64,
    from: u64,
    to: u64,
    leader: String,
    lanes: Vec<Lane>,
}

struct Found {
    short: String,
    sentence: String,
    leaderless: bool,
}

impl Inquiry<'_> {
    fn find(&self) -> Found {
        let leaderless = self.story.proposed.is_empty();
        let (leader, view) = (&self.leader, self.view);
        if leaderless && let Some(found) = self.absent() {
            return found;
        }
        if let Some(liar) = self.liar() {
            let sentence = if leaderless {
                format!("view {view}, leader {leader}: no proposal. {leader} lies ({liar}).")
            } else {
                format!("view {view}, leader {leader}, which lies ({liar}): {}", self.proposal())
            };
            return Found { short: format!("{leader} lies ({liar})"), sentence, leaderless };
        }
        if leaderless {
            let (short, why) = self.silent();
            let sentence = format!("view {view}, leader {leader}: no proposal. {why}");
            return Found { short, sentence, leaderless };
        }
        let short = match self.network() {
            Some(band) => format!("no quorum for {leader}'s block ({})", verb(self.history, band)),
            None => format!("no quorum for {leader}'s block"),
        };
        let sentence = format!("view {view}, leader {leader}: {}", self.proposal());
        Found { short, sentence, leaderless }
    }

    /// The leader was down or stood still.
    fn absent(&self) -> Option<Found> {
        let (leader, view) = (&self.leader, self.view);
        // It may go down a little later, and still owe a proposal.
        let middle = self.from + (self.to - self.from) / 2;
        let first = *self.lanes.first()?;
        let (waited, states) = [self.from, middle].into_iter().find_map(|at| {
            let states = self.lanes.iter().map(|lane| self.history.state(*lane, at));
            let states: Vec<State> = states.collect();
            (!states.contains(&State::Up)).then_some((at, states))
        })?;
        let sort = if states.contains(&State::Down) { NoteSort::Down } else { NoteSort::Pause };
        let mut notes = self.history.notes.iter().filter(|note| note.at <= waited);
        let note = notes.rfind(|note| note.sort == sort && self.lanes.contains(&note.lane));
        let Some(note) = note else {
            let sentence = format!("view {view}, leader {leader}: it had not started yet.");
            let short = format!("{leader} not started");
            return Some(Found { short, sentence, leaderless: true });
        };
        let by = faults_on(self.history, first, note.at, note.at)
            .find(|band| band.lanes.contains(&first))
            .map_or(String::new(), |band| format!(" by {}", fault_words(self.history, band)));
        let back = self.history.lanes[usize::from(first)].states.iter();
        let back = back
            .filter(|stretch| stretch.from > note.at)
            .find(|stretch| stretch.state == State::Up);
        let back = back.map_or_else(
            || ", and does not come back".to_owned(),
            |stretch| format!(", back at {}", clock(stretch.from)),
        );
        let sentence = format!(
            "view {view}, leader {leader}: no proposal. It is {} since {}{by}{back}.",
            if sort == NoteSort::Down {
                format!("down ({})", note.words)
            } else {
                note.words.clone()
            },
            clock(note.at),
        );
        Some(Found { short: format!("{leader} {}", note.words), sentence, leaderless: true })
    }

    fn liar(&self) -> Option<String> {
        let number = self.story.leader?;
        let liars = self.history.head.byzantine.iter().filter(|liar| liar.number == number);
        let ways: Vec<&str> = liars.map(|liar| liar.behaviour.as_str()).collect();
        match ways.as_slice() {
            [] => None,
            [one] => Some((*one).to_owned()),
            many => Some(format!("in {} ways", many.len())),
        }
    }

    /// A leader that runs, and is not known to lie, and yet sent nothing.
    fn silent(&self) -> (String, String) {
        let leader = &self.leader;
        let own = |lane: &Lane| self.lanes.contains(lane);
        let entered = self.story.entered.iter().find(|(lane, ..)| own(lane));
        let faults: Vec<String> = self
            .lanes
            .iter()
            .flat_map(|lane| faults_on(self.history, *lane, self.from, self.to))
            .map(|band| fault_words(self.history, band))
            .collect();
        let faults =
            if faults.is_empty() { String::new() } else { format!(" ({})", faults.join("; ")) };
        let named = self.network().map(|band| verb(self.history, band));
        let cut = named.map_or(String::new(), |verb| format!(" ({verb})"));
        match entered {
            Some((_, at, _)) if *at <= self.to => (
                format!("{leader} silent{cut}"),
                format!("It was in the view from {} and sent none{faults}.", clock(*at)),
            ),
            _ => {
                let stays =
                    self.lanes.first().map(|lane| &self.history.lanes[usize::from(*lane)].stays);
                let was = stays.and_then(|stays| stays.iter().rev().find(|(at, _)| *at <= self.to));
                let was =
                    was.map_or_else(|| "in none".to_owned(), |(_, view)| format!("in view {view}"));
                let short = if cut.is_empty() {
                    format!("{leader} behind")
                } else {
                    format!("{leader} cut off{cut}")
                };
                (short, format!("It had not come so far and was {was}{faults}."))
            }
        }
    }

    fn network(&self) -> Option<&Band> {
        let lane = *self.lanes.first()?;
        let bands = faults_on(self.history, lane, self.from, self.to);
        let bands = bands.filter(|band| hinders(self.history, band));
        bands.max_by_key(|band| (band.lanes.contains(&lane), band.from))
    }

    /// What became of a proposal that was made.
    fn proposal(&self) -> String {
        let (history, story) = (self.history, self.story);
        let gave_up = |lane: Lane| {
            let given_up = story.given_up.iter().find(|(other, ..)| *other == lane);
            given_up.map_or(self.to, |(_, at, _)| *at)
        };
        let last = story.given_up.iter().map(|(_, at, _)| *at).max().unwrap_or(0).max(self.to);
        let mail = Mail::of(history, self.view, last);
        let mut text = match story.proposed.first() {
            Some((_, at, height, _)) => format!("it proposed height {height} at {}", clock(*at)),
            None => "nobody saw it propose".to_owned(),
        };
        let missed = mail.proposal_misses(story.leader.unwrap_or(u32::MAX), gave_up);
        if missed.is_empty() {
            text += ", in time for everybody.";
        } else {
            text += &format!("; it did not reach {}.", missed.join(", "));
        }
        let waiting = story.given_up.iter().find(|(lane, ..)| {
            story.accepted.iter().any(|(other, _)| other == lane)
                && !history.lies(history.number(*lane))
        });
        if let Some((lane, at, _)) = waiting {
            let (kind, held) = match story.notarized.iter().find(|(other, _)| other == lane) {
                Some(_) => ("finalize", " It was notarized."),
                None => ("notarize", ""),
            };
            let (weight, missing) = mail.votes(kind, *lane, *at);
            let missing = if missing.words.is_empty() {
                String::new()
            } else {
                format!(", without {}", missing.words.join(", "))
            };
            text += &format!(
                "{held} {} had {kind} votes of weight {weight} where {} is a quorum{missing}.",
                history.name(*lane),
                history.quorum(),
            );
        }
        text
    }
}

/// The verb of a fault.
pub(super) fn verb(history: &History, band: &Band) -> String {
    let place = usize::try_from(band.fault).unwrap_or(usize::MAX);
    history.head.faults.get(place).map_or_else(String::new, |head| head.verb.clone())
}

/// Who gave up and why, one sentence.
fn reasons(history: &History, story: &ViewStory, from: u64) -> Option<String> {
    let mut groups: Vec<(&str, Vec<Lane>, u64, u64)> = Vec::new();
    for (lane, at, reason) in &story.given_up {
        let waited = at.saturating_sub(from);
        match groups.iter_mut().find(|(known, ..)| known == reason) {
            Some((_, lanes, _, last)) => {
                lanes.push(*lane);
                *last = (*last).max(waited);
            }
            None => groups.push((reason, vec![*lane], waited, waited)),
        }
    }
    let words: Vec<String> = groups
        .iter()
        .map(|(reason, lanes, first, last)| {
            let when = match (lasting(*first), lasting(*last)) {
                (first, last) if first == last => format!("after {first}"),
                (first, last) => format!("after {first} to {last}"),
            };
            format!("{} gave up {when} ({reason})", names(history, lanes))
        })
        .collect();
    (!words.is_empty()).then(|| format!("  {}.", words.join("; ")))
}
