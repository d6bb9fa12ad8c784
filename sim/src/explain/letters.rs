//! Which votes and proposals of one view reached whom, and what became of the others.

use std::collections::BTreeMap;

use super::{clock, names};
use crate::history::{Crossing, Fate, History, Lane, Letter, State};

/// The proposals and votes of a view on their way.
pub(super) struct Mail<'a> {
    history: &'a History,
    crossings: Vec<(&'a Letter, &'a Crossing)>,
}

/// Votes that somebody lacked.
pub(super) struct Lacking {
    /// Whose.
    pub lanes: Vec<Lane>,
    /// Whose, and what kept them.
    pub words: Vec<String>,
}

/// What became of a vote that was missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Missing {
    Down,
    Paused,
    Unsent,
    Lost(&'static str),
    Late(u64),
    Flying,
}

impl<'a> Mail<'a> {
    /// Of one view, as far as it matters for what was over at `until`.
    pub(super) fn of(history: &'a History, view: u64, until: u64) -> Self {
        let letter =
            |crossing: &Crossing| &history.letters[usize::try_from(crossing.letter).unwrap_or(0)];
        // Nobody votes in a view before it was entered, and crossings are sorted by departure.
        let since = history.views.get(&view).and_then(|story| story.entered.first());
        let since = since.map_or(0, |(_, at, _)| *at);
        let first = history.crossings.partition_point(|crossing| crossing.sent < since);
        let crossings = history.crossings[first..]
            .iter()
            .take_while(|crossing| crossing.sent <= until)
            .map(|crossing| (letter(crossing), crossing))
            .filter(|(letter, _)| letter.view == view)
            .collect();
        Self { history, crossings }
    }

    fn kind<'b>(&'b self, kind: &'b str) -> impl Iterator<Item = (&'b Letter, &'b Crossing)> {
        self.crossings.iter().copied().filter(move |(letter, _)| self.history.kind(letter) == kind)
    }

    /// Whom the proposal reached before `until`, and whom not, in words; empty if it reached all.
    pub(super) fn proposal_misses(&self, leader: u32, until: impl Fn(Lane) -> u64) -> Vec<String> {
        let mut groups: BTreeMap<Missing, Vec<Lane>> = BTreeMap::new();
        for lane in (0u16..).take(self.history.head.nodes.len()) {
            if self.history.number(lane) == leader {
                continue;
            }
            let to_lane = self.kind("proposal").filter(|(_, crossing)| crossing.to == lane);
            let crossings: Vec<&Crossing> = to_lane.map(|(_, crossing)| crossing).collect();
            if let Some(missing) = self.missing(&crossings, lane, until(lane)) {
                groups.entry(missing).or_default().push(lane);
            }
        }
        self.words(groups)
    }

    /// How much weight of votes of a kind `lane` had by `until`, its own included, and what it lacked.
    pub(super) fn votes(&self, kind: &str, lane: Lane, until: u64) -> (u64, Lacking) {
        let own = self.history.number(lane);
        let mut weight = 0;
        let mut groups: BTreeMap<Missing, Vec<Lane>> = BTreeMap::new();
        for other in (0u16..).take(self.history.head.weights.len()) {
            let number = self.history.number(other);
            // A proposal carries its leader's own vote.
            let mine = |letter: &Letter| self.history.number(letter.from) == number;
            let votes = self.kind(kind).chain(self.kind("proposal").filter(|_| kind == "notarize"));
            let all: Vec<(&Letter, &Crossing)> = votes.filter(|(letter, _)| mine(letter)).collect();
            if number == own {
                // One that is alone sends its vote to nobody.
                let is_alone = self.history.head.nodes.len() == 1;
                if is_alone || all.iter().any(|(_, crossing)| crossing.sent <= until) {
                    weight += self.history.weight(number);
                } else {
                    groups.entry(Missing::Unsent).or_default().push(other);
                }
                continue;
            }
            let here = all.iter().filter(|(_, crossing)| crossing.to == lane);
            let here: Vec<&Crossing> = here.map(|(_, crossing)| *crossing).collect();
            match self.missing(&here, other, until) {
                None => weight += self.history.weight(number),
                Some(missing) => groups.entry(missing).or_default().push(other),
            }
        }
        let lanes = groups.values().flatten().copied().collect();
        (weight, Lacking { lanes, words: self.words(groups) })
    }

    /// What kept a message; `None` if it came in time. `whose` is who is to blame if there is none.
    fn missing(&self, crossings: &[&Crossing], whose: Lane, until: u64) -> Option<Missing> {
        let arrivals = crossings.iter().filter(|crossing| crossing.fate == Fate::Arrived);
        match arrivals.map(|crossing| crossing.ended).min() {
            Some(at) if at <= until => return None,
            Some(at) => return Some(Missing::Late(at)),
            None => {}
        }
        Some(match crossings.first() {
            Some(crossing) if crossing.fate == Fate::Flying => Missing::Flying,
            Some(crossing) => Missing::Lost(crossing.fate.loss()),
            None => match self.history.state(whose, until) {
                State::Down => Missing::Down,
                State::Paused => Missing::Paused,
                State::Up => Missing::Unsent,
            },
        })
    }

    fn words(&self, groups: BTreeMap<Missing, Vec<Lane>>) -> Vec<String> {
        let mut late: Vec<(Lane, u64)> = Vec::new();
        let mut words = Vec::new();
        for (missing, lanes) in groups {
            let who = names(self.history, &lanes);
            match missing {
                Missing::Down => words.push(format!("{who} (down)")),
                Missing::Paused => words.push(format!("{who} (standing still)")),
                Missing::Unsent => words.push(format!("{who} (sent none)")),
                Missing::Lost(why) => words.push(format!("{who} (lost: {why})")),
                Missing::Flying => words.push(format!("{who} (still on its way in the end)")),
                Missing::Late(at) => late.extend(lanes.iter().map(|lane| (*lane, at))),
            }
        }
        if let (Some(first), Some(last)) =
            (late.iter().map(|(_, at)| *at).min(), late.iter().map(|(_, at)| *at).max())
        {
            let lanes: Vec<Lane> = late.iter().map(|(lane, _)| *lane).collect();
            let when = if clock(first) == clock(last) {
                format!("at {}", clock(first))
            } else {
                format!("from {} to {}", clock(first), clock(last))
            };
            words.push(format!("{} (too late, {when})", names(self.history, &lanes)));
        }
        words
    }
}
