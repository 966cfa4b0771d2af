//! The same scenario, seed and version give the same bytes in every environment.
//!
//! `.ci/run` compares debug and release builds: a release build writes the committed results, and tests in a debug
//! build read them. `.ci/platforms` covers other processors.

use crate::common::sources::sources;
use crate::common::{TINY, authstorm, binary, files, root, said, tiny};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

fn reference(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let output = tiny(&dir.join("reference"), &["--threads", "2"]);
    assert!(output.status.success(), "{}", said(&output));
    files(&dir.join("reference"))
}

#[test]
fn environment_variables_do_not_change_a_result() {
    let folder = tempfile::tempdir().expect("a folder");
    let reference = reference(folder.path());
    // Without FMA and AVX2 the C library uses other code for its mathematics. The results must be equal.
    let surroundings: [(&str, &[(&str, &str)]); 8] = [
        ("again", &[]),
        ("locale", &[("LC_ALL", "de_DE.UTF-8"), ("LANG", "tr_TR.UTF-8")]),
        ("time-zone", &[("TZ", "Pacific/Chatham")]),
        ("narrow", &[("COLUMNS", "1"), ("NO_COLOR", "1"), ("TERM", "dumb")]),
        ("no-home", &[("HOME", "/nonexistent"), ("XDG_CONFIG_HOME", "/nonexistent"), ("USER", "")]),
        ("no-fma", &[("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX2,-FMA")]),
        ("threads", &[("RAYON_NUM_THREADS", "5"), ("RUST_BACKTRACE", "full"), ("RUST_LOG", "trace")]),
        ("temporary", &[("TMPDIR", "/nonexistent")]),
    ];
    for (name, variables) in surroundings {
        let out = folder.path().join(name);
        let mut command = authstorm();
        command.arg("run").args(TINY).arg("--out").arg(&out).envs(variables.iter().copied());
        let output = command.output().expect("the command runs");
        assert!(output.status.success(), "{name}: {}", said(&output));
        assert!(files(&out) == reference, "{name}: other bytes");
    }
}

#[test]
fn directory_and_umask_do_not_change_a_result() {
    let folder = tempfile::tempdir().expect("a folder");
    let reference = reference(folder.path());
    let elsewhere = folder.path().join("else where");
    fs::create_dir(&elsewhere).expect("a folder");
    let scenario = elsewhere.join("copy.toml");
    fs::copy(root().join(TINY[0]), &scenario).expect("a copy");
    let mut command = Command::new(binary());
    command.current_dir(&elsewhere).env_clear().args(["run", "copy.toml"]).args(&TINY[1..]);
    let output = command.output().expect("the command runs");
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        files(&elsewhere.join("results/touch-429-cascade")) == reference,
        "another directory: other bytes"
    );
    let masked = folder.path().join("masked");
    let script = "umask 077; exec \"$@\"";
    let mut command = Command::new("sh");
    command.current_dir(root()).args(["-c", script, "sh"]).arg(binary()).arg("run").args(TINY);
    let output = command.arg("--out").arg(&masked).output().expect("a shell");
    assert!(output.status.success(), "{}", said(&output));
    assert!(files(&masked) == reference, "another mask: other bytes");
}

#[test]
fn the_determinism_command_succeeds() {
    let mut command = authstorm();
    command.arg("verify-determinism").args(&TINY[..TINY.len() - 1]);
    let output = command.output().expect("the command runs");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        text.contains("policy old, replication 1: ") && text.contains("the same on 1 and on 7 threads"),
        "{text}"
    );
    let output = authstorm().args(["verify-determinism", "scenarios/zero-latency-loop.toml"]).output();
    assert_eq!(
        output.expect("the command runs").status.code(),
        Some(3),
        "a guard stops it as it stops a run"
    );
}

#[test]
fn results_that_depend_on_ties_are_reported() {
    let command = |args: &[&str]| {
        let mut command = authstorm();
        command
            .args(["verify-determinism", "--ties", "--set", "fleet.users=30", "--replications", "2"])
            .args(args);
        let output = command.output().expect("the command runs");
        (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
    };
    // All users open at once, but they share no limits.
    let (code, text) = command(&["scenarios/healthy.toml", "--set", "fleet.opens=0s"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("share their instant") && text.contains("changes nothing that is counted"),
        "{text}"
    );
    // With one shared worker, the tie decides who waits longest.
    let one_worker = ["scenarios/healthy.toml", "--json", "--set", "fleet.opens=0s"];
    let worker = ["--set", "backend.client={ workers = 1, service = \"1s\", queue = 2 }"];
    let (code, text) = command(&[&one_worker[..], &worker[..]].concat());
    let told: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(code, Some(1), "{text}");
    let policy = &told["policies"][0];
    assert!(policy["tied_events"].as_u64() >= Some(30), "{policy}");
    let metrics = policy["metrics"].as_object().expect("metrics by name");
    assert!(!metrics.is_empty(), "{policy}");
    for (name, metric) in metrics {
        assert_ne!(metric["values"], metric["opposite"], "{name}");
    }
}

/// FNV-1a hash over the bits of a function at 10,000 arguments. Of 50 million rounded draws, 9 differed between
/// platforms. The test must therefore compare bits, for many arguments.
fn hash_of(function: impl Fn(f64) -> f64, at: impl Fn(u64) -> f64) -> u64 {
    (0..10_000u64).fold(0xcbf2_9ce4_8422_2325, |hash, i| {
        let bits = function(std::hint::black_box(at(i))).to_bits();
        bits.to_le_bytes().iter().fold(hash, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3))
    })
}

/// 10,000 numbers spread over (0, 1] by a multiplicative sequence, with irregular bits.
fn unit(i: u64) -> f64 {
    ((i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11) + 1) as f64 / (1u64 << 53) as f64
}

#[test]
fn the_bits_of_each_libm_function_are_pinned() {
    let found = [
        ("log", hash_of(libm::log, unit)),
        ("exp", hash_of(libm::exp, |i| 40.0 * unit(i) - 20.0)),
        ("cos", hash_of(libm::cos, |i| std::f64::consts::TAU * unit(i))),
        ("sqrt", hash_of(libm::sqrt, |i| 60.0 * unit(i))),
        ("pow", hash_of(|x| libm::pow(x, 1.7), |i| 5.0 * unit(i))),
    ];
    let found = found.map(|(name, hash)| format!("{name} {hash:016x}"));
    let pinned = [
        "log 0a120bdfa8d0e99b",
        "exp 480685d7c7af4ce0",
        "cos 01fe2a53f4064293",
        "sqrt 3e94b7ede8a7eea7",
        "pow ff1953277c11b86b",
    ];
    assert_eq!(found, pinned);
}

/// Float methods whose result bits depend on the platform.
const PLATFORM: [&str; 25] = [
    "ln", "log", "log2", "log10", "ln_1p", "exp", "exp2", "exp_m1", "powf", "powi", "sin", "cos", "tan",
    "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "sin_cos", "cbrt", "hypot", "mul_add", "gamma",
];

/// The float method in a line of code whose bits depend on the platform, if any.
fn platform_call(line: &str) -> Option<&'static str> {
    let code = line.split("//").next().unwrap_or_default();
    PLATFORM.into_iter().find(|name| {
        // A method call, or a path such as f64::ln. Calls of libm have the crate's name in front.
        let method = code.match_indices(&format!(".{name}(")).any(|(at, _)| {
            // Excludes `self.log(key, now)` of a limiter, which is no logarithm: floats are not called self.
            !code[..at].ends_with("self")
        });
        method || code.contains(&format!("f64::{name}")) || code.contains(&format!("f32::{name}"))
    })
}

#[test]
fn no_source_calls_platform_mathematics() {
    // The search finds planted calls. clippy.toml also lists every method that clippy knows.
    for planted in
        ["let x = -u.ln() * mean;", "  x.powf(2.0)", "list.iter().map(f64::exp)", "a.mul_add(b, c)"]
    {
        assert!(platform_call(planted).is_some(), "{planted}");
    }
    for innocent in
        ["libm::log(x)", "self.log(key, now)", "// x.ln() is not for us", "x.sqrt()", "tokens.len()"]
    {
        assert_eq!(platform_call(innocent), None, "{innocent}");
    }
    let clippy = fs::read_to_string(root().join("clippy.toml")).expect("clippy.toml");
    for name in PLATFORM {
        assert!(
            name == "gamma" || clippy.contains(&format!("\"f64::{name}\"")),
            "clippy.toml lets {name} pass"
        );
    }
    let files = sources("src");
    assert!(files.len() > 80, "{} files", files.len());
    for (file, text) in files {
        for (number, line) in text.lines().enumerate() {
            if let Some(name) = platform_call(line) {
                panic!("{file}:{}: {name} has other bits on other platforms: use libm", number + 1);
            }
        }
    }
}

/// Draws through the simulator's own logarithm. A mean of 2^60 ns shows all 53 bits of a draw. With ordinary means,
/// rounding to nanoseconds hides the last bits.
fn draws(logarithm: impl Fn(f64) -> f64) -> Vec<u64> {
    let unit = |i: u64| authstorm::kernel::random::open_unit(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    (0..10_000u64)
        .map(|i| (-logarithm(std::hint::black_box(unit(i))) * (1u64 << 60) as f64 + 0.5) as u64)
        .collect()
}

/// The platform's logarithm has other bits than libm's, so a result that used it would too.
///
/// Measured with Rust 1.95 at 10,000 arguments: glibc with and without FMA, musl, i686 and s390x all differ from libm,
/// and not all agree with each other.
#[test]
fn the_logarithm_of_the_platform_is_detected() {
    let mean = authstorm::kernel::Dist::Exponential(authstorm::kernel::dist::Exponential(
        authstorm::kernel::Dur(1 << 60),
    ));
    let ours: Vec<u64> = (0..10_000u64)
        .map(|i| mean.sample(i.wrapping_mul(0x9E37_79B9_7F4A_7C15)).0)
        .map(|ns| ns.min(1 << 63))
        .collect();
    let expected: Vec<u64> = draws(libm::log).into_iter().map(|ns| ns.min(1 << 63)).collect();
    assert!(ours == expected, "the simulator's logarithm is not libm's");
    #[expect(clippy::disallowed_methods, reason = "the planted one")]
    let planted: Vec<u64> = draws(f64::ln).into_iter().map(|ns| ns.min(1 << 63)).collect();
    let differ = ours.iter().zip(&planted).filter(|(a, b)| a != b).count();
    eprintln!("{differ} of 10,000 draws differ with the platform's logarithm");
    assert!(differ > 0, "here a planted logarithm would only be caught by the lint");
    // The pinned hash and the search of the sources detect it too.
    #[expect(clippy::disallowed_methods, reason = "the planted one")]
    let planted = hash_of(f64::ln, unit);
    assert_ne!(planted, hash_of(libm::log, unit));
    assert!(platform_call("hash_of(f64::ln, unit)").is_some());
}
