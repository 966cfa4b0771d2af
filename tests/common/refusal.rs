//! What holds of every text that is read as a scenario.

use authstorm::scenario::{Loaded, ScenarioErrors, load_text_in};
use std::path::Path;

/// The text is right, and then what is kept of it in results reads as the same scenario; or it is refused as it should be.
pub fn judge(text: &str, dir: &Path) {
    match load_text_in("judged.toml", text, Some(dir), &[]) {
        Ok(loaded) => {
            let again = load_text_in("judged.toml", &loaded.text, Some(dir), &[]);
            let said = |loaded: &Loaded| (loaded.scenario.clone(), loaded.hash());
            assert_eq!(again.as_ref().map(said).ok(), Some(said(&loaded)));
        }
        Err(errors) => check_refusal(text, &errors),
    }
}

/// What holds for every refusal: at least one error, each with a place inside its text, and a harmless picture.
pub fn check_refusal(what: &str, errors: &ScenarioErrors) {
    assert!((1..=20).contains(&errors.errors.len()), "{what}");
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
    assert!(
        !picture.chars().any(|c| c != '\n' && authstorm::scenario::text::is_hidden(c)),
        "{what}: {picture:?}"
    );
    let source_line = |l: &&str| l.split_once('|').is_some_and(|(n, _)| n.trim().parse::<usize>().is_ok());
    for line in picture.lines().filter(source_line) {
        assert!(line.chars().count() <= 120, "{what}: {line}");
    }
}
