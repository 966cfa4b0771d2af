//! Dependencies: each has a reason and an allowed licence, and comes from the registry.

use crate::common::root;
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

/// Licences that a program under MIT or Apache-2.0 may use if it gives notice. Each dependency must offer one of them.
const LICENCES: [&str; 12] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "0BSD",
];

fn manifest() -> String {
    fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml")
}

#[test]
fn each_dependency_has_its_reason() {
    let text = manifest();
    let mut section = "";
    let mut before = "";
    let mut counted = 0;
    for line in text.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]") && line.contains('=') {
            let reason = before.strip_prefix("# ").unwrap_or_default();
            assert!(reason.split_whitespace().count() >= 3, "{section} {line}: a line above it must say why");
            counted += 1;
        }
        before = line;
    }
    assert!(counted > 15, "{counted}");
}

/// Whether an expression such as `(MIT OR GPL-2.0) AND Zlib` can be satisfied with allowed licences.
fn is_allowed(expression: &str) -> bool {
    // Old manifests use a slash for OR.
    let expression = expression.replace('/', " OR ");
    let clauses = expression.split(" AND ").map(|clause| clause.trim().trim_matches(['(', ')']).to_owned());
    clauses
        .into_iter()
        .all(|clause| clause.split(" OR ").any(|l| LICENCES.contains(&l.trim().trim_matches(['(', ')']))))
}

#[test]
fn licences_are_allowed_and_sources_are_the_registry() {
    for (expression, allowed) in [
        ("MIT", true),
        ("MIT/Apache-2.0", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("(MIT OR Apache-2.0) AND GPL-3.0", false),
    ] {
        assert_eq!(is_allowed(expression), allowed, "{expression}");
    }
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root()).args(["metadata", "--format-version", "1", "--offline", "--locked"]);
    let output = command.output().expect("cargo");
    if !output.status.success() {
        // Cargo fails if packages of other platforms have not been fetched.
        eprintln!("skipped: {}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 50);
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        let licence = package["license"].as_str().unwrap_or("none stated");
        assert!(is_allowed(licence), "{name}: {licence}");
        let source = package["source"].as_str();
        assert!(
            name.starts_with("authstorm") || source.is_some_and(|s| s.starts_with("registry+")),
            "{name}: {source:?}"
        );
    }
}

#[test]
fn the_package_has_no_build_script_and_forbids_unsafe_code() {
    assert!(!root().join("build.rs").exists(), "no build step of our own");
    let manifest: toml::Table = toml::from_str(&manifest()).expect("TOML");
    let package = manifest["package"].as_table().expect("a table");
    assert!(!package.contains_key("build") && package["edition"].as_str() == Some("2024"));
    assert_eq!(manifest["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
    // README and the manifest name the same minimum toolchain.
    let minimum = package["rust-version"].as_str().expect("a minimum version");
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    assert!(readme.contains(&format!("{minimum} or newer")), "README names {minimum}");
}

/// Packages of the hot path and of results must have one version. Elsewhere, several versions cost compile time only.
#[test]
fn packages_that_results_depend_on_have_one_version() {
    let lock: toml::Table =
        toml::from_str(&fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock")).expect("TOML");
    let packages = lock["package"].as_array().expect("packages");
    let mut seen = BTreeSet::new();
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        assert!(name.starts_with("authstorm") || package.contains_key("checksum"), "{name} has a checksum");
        if ["libm", "rand_chacha", "sha2", "toml", "csv", "serde_json", "plotters"].contains(&name) {
            assert!(seen.insert(name.to_owned()), "{name} is there twice");
        }
    }
    assert_eq!(seen.len(), 7, "{seen:?}");
}

/// The most crates that a user of the library without its features compiles.
const MOST_CRATES: usize = 55;

/// The crates that the library needs with these features, without itself.
fn crates(features: &[&str]) -> BTreeSet<String> {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root()).args([
        "tree",
        "-p",
        "authstorm",
        "--offline",
        "--locked",
        "-e",
        "normal",
        "--prefix",
        "none",
    ]);
    let output = command.args(features).output().expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let names = text.lines().filter(|line| !line.starts_with("authstorm "));
    names.map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
}

#[test]
fn the_library_alone_needs_few_crates_and_neither_charts_nor_threads_nor_a_terminal() {
    let alone = crates(&["--no-default-features"]);
    assert!(alone.len() <= MOST_CRATES, "{} crates: {alone:#?}", alone.len());
    let all = crates(&[]);
    for (feature, name) in [
        ("charts", "plotters "),
        ("charts", "resvg "),
        ("parallel", "rayon "),
        ("cli", "clap "),
        ("cli", "comfy-table "),
    ] {
        let has = |crates: &BTreeSet<String>| crates.iter().any(|line| line.starts_with(name));
        assert!(!has(&alone) && has(&all), "{name}");
        let one = crates(&["--no-default-features", "--features", feature]);
        assert!(has(&one), "{feature} brings {name}");
    }
}

/// Numbers of a version. A suffix such as `+spec-1.1.0` does not influence the order.
fn numbers(version: &str) -> Vec<u64> {
    let plain = version.split(['+', '-']).next().unwrap_or_default();
    plain.split('.').map(|n| n.parse().unwrap_or_else(|_| panic!("{version}"))).collect()
}

fn is_safe(version: &str, safe: &str) -> bool {
    let (sign, bound) = safe.split_once(' ').expect("a sign and a version");
    match sign {
        ">=" => numbers(version) >= numbers(bound),
        "<=" => numbers(version) <= numbers(bound),
        _ => panic!("{safe}: >= or <="),
    }
}

#[test]
fn no_version_has_a_known_vulnerability() {
    for (version, safe, expected) in [
        ("0.3.9", "<= 0.3.9", true),
        ("0.3.10", "<= 0.3.9", false),
        ("0.10.0", ">= 0.9.20", true),
        ("0.9.3", ">= 0.9.20", false),
        ("1.2.1+spec-1.1.0", ">= 1.2.1", true),
    ] {
        assert_eq!(is_safe(version, safe), expected, "{version} {safe}");
    }
    let read = |name: &str| -> toml::Table {
        toml::from_str(&fs::read_to_string(root().join(name)).expect(name)).expect("TOML")
    };
    let (lock, known) = (read("Cargo.lock"), read("tests/advisories.toml"));
    let packages = lock["package"].as_array().expect("packages");
    for advisory in known["advisories"].as_array().expect("advisories") {
        let of = |key: &str| advisory[key].as_str().unwrap_or_else(|| panic!("{advisory}: {key}"));
        assert!(of("id").starts_with("RUSTSEC-") && !of("about").is_empty());
        let mut versions = packages.iter().filter(|p| p["name"].as_str() == Some(of("package"))).peekable();
        assert!(versions.peek().is_some(), "{} is no longer among the dependencies", of("package"));
        for package in versions {
            let version = package["version"].as_str().expect("a version");
            assert!(is_safe(version, of("safe")), "{} {version}: {}", of("package"), of("id"));
        }
    }
}

trait ContainsKey {
    fn contains_key(&self, key: &str) -> bool;
}

impl ContainsKey for toml::Value {
    fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }
}

/// The program for WebAssembly is built with `--locked`, so its lock file must follow the version and the dependencies of
/// the package.
#[test]
fn the_lock_file_of_the_webassembly_program_fits_the_package() {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root()).args([
        "tree",
        "--offline",
        "--locked",
        "--manifest-path",
        "tests/wasm/Cargo.toml",
    ]);
    let output = command.output().expect("cargo");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(!complaint.contains("--locked"), "update tests/wasm/Cargo.lock:\n{complaint}");
    let written = fs::read_to_string(root().join("tests/wasm/Cargo.lock")).expect("a lock file");
    let package = format!("name = \"authstorm\"\nversion = \"{}\"\n", env!("CARGO_PKG_VERSION"));
    assert!(written.contains(&package), "tests/wasm/Cargo.lock has another version");
}

/// A release has the text of the licence of each package that is linked into the command: those of the packages, of authstorm, and
/// of what stands in its source and was written by others.
#[test]
fn the_text_of_each_licence_goes_with_a_release() {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: python3 is not installed");
        return;
    }
    let place = tempfile::tempdir().expect("a folder");
    let own = format!("authstorm v{} ({})", env!("CARGO_PKG_VERSION"), root().display());
    let parts: Vec<serde_json::Value> = crates(&["--target", "all"])
        .iter()
        .chain([&own])
        .map(|line| {
            let mut words = line.split(' ');
            let name = words.next().expect("a name");
            let version = words.next().expect("a version").trim_start_matches('v');
            serde_json::json!({ "name": name, "version": version, "licenses": [{ "expression": "MIT" }] })
        })
        .collect();
    assert!(parts.len() > 100, "{}", parts.len());
    let gathered = |parts: &[serde_json::Value]| {
        let bill = serde_json::json!({ "metadata": { "component": parts[0] }, "components": parts[1..] });
        fs::write(place.path().join("bill.json"), bill.to_string()).expect("written");
        let mut command = Command::new(root().join(".ci/licences"));
        command.current_dir(root()).env("CARGO_NET_OFFLINE", "true");
        command.args([&place.path().join("bill.json"), place.path()]).output().expect("the script runs")
    };
    let output = gathered(&parts);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |name: &str| fs::read_to_string(place.path().join(name)).expect(name);
    let list = read("LICENCES.txt");
    assert_eq!(list.matches(" MIT\n").count(), parts.len());
    assert!(!list.contains("ship no text"), "{list}");
    let texts = read("LICENCE-TEXTS.txt");
    for file in
        ["src/LICENSE-MIT", "src/LICENSE-APACHE", "src/plot/font/LICENSE.txt", "src/page/vendor/LICENSE.txt"]
    {
        let text = fs::read_to_string(root().join(file)).expect(file);
        assert_eq!(texts.matches(text.trim()).count(), 1, "{file} stands there once");
    }
    // A package without a licence stops a release.
    let mut nothing = parts[..2].to_vec();
    nothing[1]["licenses"] = serde_json::json!([]);
    let output = gathered(&nothing);
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && wrong.contains("names no licence"), "{wrong}");
}
