//! The examples of the library do what they say.

#[path = "../../examples/compare_limits.rs"]
mod compare_limits;

#[test]
fn the_example_of_a_comparison_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = compare_limits::compare(folder.path()).unwrap_or_else(|e| panic!("{e}"));
    assert!(said.contains("metrics") && said.contains("Under old"), "{said}");
    for name in ["five", "two"] {
        assert!(folder.path().join(name).join("summary.json").exists(), "{name} is written");
    }
    // Written once more, the same results are there already.
    assert_eq!(compare_limits::compare(folder.path()).expect("again"), said);
}
