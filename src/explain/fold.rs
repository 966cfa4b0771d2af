//! Folds repetitions: a sequence becomes items and loops of items. No element is lost.

/// Item of a folded sequence. Elements are identified by their index in the original sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A single element.
    One(usize),
    /// Repeated rounds.
    Loop {
        /// The first round.
        first: Vec<Item>,
        /// Further rounds, each with the same form as the first.
        more: Vec<Vec<Item>>,
    },
}

/// Greatest length of a round.
const LONGEST: usize = 12;
/// Least number of rounds of a loop. Two equal rounds may be chance.
const FEWEST: usize = 3;

impl Item {
    /// Index of the first element of the item.
    pub fn begin(&self) -> usize {
        match self {
            Item::One(place) => *place,
            Item::Loop { first, .. } => first[0].begin(),
        }
    }

    /// Index of the last element of the item.
    pub fn end(&self) -> usize {
        match self {
            Item::One(place) => *place,
            Item::Loop { more, .. } => more.last().and_then(|round| round.last()).map_or(0, Item::end),
        }
    }
}

/// Folds a sequence until nothing repeats. Elements with equal `signs` are alike. Loops may contain loops.
pub fn fold(signs: &[u32]) -> Vec<Item> {
    let mut items: Vec<Item> = (0..signs.len()).map(Item::One).collect();
    loop {
        let keys: Vec<Vec<u32>> = items.iter().map(|item| key(item, signs)).collect();
        let (folded, any) = pass(items, &keys);
        items = folded;
        if !any {
            return items;
        }
    }
}

/// Form of an item, independent of its number of rounds.
fn key(item: &Item, signs: &[u32]) -> Vec<u32> {
    match item {
        Item::One(place) => vec![signs[*place]],
        Item::Loop { first, .. } => {
            let inner = first.iter().flat_map(|item| key(item, signs));
            std::iter::once(u32::MAX).chain(inner).chain(std::iter::once(u32::MAX - 1)).collect()
        }
    }
}

fn pass(items: Vec<Item>, keys: &[Vec<u32>]) -> (Vec<Item>, bool) {
    let mut folded = Vec::new();
    let mut any = false;
    let mut at = 0;
    let mut items: Vec<Option<Item>> = items.into_iter().map(Some).collect();
    while at < items.len() {
        let (length, rounds) = best(&keys[at..]);
        let mut take = |from: usize, length: usize| -> Vec<Item> {
            items[from..from + length]
                .iter_mut()
                .map(|item| item.take().expect("each item is taken once"))
                .collect()
        };
        if rounds < FEWEST {
            folded.extend(take(at, 1));
            at += 1;
            continue;
        }
        any = true;
        let first = take(at, length);
        let more = (1..rounds).map(|round| take(at + round * length, length)).collect();
        folded.push(Item::Loop { first, more });
        at += length * rounds;
    }
    (folded, any)
}

/// The round from the start of `keys` that covers most items: its length and number of repetitions. The shortest wins
/// ties.
fn best(keys: &[Vec<u32>]) -> (usize, usize) {
    let mut best = (1, 1);
    for length in 1..=LONGEST.min(keys.len() / FEWEST) {
        let like = |round: usize| keys[round * length..].starts_with(&keys[..length]);
        let rounds = (1..keys.len() / length).take_while(|round| like(*round)).count() + 1;
        if rounds >= FEWEST && rounds * length > best.0 * best.1 {
            best = (length, rounds);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(items: &[Item], signs: &[u32]) -> String {
        let one = |item: &Item| match item {
            Item::One(place) => signs[*place].to_string(),
            Item::Loop { first, more } => format!("({})x{}", shape(first, signs), more.len() + 1),
        };
        items.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn three_repetitions_become_a_loop() {
        for (signs, expected) in [
            (&[][..], ""),
            (&[1], "1"),
            (&[1, 1], "1 1"),
            (&[1, 1, 1], "(1)x3"),
            (&[1, 2, 1, 2, 1, 2, 3], "(1 2)x3 3"),
            (&[9, 1, 1, 1, 1, 2], "9 (1)x4 2"),
            (&[1, 1, 1, 2, 1, 1, 1, 1, 2, 1, 1, 1, 2], "((1)x3 2)x3"),
        ] {
            assert_eq!(shape(&fold(signs), signs), expected, "{signs:?}");
        }
    }

    #[test]
    fn folding_keeps_every_element() {
        fn places(items: &[Item]) -> Vec<usize> {
            let of = |item: &Item| match item {
                Item::One(place) => vec![*place],
                Item::Loop { first, more } => {
                    std::iter::once(first).chain(more).flat_map(|round| places(round)).collect()
                }
            };
            items.iter().flat_map(of).collect()
        }
        for seed in 0..200u64 {
            let signs: Vec<u32> =
                (0..60u64).map(|i| (((i * 7 + seed) * (seed + 3)) % 1009 % 3) as u32).collect();
            assert_eq!(places(&fold(&signs)), (0..signs.len()).collect::<Vec<_>>());
        }
    }
}
