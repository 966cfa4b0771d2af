//! Properties of all kinds of distributions.

use super::*;
use crate::kernel::random::{Purpose, Stream};
use serde::Deserialize;

#[test]
fn sample_means_agree_with_the_stated_means() {
    let stream = Stream::new(5, 0, Purpose::Latency, 0);
    for dist in [
        Dist::Constant(Dur::from_ms(100)),
        Dist::uniform(Dur::from_ms(50), Dur::from_ms(150)),
        Dist::Exponential(Exponential(Dur::from_ms(80))),
        Dist::LogNormal(LogNormal { median: Dur::from_ms(80), sigma: 0.5 }),
        Dist::FoldedNormal(FoldedNormal { mean: Dur::from_ms(10), sd: Dur::from_ms(2) }),
        Dist::FoldedNormal(FoldedNormal { mean: Dur::from_ms(10), sd: Dur::from_ms(20) }),
        Dist::Empirical(Empirical(vec![Dur::from_ms(10), Dur::from_ms(20), Dur::from_ms(90)])),
    ] {
        let n = 200_000u64;
        let mean = (0..n).map(|i| dist.sample(stream.bits(i, 0)).as_secs_f64()).sum::<f64>() / n as f64;
        // The largest relative standard deviation here is 1 (exponential): six standard errors.
        let tolerance = 6.0 * dist.mean_s() / (n as f64).sqrt();
        assert!((mean - dist.mean_s()).abs() <= tolerance, "{dist:?}: {mean} against {}", dist.mean_s());
    }
}

#[test]
fn shares_below_a_quantile_agree_with_the_distribution_functions() {
    let stream = Stream::new(6, 0, Purpose::Latency, 0);
    let unit = Dur::from_ms(80);
    let exponential = Dist::Exponential(Exponential(unit));
    let log_normal = Dist::LogNormal(LogNormal { median: unit, sigma: 0.5 });
    let normal = Dist::FoldedNormal(FoldedNormal { mean: unit, sd: Dur::from_ms(16) });
    // 1 - exp(-x); the normal distribution function at -1, 0 and 1 standard deviations (Abramowitz and Stegun 26.2).
    for (dist, times, share) in [
        (&exponential, 0.5, 1.0 - libm::exp(-0.5)),
        (&exponential, 1.0, 1.0 - libm::exp(-1.0)),
        (&exponential, 2.0, 1.0 - libm::exp(-2.0)),
        (&log_normal, libm::exp(-0.5), 0.158_655_254),
        (&log_normal, 1.0, 0.5),
        (&log_normal, libm::exp(0.5), 0.841_344_746),
        (&normal, 0.8, 0.158_655_254),
        (&normal, 1.0, 0.5),
        (&normal, 1.2, 0.841_344_746),
    ] {
        let n = 100_000u64;
        let below = (0..n).filter(|i| dist.sample(stream.bits(*i, 0)).as_secs_f64() < 0.08 * times).count();
        // Six standard errors of a share, which are largest for a share of one half.
        let tolerance = 6.0 * 0.5 / (n as f64).sqrt();
        assert!(
            (below as f64 / n as f64 - share).abs() < tolerance,
            "{dist:?} below {times} of 80 ms: {below}"
        );
    }
}

#[test]
fn samples_are_rounded_to_the_nearest_nanosecond_and_cut_at_two_to_the_63() {
    for (ns, rounded) in [(0.0, 0), (0.4, 0), (0.6, 1), (1.0, 1), (2.5, 3), (1e300, 1 << 63)] {
        assert_eq!(round(ns), Dur(rounded), "{ns}");
    }
}

#[test]
fn distributions_read_back_as_they_are_written() {
    for (text, constant) in [
        (r#""100ms""#, true),
        (r#"{"uniform":["50ms","50ms"]}"#, false),
        (r#"{"uniform":["50ms","150ms"]}"#, false),
        (r#"{"exponential":"80ms"}"#, false),
        (r#"{"log-normal":{"median":"80ms","sigma":0.0}}"#, false),
        (r#"{"log-normal":{"median":"80ms","sigma":10.0}}"#, false),
        (r#"{"empirical":["10ms","12ms","90ms"]}"#, false),
        (r#"{"folded-normal":{"mean":"10ms","sd":"2ms"}}"#, false),
    ] {
        let dist: Dist = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&dist).unwrap(), text);
        assert_eq!(dist.is_constant(), constant, "{text}");
    }
}

#[test]
fn what_is_no_distribution_is_told_why() {
    for (text, why) in [
        ("true", "a duration such as"),
        ("{}", "empty distribution"),
        (r#"{"gamma":"1s"}"#, "unknown field `gamma`"),
        (r#"{"uniform":["2s","1s"]}"#, "the lower end comes first"),
        (r#"{"log-normal":{"median":"80ms","sigma":10.1}}"#, "sigma out of range"),
        (r#"{"log-normal":{"median":"80ms","sigma":-0.1}}"#, "sigma out of range"),
        (r#"{"empirical":[]}"#, "empty list"),
        (r#"{"exponential":"1s","uniform":["1s","2s"]}"#, "a distribution has one kind"),
    ] {
        let message = serde_json::from_str::<Dist>(text).unwrap_err().to_string();
        assert!(message.contains(why), "{text}: {message}");
    }
    let number = serde::de::value::I64Deserializer::<serde::de::value::Error>::new(5);
    let message = Dist::deserialize(number).unwrap_err().to_string();
    assert!(message.contains("did you mean \"5s\""), "{message}");
}
