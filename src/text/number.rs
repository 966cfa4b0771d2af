//! Numbers for readers: thousands separated, limited digits. One rule for all numbers.

/// A whole number with thousands separators: `12,345`.
pub fn whole(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `value` with this many decimals and thousands separators; a half is rounded away from zero, as browsers do.
pub fn fixed(value: f64, decimals: usize) -> String {
    let size = value.abs();
    // Moves a half to the neighbour above, since formatting itself rounds a half to the even digit.
    let size = if is_half(size, decimals) { size.next_up() } else { size };
    let text = format!("{size:.decimals$}");
    let (digits, rest) = text.find('.').map_or((text.as_str(), ""), |point| text.split_at(point));
    // Longer than u64 or not a number: no separators.
    let digits = digits.parse().map_or_else(|_| digits.to_owned(), whole);
    let is_zero = text.bytes().all(|b| matches!(b, b'0' | b'.'));
    format!("{}{digits}{rest}", if value < 0.0 && !is_zero { "−" } else { "" })
}

/// Whether a value lies exactly between two neighbours with this many decimals.
fn is_half(size: f64, decimals: usize) -> bool {
    // A float that is such a half has at most one more digit. 40 digits show any other digit.
    let exact = format!("{size:.40}");
    let rest = exact.find('.').and_then(|point| exact.get(point + 1 + decimals..)).unwrap_or_default();
    rest.strip_prefix('5').is_some_and(|rest| rest.bytes().all(|b| b == b'0'))
}

/// Text for a time that is certain to be after the end of the run.
pub const NEVER: &str = "never within the run";

/// The most decimals that are shown.
const MOST_DECIMALS: usize = 9;

/// Form of every number that is not a whole number by nature: in tables, sentences, charts and on the page, whose script has
/// the same rule. Whole numbers have no decimals, others about three digits. Infinity is [`NEVER`].
pub fn short(value: f64) -> String {
    let size = value.abs();
    if size.is_infinite() {
        return NEVER.to_owned();
    }
    let whole = (value - value.round()).abs() < 1e-9;
    let decimals = match () {
        () if size >= 99.95 || whole => 0,
        () if size >= 9.995 => 1,
        () if size >= 0.1 => 2,
        () => {
            let (mut decimals, mut least) = (4, 0.01);
            while decimals < MOST_DECIMALS && size < least {
                (decimals, least) = (decimals + 1, least / 10.0);
            }
            decimals
        }
    };
    fixed(value, decimals)
}

/// As [`short`], followed by a unit, except for [`NEVER`].
pub fn with_unit(value: f64, unit: &str) -> String {
    if value.is_infinite() { NEVER.to_owned() } else { format!("{} {unit}", short(value)) }
}

/// A share of 1: `12.3%`. Values below a hundredth of a percent are not shown in digits.
pub fn share(share: f64) -> String {
    if share > 0.0 && share < 0.000_1 {
        return "less than 0.01%".to_owned();
    }
    format!("{}%", short(100.0 * share))
}

/// An upper bound of a share, rounded up to a tenth of a percent.
pub fn upper_share(share: f64) -> String {
    // A whole number of tenths stays, despite the rounding of its last bit.
    self::share(((1_000.0 * share) - 1e-9).ceil() / 1_000.0)
}

/// `1 session`, `2 sessions`, `0 sessions`.
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", whole(n), if n == 1 { one } else { many })
}

/// As [`counted`], for a mean of counts. 0 is `no sessions`.
pub fn counted_mean(mean: f64, one: &str, many: &str) -> String {
    match short(mean).as_str() {
        "0" => format!("no {many}"),
        "1" => format!("1 {one}"),
        n => format!("{n} {many}"),
    }
}

/// `once`, `twice`, `3 times`.
pub fn times(n: u64) -> String {
    match n {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{} times", whole(n)),
    }
}

/// A share of 1 in the form of a style sheet: `12.34%`, clamped to 0 to 100.
pub fn percent(share: f64) -> String {
    format!("{:.2}%", (100.0 * share).clamp(0.0, 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (value, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (12_345, "12,345"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(whole(value), text);
        }
        for (value, text) in [
            (1.0, "1"),
            (1.837, "1.84"),
            (12.34, "12.3"),
            (1613.7, "1,614"),
            (0.0123, "0.0123"),
            (0.00123, "0.00123"),
            (1e-12, "0"),
            (-2.5, "−2.50"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "never within the run"),
        ] {
            assert_eq!(short(value), text, "{value}");
        }
        // Halves that a float holds exactly, and a neighbour below one.
        for (value, decimals, text) in [
            (0.125, 2, "0.13"),
            (100.5, 0, "101"),
            (100.5f64.next_down(), 0, "100"),
            (0.375, 2, "0.38"),
            (2.675, 2, "2.67"),
        ] {
            assert_eq!(fixed(value, decimals), text, "{value}");
        }
        assert_eq!(with_unit(f64::INFINITY, "s"), "never within the run");
        assert_eq!(share(0.000_000_27), "less than 0.01%");
        assert_eq!((with_unit(2.0, "s"), share(0.853)), ("2 s".to_owned(), "85.3%".to_owned()));
        assert_eq!(fixed(-1234.56, 1), "−1,234.6");
        assert_eq!(fixed(-0.01, 1), "0.0");
    }

    #[test]
    fn a_count_of_one_is_singular() {
        assert_eq!(counted(1, "user", "users"), "1 user");
        assert_eq!(counted(0, "user", "users"), "0 users");
        assert_eq!(times(1), "once");
        assert_eq!(times(1_200), "1,200 times");
    }
}
