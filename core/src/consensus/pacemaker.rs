//! How long to wait: the adaptive delay, the two timers of a view and the standstill (P40-P45).
//!
//! Knows nothing of votes or blocks. Every deadline is a plain value that is polled, so no timer can
//! leak or fire twice.

use std::collections::VecDeque;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    config::Parameters,
    planted::planted,
    random::Rng,
    time::{Instant, Span},
};

/// Finalized views the adaptive delay looks back on.
const SAMPLES: usize = 64;

/// The standstill pause never grows beyond this many times its base.
const RETRY_GROWTH_MAX: u64 = 5;

/// Timers and the delay they are derived from.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Pacemaker {
    arrivals: VecDeque<Span>,
    delay: Span,
    /// Until when an acceptable proposal must have come.
    pub(super) leader: Option<Instant>,
    /// Until when a certificate must have come.
    pub(super) advance: Option<Instant>,
    /// When a leader without transactions proposes all the same.
    pub(super) propose: Option<Instant>,
    /// When a block from the future may be voted for.
    pub(super) timestamp: Option<Instant>,
    /// When to say everything again.
    pub(super) retry: Option<Instant>,
    retry_pause: Span,
}

impl Pacemaker {
    /// A pacemaker that has measured nothing.
    pub(super) fn new(parameters: &Parameters) -> Self {
        Self {
            arrivals: VecDeque::new(),
            delay: parameters.delay_max,
            leader: None,
            advance: None,
            propose: None,
            timestamp: None,
            retry: None,
            retry_pause: parameters.retry_base,
        }
    }

    /// Learns how long after entering a finalized view its proposal arrived (P40).
    ///
    /// D = twice the 95th percentile of the last 64, clamped; its maximum until 64 are known.
    pub(super) fn on_arrival(&mut self, arrival: Span, parameters: &Parameters) {
        if self.arrivals.len() == SAMPLES {
            self.arrivals.pop_front();
        }
        self.arrivals.push_back(arrival);
        if self.arrivals.len() < SAMPLES {
            return;
        }
        let mut sorted: Vec<Span> = self.arrivals.iter().copied().collect();
        sorted.sort_unstable();
        let high = sorted[SAMPLES * 95 / 100];
        self.delay = high.times(2).clamp(parameters.delay_min, parameters.delay_max);
    }

    /// Arms both timers on entering a view (P41).
    ///
    /// `unfinalized` counts views since the last finalization beyond the allowed slack: each makes
    /// both timers longer by a fifth, up to the ceiling. Growth follows finality, not progress, or
    /// timers too short for the network would never grow (Simplex in TON, rule 6).
    pub(super) fn arm(
        &mut self,
        now: Instant,
        unfinalized: u64,
        skip: bool,
        parameters: &Parameters,
    ) -> Span {
        let wait = if skip { Span::ZERO } else { self.leader_timeout(unfinalized, parameters) };
        let whole = if skip { Span::ZERO } else { self.grown(3, unfinalized, parameters) };
        self.leader = Some(now.plus(wait));
        self.advance = Some(now.plus(whole));
        self.propose = None;
        self.timestamp = None;
        self.retry = None;
        self.retry_pause = parameters.retry_base;
        wait
    }

    /// Brings running timers of a view forward to what arming them at `entered` would give now (P41).
    pub(super) fn shorten(&mut self, entered: Instant, unfinalized: u64, parameters: &Parameters) {
        let wait = entered.plus(self.leader_timeout(unfinalized, parameters));
        let whole = entered.plus(self.grown(3, unfinalized, parameters));
        self.leader = self.leader.map(|due| due.min(wait));
        self.advance = self.advance.map(|due| due.min(whole));
    }

    /// T_leader = 2D, grown.
    pub(super) fn leader_timeout(&self, unfinalized: u64, parameters: &Parameters) -> Span {
        self.grown(2, unfinalized, parameters)
    }

    fn grown(&self, delays: u64, unfinalized: u64, parameters: &Parameters) -> Span {
        let mut span = self.delay.times(delays);
        for _ in 0..unfinalized {
            if span >= parameters.timeout_max || planted!(TimeoutNeverGrows) {
                break;
            }
            span = span.scaled(6, 5);
        }
        span.min(parameters.timeout_max)
    }

    /// Arms the standstill timer, unless it is running (P44).
    pub(super) fn arm_retry(&mut self, now: Instant, rng: &mut Rng) {
        if self.retry.is_none() {
            self.retry = Some(now.plus(rng.jittered(self.retry_pause, 20)));
        }
    }

    /// Arms it again, half as long again (P45).
    pub(super) fn rearm_retry(&mut self, now: Instant, rng: &mut Rng, parameters: &Parameters) {
        let most = parameters.retry_base.times(RETRY_GROWTH_MAX);
        self.retry_pause = self.retry_pause.scaled(3, 2).min(most);
        self.retry = Some(now.plus(rng.jittered(self.retry_pause, 20)));
    }

    /// The delay all waiting is derived from, D.
    pub(super) fn delay(&self) -> Span {
        self.delay
    }
}
