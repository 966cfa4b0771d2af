//! Chart titles that compare policies: the greatest value, the least value, and policies that are alike.

use super::typeface::TITLE;
use crate::results::{PolicyResults, Results};

/// Text for one policy: in full, and in short after another policy was named.
pub(super) struct Clause {
    /// Orders the policies.
    pub value: f64,
    /// Text of the first clause of a title.
    pub full: String,
    /// Text of a later clause.
    pub short: String,
    /// Text without the name. Policies with equal texts are alike, since a reader sees no more digits.
    pub says: String,
}

/// Names all of up to three policies. Of more, names those with the greatest and the least value.
pub(super) fn compare(results: &Results, clause: impl Fn(&PolicyResults, &str, &str) -> Clause) -> String {
    let average = if results.replications > 1 { " on average" } else { "" };
    let names: Vec<String> =
        results.policies.iter().map(|policy| TITLE.fit_name(&policy.label(), 460.0)).collect();
    let clauses: Vec<Clause> =
        results.policies.iter().zip(&names).map(|(policy, name)| clause(policy, name, average)).collect();
    let Some((first, others)) = clauses.split_first() else { return "No policy was run".to_owned() };
    if !others.is_empty() && others.iter().all(|other| other.says == first.says) {
        return match &names[1..] {
            [one] => format!("{}; {one} likewise", first.full),
            [one, two] => format!("{}; {one} and {two} likewise", first.full),
            more => format!("{}; the {} others likewise", first.full, more.len()),
        };
    }
    if others.len() < 3 {
        let others = others.iter().map(|clause| format!("; {}", clause.short));
        return std::iter::once(first.full.clone()).chain(others).collect();
    }
    let most = clauses.iter().fold(first, |most, next| if next.value > most.value { next } else { most });
    let least = clauses.iter().fold(first, |least, next| if next.value < least.value { next } else { least });
    let alike = |of: &Clause| clauses.iter().filter(|clause| clause.says == of.says).count();
    // All policies may have the same value and differ in the rest of their text.
    let other = || clauses.iter().find(|clause| clause.says != most.says).unwrap_or(least);
    let least = if most.says == least.says { other() } else { least };
    let (as_most, as_least) = (alike(most), alike(least));
    let between = clauses.len().saturating_sub(as_most + as_least);
    // Where only the greatest and the least are named, all others may be like one of the two.
    let like = |alike: usize, all_others: bool| match (alike, all_others) {
        (0 | 1, _) => String::new(),
        (2, true) => ", like the other one".to_owned(),
        (n, true) => format!(", like the {} others", n - 1),
        (n, false) => format!(", like {} more", n - 1),
    };
    let text = format!(
        "{}{}; {}{}",
        most.full,
        like(as_most, between == 0 && as_least == 1),
        least.short,
        like(as_least, between == 0 && as_most == 1)
    );
    match between {
        0 => text,
        1 => format!("{text}; the other one lies between"),
        n => format!("{text}; the {n} others lie between"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::synthetic;

    /// A title in which policy `i` has `values[i]`, named a, b, c and so on.
    fn title(values: &[f64]) -> String {
        let names = ["a", "b", "c", "d", "e", "f"];
        let results = synthetic::empty(&names[..values.len()]);
        let value = |name: &str| values[names.iter().position(|n| *n == name).unwrap_or(0)];
        compare(&results, |_, name, _| {
            let says = format!("{:.1}", value(name));
            Clause {
                value: value(name),
                full: format!("{name} sends {says}"),
                short: format!("{name} {says}"),
                says,
            }
        })
    }

    #[test]
    fn titles_compare_only_as_far_as_the_numbers_do() {
        for (values, expected) in [
            (&[][..], "No policy was run"),
            (&[1.0], "a sends 1.0"),
            (&[1.0, 2.0], "a sends 1.0; b 2.0"),
            (&[1.0, 1.0], "a sends 1.0; b likewise"),
            (&[1.0, 1.01, 1.0], "a sends 1.0; b and c likewise"),
            (&[1.0, 1.0, 2.0], "a sends 1.0; b 1.0; c 2.0"),
            (&[3.0, 3.0, 3.0, 3.0], "a sends 3.0; the 3 others likewise"),
            (&[3.0, 1.0, 1.0, 1.0], "a sends 3.0; b 1.0, like the 2 others"),
            // Where three policies have the greatest value, none of them lies between.
            (&[1.0, 3.0, 3.0, 3.0], "b sends 3.0, like the 2 others; a 1.0"),
            (&[1.0, 3.0, 3.0, 1.0], "b sends 3.0, like 1 more; a 1.0, like 1 more"),
            (&[1.0, 3.0, 2.0, 1.0], "b sends 3.0; a 1.0, like 1 more; the other one lies between"),
            (&[1.0, 3.0, 2.0, 2.5, 2.0], "b sends 3.0; a 1.0; the 3 others lie between"),
        ] {
            assert_eq!(title(values), expected, "{values:?}");
        }
    }
}
