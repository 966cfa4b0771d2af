//! The fast part of `authstorm verify`: closed forms, judges on random scenarios, exhaustive search.

use authstorm::verify::{Kind, Options, families, verify};

#[test]
fn the_fast_part_passes_and_every_family_rejects_a_wrong_model() {
    let report = verify(&Options { fast: true, family: None, seed: 1 });
    let failed: Vec<_> = report.checks.iter().filter(|check| !check.passed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(report.confidence() > 0.999_99, "{}", report.confidence());
    for family in families() {
        let of_family = || report.checks.iter().filter(|check| check.family == family.name);
        // Its hundred runs take too long for the fast part.
        if family.name == "ci_coverage_test" {
            continue;
        }
        assert!(of_family().any(|c| c.kind != Kind::Rejects), "{} has no check", family.name);
        assert!(of_family().any(|c| c.kind == Kind::Rejects), "{} rejects nothing", family.name);
    }
}

#[test]
fn verify_is_deterministic() {
    let options = Options { fast: true, family: Some("finite_source_retrial".to_owned()), seed: 7 };
    assert_eq!(verify(&options), verify(&options));
}
