//! Numbers as a reader meets them: thousands separated, no more digits than the eye uses.

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

/// `value` with this many decimals and thousands separators.
pub fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (digits, rest) = text.find('.').map_or((text.as_str(), ""), |point| text.split_at(point));
    // Longer than u64 or not a number: then no separators either.
    let digits = digits.parse().map_or_else(|_| digits.to_owned(), whole);
    let is_zero = text.bytes().all(|b| matches!(b, b'0' | b'.'));
    format!("{}{digits}{rest}", if value < 0.0 && !is_zero { "−" } else { "" })
}

/// A mean of counts: whole from 10 on, else with one decimal where it has a fraction.
pub fn count(mean: f64) -> String {
    let is_whole = (mean - mean.round()).abs() < 1e-9;
    if is_whole || mean >= 9.95 {
        fixed(mean, 0)
    } else if mean > 0.0 && mean < 0.05 {
        "fewer than 0.1".to_owned()
    } else {
        fixed(mean, 1)
    }
}

/// A rate or ratio, with about three digits.
pub fn short(value: f64) -> String {
    let size = value.abs();
    let whole = (value - value.round()).abs() < 1e-9;
    fixed(
        value,
        match () {
            () if size >= 99.95 || whole => 0,
            () if size >= 9.995 => 1,
            () if size >= 0.1 => 2,
            () => 4,
        },
    )
}

/// `1 session`, `2 sessions`, `0 sessions`.
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", whole(n), if n == 1 { one } else { many })
}

/// The same of a mean of counts; none is `no sessions`.
pub fn counted_mean(mean: f64, one: &str, many: &str) -> String {
    match count(mean).as_str() {
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

/// A share of 1 as a style sheet has it: `12.34%`, within 0 and 100.
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
        for (value, text) in
            [(0.0, "0"), (1.0, "1"), (1.25, "1.2"), (0.01, "fewer than 0.1"), (9.96, "10"), (1204.4, "1,204")]
        {
            assert_eq!(count(value), text, "{value}");
        }
        for (value, text) in [
            (1.0, "1"),
            (1.837, "1.84"),
            (12.34, "12.3"),
            (1613.7, "1,614"),
            (0.0123, "0.0123"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(short(value), text, "{value}");
        }
        assert_eq!(fixed(-1234.56, 1), "−1,234.6");
        assert_eq!(fixed(-0.01, 1), "0.0");
    }

    #[test]
    fn one_is_singular() {
        assert_eq!(counted(1, "user", "users"), "1 user");
        assert_eq!(counted(0, "user", "users"), "0 users");
        assert_eq!(times(1), "once");
        assert_eq!(times(1_200), "1,200 times");
    }
}
