//! Sizes of memory with a unit: `8GiB`, `1.5 MiB`.

const UNITS: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];

/// Reads a whole number with a unit, such as `512MiB`; `None` for anything else and beyond 64 bits.
pub fn parse(text: &str) -> Option<u64> {
    let (number, factor) =
        UNITS.iter().find_map(|(name, factor)| Some((text.strip_suffix(name)?, factor)))?;
    number.trim_end().parse::<u64>().ok()?.checked_mul(*factor)
}

/// A number of bytes with a unit.
pub fn in_words(bytes: u64) -> String {
    let (name, factor) = UNITS.iter().rev().find(|(_, factor)| bytes >= *factor).unwrap_or(&UNITS[0]);
    let tenths = u128::from(bytes) * 10 / u128::from(*factor);
    if tenths.is_multiple_of(10) {
        format!("{} {name}", tenths / 10)
    } else {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_read_and_written_with_its_unit() {
        for (text, bytes) in [("1KiB", 1 << 10), ("8 GiB", 8 << 30), ("16MiB", 16 << 20), ("2TiB", 2 << 40)] {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
        for text in
            ["", "8", "8GB", "GiB", "-1GiB", "1.5GiB", "99999999999999999999KiB", "18014398509481984TiB"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
        for (bytes, text) in [(0, "0 KiB"), (512, "0.5 KiB"), (1 << 20, "1 MiB"), (3 << 29, "1.5 GiB")] {
            assert_eq!(in_words(bytes), text);
        }
    }
}
