//! Formats times and durations for readers.

use crate::kernel::time::{NS_PER_MS, NS_PER_S};
use crate::kernel::{Dur, Time};

/// A duration with few significant digits: `350 ms`, `4.65 s`, `31.9 s`, `2 min 11.9 s`, `7 d`.
pub fn span(length: Dur) -> String {
    let (ns, seconds) = (length.0, length.as_secs_f64());
    let trimmed = |decimals: usize, unit: &str| {
        let text = format!("{seconds:.decimals$}");
        format!("{} {unit}", text.trim_end_matches('0').trim_end_matches('.'))
    };
    match ns {
        0 => "no time".to_owned(),
        _ if ns < NS_PER_MS => format!("{} µs", (ns / 1_000).max(1)),
        _ if ns < NS_PER_S => format!("{} ms", (ns + NS_PER_MS / 2) / NS_PER_MS),
        _ if ns < 10 * NS_PER_S => trimmed(2, "s"),
        _ if ns < 120 * NS_PER_S => trimmed(1, "s"),
        _ => {
            // Above a minute, tenths of a second are precise enough.
            let tenths = (ns + NS_PER_S / 20) / (NS_PER_S / 10);
            let (whole, tenth) = (tenths / 10, tenths % 10);
            let seconds = match tenth {
                0 => (whole % 60).to_string(),
                _ => format!("{}.{tenth}", whole % 60),
            };
            let parts = [(whole / 86_400, "d"), (whole / 3_600 % 24, "h"), (whole / 60 % 60, "min")];
            let mut said: Vec<String> =
                parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n} {unit}")).collect();
            if seconds != "0" {
                said.push(format!("{seconds} s"));
            }
            said.join(" ")
        }
    }
}

/// A time with milliseconds: in seconds, and after the first hour in hours and days too.
pub fn clock(at: Time) -> String {
    let ms = at.0 / NS_PER_MS;
    let (whole, ms) = (ms / 1_000, ms % 1_000);
    let [days, hours, minutes] = [whole / 86_400, whole / 3_600 % 24, whole / 60 % 60];
    let of_hour = format!("{minutes:02} min {:02}.{ms:03} s", whole % 60);
    match (days, hours) {
        (0, 0) => format!("{whole}.{ms:03} s"),
        (0, _) => format!("{hours} h {of_hour}"),
        _ => format!("{days} d {hours:02} h {of_hour}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_times_are_readable() {
        for (ns, expected) in [
            (0, "no time"),
            (350 * NS_PER_MS, "350 ms"),
            (4_650 * NS_PER_MS, "4.65 s"),
            (31_900 * NS_PER_MS, "31.9 s"),
            (119_990 * NS_PER_MS, "120 s"),
            (131_900 * NS_PER_MS, "2 min 11.9 s"),
            (600 * NS_PER_S, "10 min"),
            (3_599_960 * NS_PER_MS, "1 h"),
            (604_800 * NS_PER_S, "7 d"),
            (302_431_240 * NS_PER_MS, "3 d 12 h 31.2 s"),
        ] {
            assert_eq!(span(Dur(ns)), expected);
        }
        for (ms, expected) in [
            (0, "0.000 s"),
            (137_534, "137.534 s"),
            (3_599_999, "3599.999 s"),
            (3_600_001, "1 h 00 min 00.001 s"),
            (302_447_829, "3 d 12 h 00 min 47.829 s"),
        ] {
            assert_eq!(clock(Time(ms * NS_PER_MS)), expected);
        }
    }
}
