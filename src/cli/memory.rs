//! `--max-memory`: a scenario too large is refused before anything is allocated.

use super::exit::Failure;
use authstorm::scenario::load::Loaded;
use authstorm::world::memory_estimate;

const UNITS: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];
/// Less than what the program itself takes.
const LEAST: u64 = 16 << 20;

/// A size such as 512MiB.
pub fn parse(text: &str) -> Result<u64, String> {
    let form = "a whole number and KiB, MiB, GiB or TiB, as in 8GiB, and 16MiB at least";
    let unit = UNITS.iter().find_map(|(name, factor)| Some((text.strip_suffix(name)?, factor)));
    let (number, factor) = unit.ok_or(form)?;
    let number: u64 = number.trim_end().parse().map_err(|_| form)?;
    number.checked_mul(*factor).filter(|bytes| *bytes >= LEAST).ok_or(form.to_owned())
}

/// Refuses a scenario of which one run needs more. The limit does not ask how much this machine has: whether a scenario
/// is accepted must not depend on where it is run.
pub fn check(loaded: &Loaded, limit: u64) -> Result<(), Failure> {
    refusal(loaded, limit).map_or(Ok(()), |why| Err(Failure::usage(format!("error: {why}"))))
}

/// Why a scenario is too large, if it is.
pub fn refusal(loaded: &Loaded, limit: u64) -> Option<String> {
    let estimate = memory_estimate(&loaded.scenario);
    if estimate.bytes <= limit {
        return None;
    }
    Some(format!(
        "a run needs about {}: {} users at about {} bytes, {} for limits and timelines; limit {}; --max-memory raises it",
        in_words(estimate.bytes),
        loaded.scenario.fleet.users,
        estimate.per_user,
        in_words(estimate.fixed),
        in_words(limit),
    ))
}

/// Bytes with a unit.
pub fn in_words(bytes: u64) -> String {
    let (name, factor) = UNITS.iter().rev().find(|(_, factor)| bytes >= *factor).unwrap_or(&UNITS[0]);
    let tenths = u128::from(bytes) * 10 / u128::from(*factor);
    if tenths.is_multiple_of(10) {
        format!("{} {name}", tenths / 10)
    } else {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    }
}
