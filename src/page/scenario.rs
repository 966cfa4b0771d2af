//! The scenario's text, with its keys explained: on hover, and in a list below for readers who cannot hover.

use super::html::{escaped, escaped_lines};
use crate::scenario::format;
use crate::spec::{Key, Table};
use crate::toml_text::{Doc, Source};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// The most bytes of the scenario's text. Longer text is cut; scenario.toml is beside the page.
const MOST: usize = 60_000;
/// The most keys that are explained.
const MOST_KEYS: usize = 500;

/// Writes the section.
pub(super) fn scenario_text(scenario: &str, out: &mut String) {
    let end = (0..=scenario.len().min(MOST)).rev().find(|i| scenario.is_char_boundary(*i)).unwrap_or(0);
    let cut = if end < scenario.len() { "\n… cut here: see scenario.toml" } else { "" };
    let keys: Vec<Explained> =
        explained(scenario).into_iter().filter(|key| key.at.end <= end).take(MOST_KEYS).collect();
    let mut text = String::new();
    let mut from = 0;
    for key in &keys {
        text.push_str(&escaped_lines(&scenario[from..key.at.start]));
        let _ = write!(
            text,
            "<span class=\"key\" title=\"{}\">{}</span>",
            escaped(&key.key.hint()),
            escaped_lines(&scenario[key.at.clone()])
        );
        from = key.at.end;
    }
    text.push_str(&escaped_lines(&scenario[from..end]));
    let _ = write!(
        out,
        "<section aria-labelledby=\"scenario\">\n<h2 id=\"scenario\">Scenario</h2>\n<details>\n\
         <summary>scenario.toml</summary>\n<p class=\"hint\">Hover over a key for what it means.</p>\n\
         <pre tabindex=\"0\" role=\"region\" aria-label=\"scenario.toml\">{text}{cut}</pre>\n</details>\n"
    );
    list(&keys, out);
    out.push_str("</section>\n");
}

/// Writes each key of the text with what it means, in the order of its first place.
fn list(keys: &[Explained], out: &mut String) {
    let mut listed: Vec<&str> = Vec::new();
    let mut entries = String::new();
    for key in keys.iter().filter(|key| key.key.ty.table().is_none()) {
        if !listed.contains(&key.path.as_str()) {
            listed.push(&key.path);
            let _ = writeln!(
                entries,
                "<dt><code>{}</code></dt><dd>{}</dd>",
                escaped(&key.path),
                escaped(&key.key.hint())
            );
        }
    }
    if !entries.is_empty() {
        let _ = writeln!(
            out,
            "<details>\n<summary>Every key of it explained</summary>\n<dl>\n{entries}</dl>\n</details>"
        );
    }
}

/// A key in the text.
struct Explained {
    at: Range<usize>,
    path: String,
    key: &'static Key,
}

/// The keys of a scenario that its format describes, in the order of the text. None in a text that is not TOML.
fn explained(text: &str) -> Vec<Explained> {
    let source = Source::new("scenario.toml", text);
    let Ok((doc, _)) = Doc::parse(&source) else { return Vec::new() };
    let mut found = Found { keys: BTreeMap::new(), texts: Vec::new() };
    if let DeValue::Table(root) = doc.root.get_ref() {
        found.walk(root, "", format::scenario());
    }
    found.headers(text);
    found.keys.into_values().collect()
}

struct Found {
    /// Keys by their places.
    keys: BTreeMap<usize, Explained>,
    /// Places of texts, in which nothing is a key.
    texts: Vec<Range<usize>>,
}

impl Found {
    fn walk(&mut self, table: &DeTable<'_>, path: &str, of: &'static Table) {
        for (name, value) in table.iter() {
            let Some(key) = of.key(name.get_ref()) else { continue };
            let path = if path.is_empty() { key.name.clone() } else { format!("{path}.{}", key.name) };
            let at = name.span();
            self.keys.insert(at.start, Explained { at, path: path.clone(), key });
            match (value.get_ref(), key.ty.table()) {
                (DeValue::Table(inner), Some(of)) => self.walk(inner, &path, of),
                (DeValue::Array(list), Some(of)) => {
                    for entry in list.iter() {
                        if let DeValue::Table(inner) = entry.get_ref() {
                            self.walk(inner, &path, of);
                        }
                    }
                }
                _ => self.texts.push(value.span()),
            }
        }
    }

    /// The headers of tables. The parser gives a place only to the first header of a list of tables.
    fn headers(&mut self, text: &str) {
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let inside = self.texts.iter().any(|span| span.contains(&start));
            let name = line.trim_start_matches('[').split(']').next().unwrap_or_default();
            if line.starts_with('[')
                && !inside
                && let Some(key) = format::scenario().at(name)
            {
                let open = line.len() - line.trim_start_matches('[').len();
                let at = start + open..start + open + name.len();
                self.keys.retain(|_, other| other.at.end <= at.start || at.end <= other.at.start);
                self.keys.insert(at.start, Explained { at, path: name.to_owned(), key });
            }
            start += line.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_a_shipped_scenario_is_explained() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|ending| ending != "toml") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let keys = explained(&text);
            for (number, line) in text.lines().enumerate() {
                let start = text.lines().take(number).map(|line| line.len() + 1).sum::<usize>();
                let is_key = line.split_once(" = ").is_some_and(|(key, _)| {
                    key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
                });
                if is_key || line.starts_with('[') {
                    let on_line = |key: &&Explained| (start..start + line.len()).contains(&key.at.start);
                    let key = keys.iter().find(on_line);
                    assert!(key.is_some_and(|key| key.key.hint().len() > 20), "{}: {line}", path.display());
                    seen += 1;
                }
            }
            assert!(keys.windows(2).all(|pair| pair[0].at.end <= pair[1].at.start), "{}", path.display());
        }
        assert!(seen > 100, "{seen}");
    }

    #[test]
    fn a_text_is_no_key_and_hostile_text_stays_text() {
        let text = "version = 1\nabout = \"\"\"\n[fleet]\nusers = 5 <script>\n\"\"\"\nname = \"x\"\n[[fault]]\nkind = \"pass\"\n\
                    [[fault]]\nkind = \"pass\"\n";
        let keys: Vec<String> = explained(text).into_iter().map(|key| key.path).collect();
        assert_eq!(keys, ["version", "about", "name", "fault", "fault.kind", "fault", "fault.kind"]);
        let mut page = String::new();
        scenario_text(text, &mut page);
        assert!(!page.contains("<script>") && page.contains("5 &lt;script&gt;"), "{page}");
        let mut page = String::new();
        scenario_text("not = [TOML", &mut page);
        assert!(page.contains("not = [TOML"), "{page}");
    }
}
