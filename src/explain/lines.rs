//! Cuts a story into lines: their order, their indentation, and folded rounds.

use super::fold::{Item, fold};
use super::story::{Call, Effect, Step, Story, Trigger};
use super::words::{self, clock, span};
use crate::kernel::{Dur, Time};
use crate::text::number;
use std::collections::{BTreeMap, BTreeSet};

/// Subject of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// A step of the part.
    Step(usize),
    /// A step before the part, from which the part continues.
    Earlier(usize),
    /// A call that was sent before the part, is in flight in it, and is answered after it.
    InFlight(usize),
    /// A wait that begins before the part and ends after it.
    Lasts(usize),
    /// A fault's window that begins before the part.
    FaultLasts(usize),
    /// The begin of a fault's window.
    FaultBegins(usize),
    /// The end of a fault's window.
    FaultEnds(usize),
    /// A call that was never answered.
    Unanswered(usize),
}

/// Order of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Each effect after its cause, before the next cause.
    ByCause,
    /// As it happened.
    ByTime,
}

/// A line of a story.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// An event.
    Said {
        /// Subject of the line.
        node: Node,
        /// Time; absent for what lasts from before the part.
        at: Option<Time>,
        /// Tab; absent for events of the whole browser and of faults.
        tab: Option<u32>,
        /// Number of causes above the line.
        depth: usize,
        /// What happened, in words.
        happened: String,
        /// What followed, in words.
        came: Vec<String>,
    },
    /// Rounds like the one above, which are left out.
    Rounds {
        /// Indentation of the round's first line.
        depth: usize,
        /// Number of rounds left out.
        more: usize,
        /// Number of lines of the round above.
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
    /// Per node, the index of its cause in the same order.
    parents: Vec<Option<usize>>,
}

fn at(story: &Story, node: Node) -> Time {
    match node {
        Node::Step(step) => story.steps[&step].at,
        Node::Earlier(_) | Node::InFlight(_) | Node::Lasts(_) | Node::FaultLasts(_) => story.from,
        Node::FaultBegins(fault) => Time(story.faults[fault].from.0),
        Node::FaultEnds(fault) => Time(story.faults[fault].to.0),
        Node::Unanswered(_) => story.horizon,
    }
}

/// The number of the nearest cause that a reader sees: a step of the part, or one before it. None for a step that begins
/// something new.
fn cause(story: &Story, step: &Step) -> Option<usize> {
    let mut step = step;
    loop {
        if story.is_root(step) {
            return None;
        }
        let number = step.cause?;
        match story.steps.get(&number) {
            None => return story.earlier.contains_key(&number).then_some(number),
            Some(cause) if !story.is_quiet(cause) => return Some(number),
            Some(cause) => step = cause,
        }
    }
}

/// Calls and waits that last through the whole part, or that no step of the part mentions. Each comes with the step that
/// began it.
fn lasting(story: &Story) -> Vec<(usize, Node)> {
    let triggers = || story.steps.values().map(|step| step.trigger);
    let answered: BTreeSet<usize> = triggers().filter_map(Trigger::call).collect();
    let over: BTreeSet<usize> = triggers().filter_map(Trigger::wait).collect();
    let unanswered = |call: &Call| call.ended.is_none() && story.to >= story.horizon;
    let calls = story.calls.iter().filter_map(|(number, call)| match story.steps.contains_key(&call.by) {
        _ if unanswered(call) => Some((call.by, Node::Unanswered(*number))),
        false if !answered.contains(number) => Some((call.by, Node::InFlight(*number))),
        _ => None,
    });
    let waits = story.waits.iter().filter(|(number, wait)| {
        wait.is_retry() && !over.contains(number) && !story.steps.contains_key(&wait.by)
    });
    calls.chain(waits.map(|(number, wait)| (wait.by, Node::Lasts(*number)))).collect()
}

fn ordered(story: &Story, order: Order) -> Ordered {
    let mut children: BTreeMap<usize, Vec<Node>> = BTreeMap::new();
    let mut roots: Vec<(Time, Node)> = Vec::new();
    // An earlier step is mentioned once, at its first effect.
    let mut named: BTreeSet<usize> = BTreeSet::new();
    let steps = story.steps.iter().filter(|(_, step)| !story.is_quiet(step));
    let steps = steps.map(|(number, step)| (cause(story, step), Node::Step(*number)));
    let (unanswered, lasting): (Vec<_>, Vec<_>) =
        lasting(story).into_iter().partition(|(_, node)| matches!(node, Node::Unanswered(_)));
    let caused = |nodes: Vec<(usize, Node)>| nodes.into_iter().map(|(by, node)| (Some(by), node));
    for (cause, node) in caused(lasting).chain(steps).chain(caused(unanswered)) {
        let at = at(story, node);
        if let Some(cause) = cause
            && story.earlier.contains_key(&cause)
            && named.insert(cause)
        {
            roots.push((at, Node::Earlier(cause)));
        }
        match cause {
            Some(cause) if order == Order::ByCause => children.entry(cause).or_default().push(node),
            _ => roots.push((at, node)),
        }
    }
    for (i, fault) in story.faults.iter().enumerate() {
        let (begin, end) = (Time(fault.from.0), Time(fault.to.0));
        let within = |time: Time| story.from <= time && time <= story.to;
        let ends = end > begin && end < story.horizon;
        let lasts = begin < story.from && end > story.from;
        let nodes = [
            (lasts, story.from, Node::FaultLasts(i)),
            (within(begin), begin, Node::FaultBegins(i)),
            (ends && within(end), end, Node::FaultEnds(i)),
        ];
        roots.extend(nodes.into_iter().filter(|(is, ..)| *is).map(|(_, at, node)| (at, node)));
    }
    // The sort is stable: events of one instant keep their order, but a window opens before its effects.
    roots.sort_by_key(|(at, node)| (*at, rank(*node)));
    let mut found = Ordered { nodes: Vec::new(), parents: Vec::new() };
    let mut open: Vec<(Node, Option<usize>)> =
        roots.into_iter().rev().map(|(_, root)| (root, None)).collect();
    while let Some((node, parent)) = open.pop() {
        let place = found.nodes.len();
        found.nodes.push(node);
        found.parents.push(parent);
        if let Node::Step(step) | Node::Earlier(step) = node
            && let Some(effects) = children.remove(&step)
        {
            open.extend(effects.into_iter().rev().map(|effect| (effect, Some(place))));
        }
    }
    found
}

/// Order of nodes at one instant: what lasts, then windows that open or close, then events.
const fn rank(node: Node) -> u8 {
    match node {
        Node::FaultLasts(_) => 0,
        Node::FaultBegins(_) | Node::FaultEnds(_) | Node::Unanswered(_) => 1,
        Node::Earlier(_) | Node::InFlight(_) | Node::Lasts(_) => 2,
        Node::Step(_) => 3,
    }
}

/// Key of a node for comparison with others: its content without times and counters.
fn sign(story: &Story, node: Node) -> String {
    match node {
        Node::Step(step) => step_sign(story, &story.steps[&step]),
        Node::Unanswered(call) => format!("unanswered {}", call_sign(&story.calls[&call])),
        other => format!("{other:?}"),
    }
}

fn call_sign(call: &Call) -> String {
    let failure = call.failure.map(|f| (f.status, f.code));
    format!("{:?}", (call.endpoint, call.task.id, call.outcome, failure, call.fault, call.limited))
}

fn step_sign(story: &Story, step: &Step) -> String {
    let trigger = match step.trigger {
        Trigger::Answer(call) => call_sign(&story.calls[&call]),
        Trigger::Timer(wait) => format!("{:?}", (story.waits[&wait].task.id, story.waits[&wait].caller)),
        other => format!("{other:?}"),
    };
    let effects = step.effects.iter().map(|effect| match *effect {
        Effect::Sends(call) => {
            let call = &story.calls[&call];
            format!("{:?}", (call.endpoint, call.task.id, call.caller))
        }
        Effect::Waits(wait) => format!("{:?}", (story.waits[&wait].task.id, story.waits[&wait].caller)),
        Effect::Judged { failure, verdict } => format!("{:?}", (failure.status, failure.code, verdict)),
        Effect::EnteredFlow { entry, cause, .. } => {
            format!("enters {} {:?}", entry > 0, cause.map(|f| (f.status, f.code)))
        }
        Effect::LeftFlow { levels, end } => format!("leaves {} {end:?}", levels > 1),
        other => format!("{other:?}"),
    });
    format!("{:?} {trigger} {}", step.tab, effects.collect::<Vec<_>>().join(";"))
}

struct Writer<'a> {
    story: &'a Story,
    nodes: &'a [Node],
    parents: &'a [Option<usize>],
    /// The indentation of each node. A folded node has the indentation that it would have when shown.
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
                    // Indents what follows the last round as if it followed the first. Otherwise a loop of a hundred
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
                let step = &story.steps[&step];
                (step.tab, words::trigger(story, step), words::effects(story, step))
            }
            Node::Earlier(step) => {
                let earlier = &story.earlier[&step];
                (earlier.tab, words::continues(earlier), Vec::new())
            }
            Node::InFlight(call) => {
                let call = &story.calls[&call];
                (Some(call.tab), words::in_flight(call), Vec::new())
            }
            Node::Lasts(wait) => {
                let wait = &story.waits[&wait];
                (Some(wait.tab), words::lasts(story, wait), Vec::new())
            }
            Node::FaultLasts(fault) => (None, words::fault_lasts(&story.faults[fault]), Vec::new()),
            Node::FaultBegins(fault) => {
                (None, format!("{} begins", words::fault_name(&story.faults[fault])), Vec::new())
            }
            Node::FaultEnds(fault) => {
                (None, format!("{} ends", words::fault_name(&story.faults[fault])), Vec::new())
            }
            Node::Unanswered(call) => {
                let call = &story.calls[&call];
                (Some(call.tab), words::answer(story, call), Vec::new())
            }
        };
        let lasts =
            matches!(node, Node::Earlier(_) | Node::InFlight(_) | Node::Lasts(_) | Node::FaultLasts(_));
        let at = (!lasts).then(|| at(story, node));
        self.lines.push(Line::Said { node, at, tab, depth, happened, came });
    }

    /// Gives a folded round the indentation of the shown one.
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

/// `216 to 602 ms`: writes a unit that both have only once.
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
    fn a_common_unit_is_written_once() {
        assert_eq!(range("216 ms", "602 ms"), "216 to 602 ms");
        assert_eq!(range("602 ms", "1.2 s"), "602 ms to 1.2 s");
        assert_eq!(range("43.2 s", "2 min 4 s"), "43.2 s to 2 min 4 s");
    }
}
