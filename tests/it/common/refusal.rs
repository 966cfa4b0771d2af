//! Properties of every text that is read as a scenario.

use authstorm::Study;
use authstorm::kernel::Time;
use authstorm::scenario::{Loaded, ScenarioErrors, load_text_in};
use authstorm::toml_text::error::MAX_ERRORS;
use authstorm::world::{Control, memory_estimate, run};
use std::path::Path;

/// A valid text must give the same scenario when the text stored in results is loaded. Other texts must be refused
/// properly.
pub(crate) fn judge(text: &str, dir: &Path) {
    match load_text_in("judged.toml", text, Some(dir), &[]) {
        Ok(loaded) => {
            let again = load_text_in("judged.toml", &loaded.text, Some(dir), &[]);
            let said = |loaded: &Loaded| (loaded.scenario.clone(), loaded.hash());
            assert_eq!(again.as_ref().map(said).ok(), Some(said(&loaded)));
            first_nanosecond(loaded);
        }
        Err(errors) => check_refusal(text, &errors),
    }
}

/// A scenario that loads must run: simulates the first nanosecond of its first part under each policy. A guard may stop
/// it.
pub(crate) fn first_nanosecond(loaded: Loaded) {
    // Skips scenarios with millions of users. `memory_estimate` decides on those.
    if memory_estimate(&loaded).bytes > 64 << 20 {
        return;
    }
    let mut plan = Study::of(loaded).unwrap_or_else(|e| panic!("what was just read: {e}")).plan();
    plan.horizon = Time(1);
    plan.scenario.guard.max_events = plan.scenario.guard.max_events.min(10_000);
    let part = plan.parts().swap_remove(0);
    for contender in 0..plan.contenders.len() {
        let _ = run(&plan, contender, 0, part.clone(), &Control::default());
    }
}

/// Asserts that a refusal has at least one error, each with a place inside its text and a harmless picture.
pub(crate) fn check_refusal(what: &str, errors: &ScenarioErrors) {
    assert!((1..=MAX_ERRORS).contains(&errors.errors.len()), "{what}");
    for error in &errors.errors {
        let span = error.span.clone().unwrap_or_else(|| panic!("{what}: {error:?}"));
        assert!(span.start <= span.end && span.end <= error.source.text.len(), "{what}: {error:?}");
        let (line, column) = error.place().expect("it has a span");
        let count = error.source.text.split('\n').count();
        assert!((1..=count).contains(&line), "{what}: line {line} of {count}");
        let width = error.source.text.split('\n').map(|l| l.chars().count()).max().unwrap_or(0);
        assert!(column <= width + 1, "{what}: column {column}");
    }
    let picture = errors.to_string();
    assert!(!picture.chars().any(|c| c != '\n' && authstorm::text::is_hidden(c)), "{what}: {picture:?}");
    let source_line = |l: &&str| l.split_once('|').is_some_and(|(n, _)| n.trim().parse::<usize>().is_ok());
    for line in picture.lines().filter(source_line) {
        assert!(line.chars().count() <= 120, "{what}: {line}");
    }
}
