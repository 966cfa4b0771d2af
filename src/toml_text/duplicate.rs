//! Errors for a key given twice, with the place of the first one. The parser reports only the second.

use super::error::{Code, TextError};
use super::tree::{Doc, Node};
use crate::text::tick;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The error for a key that the parser met a second time at this span. Includes the first place if `search` is set.
pub(super) fn error(doc: &Doc<'_>, second: Range<usize>, search: bool) -> TextError {
    let name = key_text(&doc.source.text, &second);
    let what = format!("{} is given twice", tick(&name));
    let error = TextError::new(Code::DuplicateKey, doc.source, second.clone(), what)
        .label("second time")
        .fix("keep one of the two");
    match search.then(|| first(doc, &second, &name)).flatten() {
        Some(first) => error.other(first, "first time"),
        None => error,
    }
}

/// The decoded key at a span.
fn key_text(text: &str, span: &Range<usize>) -> String {
    let raw = text.get(span.clone()).unwrap_or("");
    // A quoted key decodes like a string value.
    match DeValue::parse(raw).map(Spanned::into_inner) {
        Ok(DeValue::String(key)) => key.into_owned(),
        _ => raw.to_owned(),
    }
}

/// Place where the key was given first. It is in the inline table around the second one or, for a key on its own line, in
/// the table that was open before that line.
fn first(doc: &Doc<'_>, second: &Range<usize>, name: &str) -> Option<Range<usize>> {
    let text = &doc.source.text;
    if let Some(table) = inline_around(&doc.root, text, second.start) {
        return table.get_key_value(name).map(|(key, _)| key.span()).filter(|key| key.end <= second.start);
    }
    let line_start = text[..second.start].rfind('\n').map_or(0, |at| at + 1);
    let (before, _) = DeTable::parse_recoverable(&text[..line_start]);
    let before = Spanned::new(0..0, DeValue::Table(before.into_inner()));
    let lead = text[line_start..second.start].trim_start();
    let start = match lead.trim_start_matches('[') {
        keys if keys.len() < lead.len() => (&before, keys),
        keys => (last_opened(&before, text), keys),
    };
    let (mut node, lead) = start;
    for key in lead.split('.').map(|k| k.trim().trim_matches(['"', '\''])).filter(|k| !k.is_empty()) {
        node = into_last(node).get_ref().as_table()?.get(key)?;
    }
    into_last(node).get_ref().as_table()?.get_key_value(name).map(|(key, _)| key.span())
}

/// The last table of a list of tables, which a header refers to. Any other node is returned unchanged.
fn into_last<'n, 'a>(node: &'n Node<'a>) -> &'n Node<'a> {
    node.get_ref().as_array().and_then(|list| list.iter().last()).unwrap_or(node)
}

/// The innermost inline table around a byte.
fn inline_around<'n, 'a>(node: &'n Node<'a>, text: &str, at: usize) -> Option<&'n DeTable<'a>> {
    match node.get_ref() {
        DeValue::Table(table) => {
            let inner = table.iter().find_map(|(_, value)| inline_around(value, text, at));
            let around = || node.span().contains(&at) && text[node.span()].starts_with('{');
            inner.or_else(|| around().then_some(table))
        }
        DeValue::Array(list) => list.iter().find_map(|value| inline_around(value, text, at)),
        _ => None,
    }
}

/// The table with the last header in the text; the root if there is no header.
fn last_opened<'n, 'a>(node: &'n Node<'a>, text: &str) -> &'n Node<'a> {
    fn visit<'n, 'a>(node: &'n Node<'a>, text: &str, best: &mut &'n Node<'a>) {
        match node.get_ref() {
            DeValue::Table(table) => {
                if text[node.span()].starts_with('[') && node.span().start >= best.span().start {
                    *best = node;
                }
                table.iter().for_each(|(_, value)| visit(value, text, best));
            }
            DeValue::Array(list) => list.iter().for_each(|value| visit(value, text, best)),
            _ => {}
        }
    }
    let mut best = node;
    visit(node, text, &mut best);
    best
}

#[cfg(test)]
mod tests {
    use crate::toml_text::source::Source;
    use crate::toml_text::tree::Doc;

    #[test]
    fn a_key_given_twice_has_both_places() {
        for (text, second, first) in [
            ("a = 1\nb = 2\na = 3\n", (3, 1), (1, 1)),
            ("[t]\na = 1\n[u]\na = 1\na = 2\n", (5, 1), (4, 1)),
            ("[t]\na = 1\n[u]\n[t]\n", (4, 2), (1, 2)),
            ("[t]\n[t]\n", (2, 2), (1, 2)),
            ("x = { a = 1, b = 2, a = 3 }\n", (1, 21), (1, 7)),
            ("[[t]]\na = 1\n[[t]]\na = 1\nb = 2\na = 2\n", (6, 1), (4, 1)),
            ("[t.u]\na = 1\n[t.u]\n", (3, 4), (1, 4)),
            ("[[t]]\n[t.u]\na = 1\n[[t]]\n[t.u]\n'a' = 1\n\"a\" = 1\n", (7, 1), (6, 1)),
        ] {
            let source = Source::new("t", text);
            let Ok((_, errors)) = Doc::parse(&source) else { panic!("{text}") };
            let errors = errors.finish().errors;
            assert_eq!(errors.len(), 1, "{text}");
            assert_eq!(errors[0].place(), Some(second), "{text}");
            let (_, span, _) = errors[0].other.as_ref().unwrap_or_else(|| panic!("no first place: {text}"));
            assert_eq!(source.place(span.start), first, "{text}");
        }
    }
}
