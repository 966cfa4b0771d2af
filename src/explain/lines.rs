//! A story cut into lines: the order they are read in, how far each is indented, and where rounds are folded.

use super::fold::{Item, fold};
use super::story::{Call, Deed, Step, Story, Trigger};
use super::words::{self, clock, span};
use crate::kernel::{Dur, Time};
use crate::report::canvas::clean;
use crate::report::number;
use std::collections::BTreeMap;

/// What a line speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// A step.
    Step(usize),
    /// A fault's window begins.
    FaultBegins(usize),
    /// A fault's window ends.
    FaultEnds(usize),
    /// A call that was never answered.
    Unanswered(usize),
}

/// In which order a story is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Each effect after its cause, before the next cause.
    ByCause,
    /// As it happened.
    ByTime,
}

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// Something that happened.
    Said {
        /// What it speaks of.
        node: Node,
        /// When.
        at: Time,
        /// Which tab; none for what has none.
        tab: Option<u32>,
        /// How many causes stand above it.
        depth: usize,
        /// What happened.
        happened: String,
        /// What came of it.
        came: Vec<String>,
    },
    /// Rounds like the one above, left out.
    Rounds {
        /// Indentation, as of the first line of the round.
        depth: usize,
        /// How many.
        more: usize,
        /// The lines of the round above this one.
        lines: usize,
        /// `31 more rounds like this, 350 ms each, until 80.9 s`.
        text: String,
    },
}

/// The lines of a story.
pub fn lines(story: &Story, order: Order) -> Vec<Line> {
    let Ordered { nodes, parents } = ordered(story, order);
    let mut known = BTreeMap::new();
    let signs: Vec<u32> = nodes
        .iter()
        .enumerate()
        .map(|(place, node)| {
            let sign = (sign(story, *node), order == Order::ByTime || parents[place].is_none());
            let next = known.len() as u32;
            *known.entry(sign).or_insert(next)
        })
        .collect();
    let mut writer =
        Writer { story, nodes: &nodes, parents: &parents, shown: vec![0; nodes.len()], lines: Vec::new() };
    writer.write(&fold(&signs));
    writer.lines
}

struct Ordered {
    nodes: Vec<Node>,
    /// Per node, the place of its cause in the same order.
    parents: Vec<Option<usize>>,
}

fn at(story: &Story, node: Node) -> Time {
    match node {
        Node::Step(step) => story.steps[step].at,
        Node::FaultBegins(fault) => Time(story.faults[fault].from.0),
        Node::FaultEnds(fault) => Time(story.faults[fault].to.0),
        Node::Unanswered(_) => story.horizon,
    }
}

fn ordered(story: &Story, order: Order) -> Ordered {
    let told = |step: usize| !story.is_quiet(&story.steps[step]);
    // The nearest cause that is told; a root has none.
    let cause = |step: usize| {
        let mut at = step;
        loop {
            if story.is_root(at) {
                return None;
            }
            at = story.steps[at].cause?;
            if told(at) {
                return Some(at);
            }
        }
    };
    let mut children: BTreeMap<usize, Vec<Node>> = BTreeMap::new();
    let mut roots: Vec<Node> = Vec::new();
    for step in (0..story.steps.len()).filter(|step| told(*step)) {
        match cause(step) {
            Some(cause) if order == Order::ByCause => {
                children.entry(cause).or_default().push(Node::Step(step));
            }
            _ => roots.push(Node::Step(step)),
        }
    }
    for (i, call) in story.calls.iter().enumerate().filter(|(_, call)| call.ended.is_none()) {
        match order {
            Order::ByCause => children.entry(call.by).or_default().push(Node::Unanswered(i)),
            Order::ByTime => roots.push(Node::Unanswered(i)),
        }
    }
    for (i, fault) in story.faults.iter().enumerate() {
        let within = |time: Dur| story.from.0 <= time.0 && time.0 <= story.to.0;
        roots.extend(within(fault.from).then_some(Node::FaultBegins(i)));
        let ends = fault.to > fault.from && fault.to.0 < story.horizon.0;
        roots.extend((ends && within(fault.to)).then_some(Node::FaultEnds(i)));
    }
    // Stable: what happens at one instant keeps its order, but a window opens before what it makes happen.
    roots.sort_by_key(|node| (at(story, *node), matches!(node, Node::Step(_))));
    let mut found = Ordered { nodes: Vec::new(), parents: Vec::new() };
    let mut open: Vec<(Node, Option<usize>)> = roots.into_iter().rev().map(|root| (root, None)).collect();
    while let Some((node, parent)) = open.pop() {
        let place = found.nodes.len();
        found.nodes.push(node);
        found.parents.push(parent);
        if let Node::Step(step) = node
            && let Some(effects) = children.remove(&step)
        {
            open.extend(effects.into_iter().rev().map(|effect| (effect, Some(place))));
        }
    }
    found
}

/// What makes two nodes alike: all but times and counters.
fn sign(story: &Story, node: Node) -> String {
    match node {
        Node::Step(step) => step_sign(story, &story.steps[step]),
        Node::Unanswered(call) => format!("unanswered {}", call_sign(&story.calls[call])),
        other => format!("{other:?}"),
    }
}

fn call_sign(call: &Call) -> String {
    let failure = call.failure.map(|f| (f.status, f.code));
    format!("{:?}", (call.endpoint, call.kind, call.outcome, failure, call.fault, call.limited))
}

fn step_sign(story: &Story, step: &Step) -> String {
    let trigger = match step.trigger {
        Trigger::Answer(call) => call_sign(&story.calls[call]),
        Trigger::Timer(wait) => format!("{:?}", (story.waits[wait].kind, story.waits[wait].caller)),
        other => format!("{other:?}"),
    };
    let deeds = step.deeds.iter().map(|deed| match *deed {
        Deed::Sends(call) => {
            let call = &story.calls[call];
            format!("{:?}", (call.endpoint, call.kind, call.caller))
        }
        Deed::Waits(wait) => format!("{:?}", (story.waits[wait].kind, story.waits[wait].caller)),
        Deed::Judged { failure, verdict } => format!("{:?}", (failure.status, failure.code, verdict)),
        Deed::EnteredFlow { entry, cause, .. } => {
            format!("enters {} {:?}", entry > 0, cause.map(|f| (f.status, f.code)))
        }
        Deed::LeftFlow { levels, end } => format!("leaves {} {end:?}", levels > 1),
        other => format!("{other:?}"),
    });
    format!("{:?} {trigger} {}", step.tab, deeds.collect::<Vec<_>>().join(";"))
}

struct Writer<'a> {
    story: &'a Story,
    nodes: &'a [Node],
    parents: &'a [Option<usize>],
    /// The indentation each node has, or would have were it not folded away.
    shown: Vec<usize>,
    lines: Vec<Line>,
}

impl Writer<'_> {
    fn write(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::One(place) => self.say(*place),
                Item::Loop { first, more } => {
                    let before = self.lines.len();
                    self.write(first);
                    let lines = self.lines.len() - before;
                    // What follows the last round is indented as if it followed the first: else a loop of a hundred
                    // rounds would push it off the page.
                    more.iter().for_each(|round| self.mirror(round, first));
                    self.lines.push(Line::Rounds {
                        depth: self.shown[first[0].begin()],
                        more: more.len(),
                        lines,
                        text: self.rounds(first, more),
                    });
                }
            }
        }
    }

    fn say(&mut self, place: usize) {
        let depth = self.parents[place].map_or(0, |parent| self.shown[parent] + 1);
        self.shown[place] = depth;
        let (story, node) = (self.story, self.nodes[place]);
        let (tab, happened, came) = match node {
            Node::Step(step) => {
                let step = &story.steps[step];
                (step.tab, words::trigger(story, step), words::deeds(story, step))
            }
            Node::FaultBegins(fault) => (None, format!("{} begins", fault_name(story, fault)), Vec::new()),
            Node::FaultEnds(fault) => (None, format!("{} ends", fault_name(story, fault)), Vec::new()),
            Node::Unanswered(call) => {
                let call = &story.calls[call];
                (Some(call.tab), words::answer(story, call), Vec::new())
            }
        };
        self.lines.push(Line::Said { node, at: at(story, node), tab, depth, happened, came });
    }

    /// Gives a round that is left out the indentation of the one that is shown.
    fn mirror(&mut self, hidden: &[Item], shown: &[Item]) {
        for (hidden, shown) in hidden.iter().zip(shown) {
            match (hidden, shown) {
                (Item::One(hidden), Item::One(shown)) => self.shown[*hidden] = self.shown[*shown],
                (Item::Loop { first: a, more }, Item::Loop { first: b, .. }) => {
                    self.mirror(a, b);
                    more.iter().for_each(|round| self.mirror(round, b));
                }
                _ => {}
            }
        }
    }

    fn rounds(&self, first: &[Item], more: &[Vec<Item>]) -> String {
        let begin = |round: &[Item]| at(self.story, self.nodes[round[0].begin()]);
        let begins: Vec<Time> = std::iter::once(begin(first)).chain(more.iter().map(|r| begin(r))).collect();
        let gaps = || begins.windows(2).map(|pair| pair[1].since(pair[0]));
        let shortest = gaps().min().unwrap_or(Dur::ZERO);
        let longest = gaps().max().unwrap_or(Dur::ZERO);
        let each = match (span(shortest), span(longest)) {
            _ if longest == Dur::ZERO => "all at the same instant".to_owned(),
            (a, b) if a == b => format!("{a} each"),
            (a, b) => format!("{} each", range(&a, &b)),
        };
        let last = more.last().and_then(|round| round.last()).map_or(0, Item::end);
        let count = number::counted(more.len() as u64, "more round", "more rounds");
        format!("{count} like this, {each}, until {}", clock(at(self.story, self.nodes[last])))
    }
}

fn fault_name(story: &Story, fault: usize) -> String {
    format!("fault \"{}\"", clean(&story.faults[fault].name))
}

/// `216 to 602 ms`: a unit that both have is said once.
fn range(from: &str, to: &str) -> String {
    match (from.split_once(' '), to.split_once(' ')) {
        (Some((number, a)), Some((_, b))) if a == b => format!("{number} to {to}"),
        _ => format!("{from} to {to}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_said_once() {
        assert_eq!(range("216 ms", "602 ms"), "216 to 602 ms");
        assert_eq!(range("602 ms", "1.2 s"), "602 ms to 1.2 s");
        assert_eq!(range("43.2 s", "2 min 4 s"), "43.2 s to 2 min 4 s");
    }
}
