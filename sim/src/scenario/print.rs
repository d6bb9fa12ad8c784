//! A scenario as the text of a file, leaving out whatever is as it would be without being said.
//!
//! Parsing the text gives the same scenario back. Equal scenarios have equal texts, so a digest of
//! the text is a name for what a scenario means, comments and order of keys aside.

use std::fmt::Write as _;

use quorate_core::{
    config::Parameters,
    digest::{Domain, Hasher},
    time::Span,
    types::Digest,
};

use super::{
    byzantine::{Behaviour, ByzantineSpec, MessageKind, Mutation, Split, When},
    condition::{CrashPoint, End, NodeName, Selector, Trigger, Until},
    fault::{ClockReading, DiskOp, Fault, InFlight, Links, Partition, Targets, Verb},
    model::{
        Check, Cluster, Codec, Crypto, Disk, Execution, Expect, LinkModel, Order, Outcome, Pattern,
        Run, Scenario, StakePlan, Workload,
    },
    quantity::{Distribution, SignedSpan},
    scalar::span_text,
};

impl Scenario {
    /// The scenario as the text of a file.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut text = Text::default();
        text.line(format!("format = 1\nname = {}", quoted(&self.name)));
        if !self.about.is_empty() {
            text.line(format!("about = {}", quoted(&self.about)));
        }
        self.ambient(&mut text);
        for (place, fault) in (0..).zip(&self.faults) {
            text.open("[[fault]]");
            print_fault(fault, &mut text);
            print_draw(fault.draw, place, &mut text);
        }
        for (place, spec) in (0..).zip(&self.byzantine) {
            text.open("[[byzantine]]");
            print_byzantine(spec, &mut text);
            print_draw(spec.draw, place, &mut text);
        }
        if let Some(liveness) = &self.liveness {
            text.open("[liveness]");
            text.key("gst", span(liveness.gst));
            text.key("bound", span(liveness.bound));
            if let Some(after) = &liveness.after {
                let keys = link_keys(after, &self.network.model);
                text.key("after", format!("{{ {} }}", keys.join(", ")));
            }
        }
        text.section("[check]", check_keys(&self.check));
        text.section("[expect]", expect_keys(&self.expect));
        text.0
    }

    /// Commits to what the scenario means: comments and order of keys do not count.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Hasher::new(Domain::Trace).bytes(self.to_toml().as_bytes()).finish()
    }

    fn ambient(&self, text: &mut Text) {
        text.section("[run]", run_keys(&self.run));
        text.section("[cluster]", cluster_keys(&self.cluster));
        text.section("[protocol]", protocol_keys(&self.protocol));
        text.section("[network]", link_keys(&self.network.model, &LinkModel::default()));
        for link in &self.network.links {
            text.open("[[network.link]]");
            text.key("from", names(&link.from));
            text.key("to", names(&link.to));
            for key in link_keys(&link.model, &self.network.model) {
                text.line(key);
            }
        }
        let mut clock = Vec::new();
        if self.clock.skew_max != Span::ZERO {
            clock.push(format!("skew = {{ max = {} }}", span(self.clock.skew_max)));
        }
        if self.clock.drift_max_ppm != 0 {
            clock.push(format!("drift = {{ max_ppm = {} }}", self.clock.drift_max_ppm));
        }
        text.section("[clock]", clock);
        text.section("[disk]", disk_keys(&self.disk));
        let mut jobs = Vec::new();
        differing(
            &mut jobs,
            "delay",
            &self.jobs.delay,
            &super::Jobs::default().delay,
            distribution,
        );
        text.section("[jobs]", jobs);
        let mut execution = Vec::new();
        let base = Execution::default();
        differing(&mut execution, "order", &self.execution.order, &base.order, |order| {
            quoted(match order {
                Order::Mixed => "mixed",
                Order::Sequential => "sequential",
                Order::Waves => "waves",
                Order::Shuffled => "shuffled",
            })
        });
        differing(
            &mut execution,
            "test_mode",
            &self.execution.test_mode,
            &base.test_mode,
            bool::to_string,
        );
        text.section("[execution]", execution);
        text.section("[workload]", workload_keys(&self.workload));
    }
}

/// The text so far.
#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, line: impl AsRef<str>) {
        self.0.push_str(line.as_ref());
        self.0.push('\n');
    }

    fn open(&mut self, header: &str) {
        self.0.push('\n');
        self.line(header);
    }

    fn key(&mut self, key: &str, value: impl std::fmt::Display) {
        self.line(format!("{key} = {value}"));
    }

    fn section(&mut self, header: &str, keys: Vec<String>) {
        if !keys.is_empty() {
            self.open(header);
            for key in keys {
                self.line(key);
            }
        }
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn span(span: Span) -> String {
    quoted(&span_text(span))
}

pub(super) fn milli(value: u32) -> String {
    format!("{}.{:03}", value / 1_000, value % 1_000)
}

fn distribution(value: &Distribution) -> String {
    match *value {
        Distribution::Constant(value) => span(value),
        Distribution::Uniform { min, max } => {
            format!("{{ dist = \"uniform\", min = {}, max = {} }}", span(min), span(max))
        }
        Distribution::Normal { mean, std, min, cap } => format!(
            "{{ dist = \"normal\", mean = {}, std = {}, min = {}, cap = {} }}",
            span(mean),
            span(std),
            span(min),
            span(cap)
        ),
        Distribution::Exponential { min, mean, cap } => format!(
            "{{ dist = \"exponential\", min = {}, mean = {}, cap = {} }}",
            span(min),
            span(mean),
            span(cap)
        ),
        Distribution::Pareto { min, shape_milli, cap } => format!(
            "{{ dist = \"pareto\", min = {}, shape = {}, cap = {} }}",
            span(min),
            milli(shape_milli),
            span(cap)
        ),
    }
}

fn names(names: &[NodeName]) -> String {
    let names: Vec<String> = names.iter().map(|name| quoted(&name.to_string())).collect();
    format!("[{}]", names.join(", "))
}

fn selector(value: &Selector) -> String {
    match value {
        Selector::Nodes(list) => match list.as_slice() {
            [one] => quoted(&one.to_string()),
            list => names(list),
        },
        word => quoted(&word.to_string()),
    }
}

/// Adds `key = value` if the value is not the one that is there anyway.
fn differing<T: PartialEq>(
    keys: &mut Vec<String>,
    key: &str,
    value: &T,
    base: &T,
    show: impl FnOnce(&T) -> String,
) {
    if value != base {
        keys.push(format!("{key} = {}", show(value)));
    }
}

fn run_keys(run: &Run) -> Vec<String> {
    let base = Run::default();
    let mut keys = Vec::new();
    differing(&mut keys, "seeds", &run.seeds, &base.seeds, |seeds| {
        format!("{{ start = {}, count = {} }}", seeds.start, seeds.count)
    });
    differing(&mut keys, "max_time", &run.max_time, &base.max_time, |value| span(*value));
    if let Some(height) = run.stop_at_height {
        keys.push(format!("stop_at_height = {height}"));
    }
    differing(&mut keys, "reserialize", &run.reserialize, &base.reserialize, ToString::to_string);
    differing(
        &mut keys,
        "checkpoint_interval",
        &run.checkpoint_interval,
        &base.checkpoint_interval,
        |value| span(*value),
    );
    differing(&mut keys, "heights_kept", &run.heights_kept, &base.heights_kept, u32::to_string);
    keys
}

fn cluster_keys(cluster: &Cluster) -> Vec<String> {
    let base = Cluster::default();
    let mut keys = vec![format!("validators = {}", cluster.validators)];
    differing(&mut keys, "stake", &cluster.stake, &base.stake, |stake| match stake {
        StakePlan::Equal => quoted("equal"),
        StakePlan::Skewed => quoted("skewed"),
        StakePlan::List(list) => format!("{list:?}"),
    });
    differing(&mut keys, "crypto", &cluster.crypto, &base.crypto, |crypto| {
        quoted(match crypto {
            Crypto::Real => "real",
            Crypto::Mock => "mock",
        })
    });
    differing(&mut keys, "codec", &cluster.codec, &base.codec, |codec| {
        quoted(match codec {
            Codec::Memory => "memory",
            Codec::Wire => "wire",
        })
    });
    keys
}

fn protocol_keys(parameters: &Parameters) -> Vec<String> {
    let base = Parameters::default();
    let mut keys = Vec::new();
    let spans = |p: &Parameters| {
        [
            ("delay_min", p.delay_min),
            ("delay_max", p.delay_max),
            ("timeout_max", p.timeout_max),
            ("retry_base", p.retry_base),
            ("status_interval", p.status_interval),
            ("skip_after", p.skip_after),
            ("idle_block_interval", p.idle_block_interval),
            ("timestamp_ahead_max", p.timestamp_ahead_max),
        ]
    };
    for ((key, value), (_, default)) in spans(parameters).iter().zip(spans(&base)) {
        differing(&mut keys, key, value, &default, |value| span(*value));
    }
    let numbers = |p: &Parameters| {
        [
            ("payload_bytes_max", u64::from(p.payload_bytes_max)),
            ("transactions_max", u64::from(p.transactions_max)),
            ("mempool_bytes_max", p.mempool_bytes_max),
            ("mempool_transactions_max", p.mempool_transactions_max),
            ("checkpoint_interval", p.checkpoint_interval.get()),
        ]
    };
    for ((key, value), (_, default)) in numbers(parameters).iter().zip(numbers(&base)) {
        differing(&mut keys, key, value, &default, u64::to_string);
    }
    keys
}

fn link_keys(model: &LinkModel, base: &LinkModel) -> Vec<String> {
    let mut keys = Vec::new();
    differing(&mut keys, "delay", &model.delay, &base.delay, distribution);
    differing(&mut keys, "drop", &model.drop, &base.drop, ToString::to_string);
    differing(&mut keys, "duplicate", &model.duplicate, &base.duplicate, ToString::to_string);
    differing(&mut keys, "reorder", &model.reorder, &base.reorder, ToString::to_string);
    differing(&mut keys, "corrupt", &model.corrupt, &base.corrupt, ToString::to_string);
    if let Some(bandwidth) = model.bandwidth.filter(|_| model.bandwidth != base.bandwidth) {
        keys.push(format!("bandwidth = {bandwidth}"));
    }
    keys
}

fn disk_keys(disk: &Disk) -> Vec<String> {
    let base = Disk::default();
    let mut keys = Vec::new();
    differing(&mut keys, "fsync", &disk.fsync, &base.fsync, distribution);
    differing(
        &mut keys,
        "lost_unsynced",
        &disk.lost_unsynced,
        &base.lost_unsynced,
        ToString::to_string,
    );
    differing(&mut keys, "torn_write", &disk.torn_write, &base.torn_write, |torn| {
        format!("{{ p = {}, sector = {} }}", torn.p, torn.sector)
    });
    differing(&mut keys, "bitrot", &disk.bitrot, &base.bitrot, ToString::to_string);
    differing(
        &mut keys,
        "misdirected_write",
        &disk.misdirected_write,
        &base.misdirected_write,
        ToString::to_string,
    );
    differing(&mut keys, "io_error", &disk.io_error, &base.io_error, |errors| {
        format!("{{ p = {}, ops = {} }}", errors.p, ops(&errors.ops))
    });
    differing(&mut keys, "atlas", &disk.atlas, &base.atlas, bool::to_string);
    keys
}

fn ops(ops: &[DiskOp]) -> String {
    let words: Vec<String> = ops
        .iter()
        .map(|op| {
            quoted(match op {
                DiskOp::Write => "write",
                DiskOp::Sync => "sync",
                DiskOp::Read => "read",
            })
        })
        .collect();
    format!("[{}]", words.join(", "))
}

fn workload_keys(workload: &Workload) -> Vec<String> {
    let base = Workload::default();
    let mut keys = Vec::new();
    let number = u32::to_string;
    differing(&mut keys, "tx_per_second", &workload.tx_per_second, &base.tx_per_second, number);
    differing(&mut keys, "accounts", &workload.accounts, &base.accounts, number);
    differing(&mut keys, "hot_accounts", &workload.hot_accounts, &base.hot_accounts, number);
    differing(&mut keys, "mix", &workload.mix, &base.mix, |mix| {
        let shares = Pattern::ALL.into_iter().zip(mix.shares).filter(|(_, share)| *share > 0);
        let shares: Vec<String> =
            shares.map(|(pattern, share)| format!("{} = {share}", pattern.name())).collect();
        format!("{{ {} }}", shares.join(", "))
    });
    differing(&mut keys, "invalid", &workload.invalid, &base.invalid, ToString::to_string);
    differing(&mut keys, "resubmit", &workload.resubmit, &base.resubmit, ToString::to_string);
    differing(&mut keys, "start", &workload.start, &base.start, |value| span(*value));
    if let Some(stop) = workload.stop {
        keys.push(format!("stop = {}", span(stop)));
    }
    keys
}

fn check_keys(check: &Check) -> Vec<String> {
    let base = Check::default();
    let mut keys = Vec::new();
    differing(&mut keys, "invariants", &check.invariants, &base.invariants, |invariants| {
        let words: Vec<String> =
            invariants.iter().map(|invariant| quoted(invariant.name())).collect();
        format!("[{}]", words.join(", "))
    });
    differing(&mut keys, "memory", &check.memory, &base.memory, |memory| {
        format!(
            "{{ pending_messages_max = {}, votes_max = {} }}",
            memory.pending_messages_max, memory.votes_max
        )
    });
    keys
}

fn expect_keys(expect: &Expect) -> Vec<String> {
    let mut keys = Vec::new();
    match expect.outcome {
        Outcome::Pass => {}
        Outcome::Stall => keys.push("outcome = \"stall\"".to_owned()),
        Outcome::Violation(invariant) => {
            keys.push(format!("outcome = \"violation:{}\"", invariant.name()));
        }
    }
    if !expect.sometimes.is_empty() {
        let marks: Vec<String> = expect.sometimes.iter().map(|mark| quoted(mark.name())).collect();
        keys.push(format!("sometimes = [{}]", marks.join(", ")));
    }
    if let Some(height) = expect.finalized_min {
        keys.push(format!("finalized_min = {height}"));
    }
    if let Some(culprits) = expect.culprits_min {
        keys.push(format!("culprits_min = {culprits}"));
    }
    keys
}

fn print_fault(fault: &Fault, text: &mut Text) {
    text.key("kind", quoted(fault.verb.name()));
    print_verb(&fault.verb, text);
    let node_key = |node: &Option<NodeName>| {
        node.as_ref().map(|node| format!(", node = \"{node}\"")).unwrap_or_default()
    };
    match &fault.start {
        Trigger::Time(at) => text.key("at", span(*at)),
        Trigger::Height { height, node } => {
            text.key("at", format!("{{ height = {height}{} }}", node_key(node)));
        }
        Trigger::View { view, node } => {
            text.key("at", format!("{{ view = {view}{} }}", node_key(node)));
        }
        Trigger::Point { point, proposal_only, node, nth } => text.key(
            "at",
            format!(
                "{{ point = \"{}\"{}, nth = {nth} }}",
                point_text(*point, *proposal_only),
                node_key(node)
            ),
        ),
    }
    match fault.end {
        End::Gst => {}
        End::For(lasting) => text.key("for", span(lasting)),
        End::Until(Until::Time(at)) => text.key("until", span(at)),
        End::Until(Until::Height(height)) => {
            text.key("until", format!("{{ height = {height} }}"));
        }
        End::Until(Until::ViewChanges(count)) => {
            text.key("until", format!("{{ view_changes = {count} }}"));
        }
    }
    if fault.repeat != 1 {
        text.key("repeat", fault.repeat);
    }
    if !fault.must_fire {
        text.key("must_fire", false);
    }
}

/// What draws are keyed by, unless it is the place in the file.
fn print_draw(draw: Option<u32>, place: u32, text: &mut Text) {
    if let Some(draw) = draw.filter(|draw| *draw != place) {
        text.key("draw", draw);
    }
}

/// The name of a crash point in a file.
fn point_text(point: CrashPoint, proposal_only: bool) -> String {
    format!("{}.{}", if proposal_only { "proposal" } else { "vote" }, point.name())
}

fn print_targets(targets: &Targets, text: &mut Text) {
    text.key("node", selector(&targets.nodes));
    if let Some(from) = &targets.from {
        text.key("among", selector(from));
    }
}

fn print_links(links: &Links, text: &mut Text) {
    match links {
        Links::All => {}
        Links::Touching(targets) => print_targets(targets, text),
        Links::Directed { from, to } => {
            text.key("from", selector(from));
            text.key("to", selector(to));
        }
    }
}

fn print_in_flight(in_flight: InFlight, text: &mut Text) {
    if in_flight == InFlight::Drop {
        text.key("in_flight", quoted("drop"));
    }
}

fn signed(by: SignedSpan) -> String {
    quoted(&format!("{}{}", if by.back { "-" } else { "" }, span_text(by.by)))
}

fn print_verb(verb: &Verb, text: &mut Text) {
    match verb {
        Verb::Heal => {}
        Verb::Drop { links, p } | Verb::Duplicate { links, p } | Verb::Corrupt { links, p } => {
            print_links(links, text);
            text.key("p", p);
        }
        Verb::Delay { links, delay } => {
            print_links(links, text);
            text.key("delay", distribution(delay));
        }
        Verb::Reorder { links, p, by } => {
            print_links(links, text);
            text.key("p", p);
            text.key("by", distribution(by));
        }
        Verb::Bandwidth { links, bytes_per_second } => {
            print_links(links, text);
            text.key("bytes_per_second", bytes_per_second);
        }
        Verb::Clog { links } => print_links(links, text),
        Verb::Partition { shape, in_flight } => {
            print_partition(shape, text);
            print_in_flight(*in_flight, text);
        }
        Verb::Isolate { targets, in_flight } => {
            print_targets(targets, text);
            print_in_flight(*in_flight, text);
        }
        Verb::Kill { targets, restart_after }
        | Verb::Stop { targets, restart_after }
        | Verb::Reformat { targets, restart_after } => {
            print_targets(targets, text);
            if let Some(after) = restart_after {
                text.key("restart_after", span(*after));
            }
        }
        Verb::SwizzleClog { targets }
        | Verb::Restart { targets }
        | Verb::Pause { targets }
        | Verb::Resume { targets }
        | Verb::Diverge { targets }
        | Verb::Freeze { targets }
        | Verb::Full { targets } => print_targets(targets, text),
        Verb::CrashLoop { targets, up, down } => {
            print_targets(targets, text);
            text.key("up", distribution(up));
            text.key("down", distribution(down));
        }
        Verb::Slow { targets, factor_milli } => {
            print_targets(targets, text);
            text.key("factor", milli(*factor_milli));
        }
        Verb::Upgrade { targets, version } => {
            print_targets(targets, text);
            text.key("version", quoted(version));
        }
        Verb::Skew { targets, by } => {
            print_targets(targets, text);
            text.key("by", signed(*by));
        }
        Verb::Drift { targets, ppm } => {
            print_targets(targets, text);
            text.key("ppm", ppm);
        }
        Verb::Jump { targets, by, clock } => {
            print_targets(targets, text);
            text.key("by", signed(*by));
            match clock {
                ClockReading::Wall => {}
                ClockReading::Monotonic => text.key("clock", quoted("monotonic")),
                ClockReading::Both => text.key("clock", quoted("both")),
            }
        }
        Verb::Strobe { targets, amplitude, period } => {
            print_targets(targets, text);
            text.key("amplitude", span(*amplitude));
            text.key("period", span(*period));
        }
        Verb::LostUnsynced { targets, p }
        | Verb::Bitrot { targets, p }
        | Verb::MisdirectedWrite { targets, p }
        | Verb::FsyncLie { targets, p } => {
            print_targets(targets, text);
            text.key("p", p);
        }
        Verb::TornWrite { targets, p, sector } => {
            print_targets(targets, text);
            text.key("p", p);
            text.key("sector", sector);
        }
        Verb::IoError { targets, p, ops: list } => {
            print_targets(targets, text);
            text.key("p", p);
            text.key("ops", ops(list));
        }
        Verb::Latency { targets, fsync } => {
            print_targets(targets, text);
            text.key("fsync", distribution(fsync));
        }
    }
}

fn print_partition(shape: &Partition, text: &mut Text) {
    match shape {
        Partition::Groups(groups) => {
            let groups: Vec<String> = groups.iter().map(|group| names(group)).collect();
            text.key("groups", format!("[{}]", groups.join(", ")));
        }
        Partition::Split(targets) => print_targets(targets, text),
        Partition::OneWay { from, to } => {
            text.key("mode", quoted("one_way"));
            text.key("from", selector(from));
            text.key("to", selector(to));
        }
        Partition::Bridge(targets) => {
            text.key("mode", quoted("bridge"));
            print_targets(targets, text);
        }
        Partition::Ring { reach } => {
            text.key("mode", quoted("ring"));
            text.key("reach", reach);
        }
    }
}

fn print_byzantine(spec: &ByzantineSpec, text: &mut Text) {
    text.key("kind", quoted(spec.behaviour.name()));
    text.key("node", selector(&spec.nodes));
    match &spec.behaviour {
        Behaviour::EquivocateProposal { split } | Behaviour::EquivocateVote { split } => {
            if let Split::Groups(first, second) = split {
                text.key("split", format!("[{}, {}]", names(first), names(second)));
            }
        }
        Behaviour::Withhold { kinds } => {
            let words: Vec<String> = kinds
                .iter()
                .filter_map(|kind| MessageKind::ALL.iter().find(|(known, _)| known == kind))
                .map(|(_, word)| quoted(word))
                .collect();
            text.key("messages", format!("[{}]", words.join(", ")));
        }
        Behaviour::SilentTo { to } => text.key("to", selector(to)),
        Behaviour::DelayProposal { by } => text.key("by", distribution(by)),
        Behaviour::Flood { messages_per_second } => {
            text.key("messages_per_second", messages_per_second);
        }
        Behaviour::Mutate { scope: Mutation::Small } => text.key("scope", quoted("small")),
        Behaviour::Mutate { scope: Mutation::Any }
        | Behaviour::Twin
        | Behaviour::Garbage
        | Behaviour::BadSignature
        | Behaviour::ConflictingCertificate
        | Behaviour::ReplayStale
        | Behaviour::Amnesia
        | Behaviour::InvalidBlock
        | Behaviour::Unpayable
        | Behaviour::WrongStateRoot
        | Behaviour::LieInSync
        | Behaviour::Forge
        | Behaviour::SkipParent
        | Behaviour::Steal => {}
    }
    match &spec.when {
        When::Always => {}
        When::Random(p) => text.key("when", format!("{{ mode = \"random\", p = {p} }}")),
        When::AtHeights(heights) => {
            text.key(
                "when",
                format!("{{ mode = \"at_heights\", heights = {} }}", counted(heights)),
            );
        }
        When::AtViews(views) => {
            text.key("when", format!("{{ mode = \"at_views\", views = {} }}", counted(views)));
        }
    }
    if spec.after != Span::ZERO {
        text.key("after", span(spec.after));
    }
}

fn counted<T: ToString>(list: &[T]) -> String {
    let numbers: Vec<String> = list.iter().map(ToString::to_string).collect();
    format!("[{}]", numbers.join(", "))
}
