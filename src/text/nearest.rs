//! Finds the known name that a misspelt one probably meant.

/// The nearest of the known names: at most two slips away (Damerau and Levenshtein: a letter too many, too few, wrong,
/// or two neighbours swapped), and for short names not more than half of the letters. Case and `_` for `-` count as
/// no slip. Ties go to the name listed first. Where no name is so near, the last one that begins with the word and goes on with
/// `-`, such as the newest release of `supabase-js`.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // No known name is longer. Skips longer ones, which would cost quadratic time.
    const LONGEST: usize = 80;
    let fold = |text: &str| -> Vec<char> {
        text.chars().take(LONGEST + 1).map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect()
    };
    let name = fold(name);
    if name.len() > LONGEST {
        return None;
    }
    let (mut best, mut begun) = (None, None);
    for candidate in known {
        let letters = fold(candidate);
        let slips = distance(&name, &letters);
        let is_near = slips <= 2 && 2 * slips <= name.len().max(letters.len());
        if is_near && best.is_none_or(|(least, _)| slips < least) {
            best = Some((slips, candidate));
        }
        if !name.is_empty() && letters.strip_prefix(&name[..]).is_some_and(|rest| rest.first() == Some(&'-'))
        {
            begun = Some(candidate);
        }
    }
    best.map(|(_, candidate)| candidate).or(begun)
}

/// The optimal string alignment distance: the restricted form of Damerau's, equal to it up to two slips.
fn distance(a: &[char], b: &[char]) -> usize {
    if a.len().abs_diff(b.len()) > 2 {
        return usize::MAX / 4;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let wrong = previous[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = wrong.min(previous[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut previous, row);
    }
    previous[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_names_are_recognised_and_others_are_not() {
        let known = ["users", "tabs", "users-per-network", "opens", "at", "do"];
        for (name, expected) in [
            ("user", Some("users")),
            ("usres", Some("users")),
            ("USERS", Some("users")),
            ("users_per_network", Some("users-per-network")),
            ("tbas", Some("tabs")),
            ("by", None),
            ("fleet", None),
            ("users-per", Some("users-per-network")),
            ("users-pe", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
        let releases = ["auth0-spa-js-2.28.3", "supabase-js-2.105.4", "supabase-js-2.119.1"];
        assert_eq!(nearest("auth0", releases), Some("auth0-spa-js-2.28.3"));
        assert_eq!(nearest("Supabase_js", releases), Some("supabase-js-2.119.1"));
        assert_eq!(nearest(&"u".repeat(1_000_000), known), None);
    }
}
