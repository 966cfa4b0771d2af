//! The picture of an error: its first line, then the marked lines of the text, in the form of rustc.

use super::error::TextError;
use super::source::Source;
use crate::text::push_escaped;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::ops::Range;

/// The most columns of a source line in a picture.
const COLUMNS: usize = 100;

/// The error's first line and, below it, the lines of the text that it refers to.
pub(super) fn picture(error: &TextError, colour: bool) -> String {
    let Some(span) = error.span.clone() else {
        return error.first_line();
    };
    let mut group = Group::with_level(Level::ERROR);
    let mut marks = vec![(span, error.label.as_str(), AnnotationKind::Primary)];
    let mut elsewhere = None;
    if let Some((source, span, label)) = &error.other {
        if source.name == error.source.name && source.text == error.source.text {
            marks.push((span.clone(), label.as_str(), AnnotationKind::Context));
        } else {
            elsewhere = Some((source, [(span.clone(), label.as_str(), AnnotationKind::Context)]));
        }
    }
    group = group.element(snippet(&error.source, &marks));
    if let Some((source, marks)) = &elsewhere {
        group = group.element(snippet(source, marks).path(crate::text::escape(&source.name)));
    }
    if let Some(given) = overriding(error) {
        group = group.element(Level::NOTE.message(format!("this text comes from {given}")));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    format!("{}\n{}", error.first_line(), renderer.term_width(200).render(&[group]))
}

/// The override that contains the bytes of an error.
fn overriding(error: &TextError) -> Option<String> {
    let at = error.span.as_ref()?.start;
    let piece = error.source.overridden.iter().find(|piece| piece.bytes.contains(&at))?;
    Some(crate::text::shorten(&piece.given, 60))
}

type Mark<'a> = (Range<usize>, &'a str, AnnotationKind);

/// The lines between the marks as a snippet. Cuts lines to a window around their marks and escapes hidden characters, so
/// that the output is small and harmless for every text.
fn snippet<'a>(source: &Source, marks: &[Mark<'a>]) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    // Lines of the text with overrides. Pictures show line numbers of the file.
    let line_of = |at: usize| source.text[..source.boundary(at)].matches('\n').count();
    let lines: Vec<usize> = marks.iter().map(|m| line_of(m.0.start)).collect();
    let first = lines.iter().copied().min().unwrap_or(0);
    let last = lines.iter().copied().max().unwrap_or(0);
    let first_shown = marks.iter().map(|m| source.place(m.0.start).0).min().unwrap_or(1);
    let (mut shown, mut annotations) = (String::new(), Vec::new());
    let mut start = 0;
    for (number, line) in (0..=last).zip(source.text.split('\n')) {
        if number >= first {
            if number > first {
                shown.push('\n');
            }
            let here: Vec<&Mark<'a>> =
                marks.iter().zip(&lines).filter(|(_, l)| **l == number).map(|(m, _)| m).collect();
            // The renderer folds lines that are far from every mark, so their text is not needed.
            if !here.is_empty() || last - first <= 8 {
                show_line(line, start, &here, &mut shown, &mut annotations);
            }
        }
        start += line.len() + 1;
    }
    Snippet::source(shown).line_start(first_shown).annotations(annotations)
}

/// Appends the visible part of one line, and moves its marks to the shown positions.
fn show_line<'a>(
    line: &str,
    line_start: usize,
    marks: &[&Mark<'a>],
    shown: &mut String,
    annotations: &mut Vec<annotate_snippets::Annotation<'a>>,
) {
    let within = |at: usize| at.saturating_sub(line_start).min(line.len());
    let focus = marks.iter().map(|m| within(m.0.start)).min().unwrap_or(0);
    let columns_before = line.char_indices().take_while(|(at, _)| *at < focus).count();
    let skip = if columns_before > COLUMNS / 2 { columns_before - COLUMNS / 4 } else { 0 };
    // Positions of each byte of the line in `shown`: (byte of the line, byte of shown), ascending.
    let mut moved = Vec::new();
    if skip > 0 {
        shown.push_str("...");
    }
    let mut columns = 0;
    let mut cut = false;
    for (at, c) in line.char_indices().skip(skip) {
        moved.push((at, shown.len()));
        let before = shown.len();
        push_escaped(shown, c);
        // A character outside ASCII may take two columns.
        columns += if c.is_ascii() { shown.len() - before } else { 2.max(shown.len() - before) };
        if columns >= COLUMNS {
            cut = at + c.len_utf8() < line.len();
            break;
        }
    }
    let end = shown.len();
    if cut {
        shown.push_str("...");
    }
    let to_shown = |at: usize| moved.iter().find(|(from, _)| *from >= at).map_or(end, |(_, to)| *to);
    for (span, label, kind) in marks {
        let from = to_shown(within(span.start));
        let to = to_shown(within(span.end.max(span.start))).max(from);
        let mark = kind.span(from..to);
        annotations.push(if label.is_empty() { mark } else { mark.label(crate::text::escape(label)) });
    }
}
