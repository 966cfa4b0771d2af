//! Errors as values: what is wrong, its place, what was found, what is allowed, and how to fix it.

use super::source::Source;
use crate::text::{escape, tick};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// The most errors that one message lists. Further errors are only counted.
pub const MAX_ERRORS: usize = 200;
/// The most errors that a message shows with lines of text. Further errors have only place and text.
pub const PICTURED: usize = 20;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $id:ident = $number:literal;)*) => {
        /// The kinds of errors. The number of a kind never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u16)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[doc = $doc])+ $id = $number,)*
        }
    };
}

codes! {
    /// The file cannot be opened or read.
    Unreadable = 1;
    /// A directory, device, pipe or socket.
    NotAFile = 2;
    /// More than 1 MiB.
    TooLarge = 3;
    /// The bytes are not UTF-8.
    NotUtf8 = 4;
    /// The bytes look like UTF-16.
    Utf16 = 5;
    /// NUL, a lone carriage return, or a byte order mark inside the text.
    ForbiddenCharacter = 6;
    /// Arrays, tables or dotted keys nest too deep.
    TooDeep = 7;
    /// No key at all.
    Empty = 8;
    /// Not TOML.
    Syntax = 9;
    /// A key given twice in one table.
    DuplicateKey = 10;
    /// A key that the format does not know.
    UnknownKey = 101;
    /// A required key that is not there.
    MissingKey = 102;
    /// A value of another type.
    WrongType = 103;
    /// A word that is not one of the allowed ones.
    UnknownWord = 104;
    /// A version of the format that this build does not read.
    Version = 105;
    /// A duration, rate, distribution or set of answers that cannot be read.
    Malformed = 106;
    /// A number or duration out of its range.
    OutOfRange = 107;
    /// `nan` or `inf`.
    NotFinite = 108;
    /// A list with too few or too many entries.
    ListLength = 109;
    /// A name that is not well-formed.
    BadName = 201;
    /// A name used twice.
    DuplicateName = 202;
    /// Control or format characters in a text.
    BadText = 203;
    /// A text that is too long.
    LongText = 204;
    /// More rows of output than a run may write.
    TooManyRows = 301;
    /// More than memory holds.
    TooMuchMemory = 302;
    /// Shares that do not add up to 1.
    Shares = 401;
    /// A key that this kind does not take.
    KeyOfOtherKind = 402;
    /// A key that this kind needs.
    KeyOfThisKind = 403;
    /// Two values that must be in order and are not.
    Order = 404;
    /// Two faults of which one can never act.
    Overlap = 405;
    /// An entry listed twice.
    Repeated = 406;
    /// A key that needs another one.
    NeedsKey = 407;
    /// A user that the fleet does not have.
    NoSuchUser = 408;
    /// A cohort that the scenario does not have.
    NoSuchCohort = 409;
    /// A region that the scenario does not have.
    NoSuchRegion = 410;
    /// A policy that is not defined.
    UnknownPolicy = 501;
    /// A preset's name with other content.
    PresetRedefined = 502;
    /// A policy file outside the scenario's directory.
    PolicyPath = 503;
    /// A condition that cannot be read.
    Condition = 601;
    /// A metric that does not exist.
    UnknownMetric = 602;
    /// An override that cannot be read.
    BadOverride = 701;
    /// An override that finds no place in the text.
    OverridePlace = 702;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E{:03}", *self as u16)
    }
}

/// One error, with the text that it refers to.
#[derive(Clone, Debug)]
pub struct TextError {
    /// Kind of the error.
    pub code: Code,
    /// What is wrong, in words; hidden characters of the input are escaped.
    pub what: String,
    /// What was found, in words.
    pub found: Option<String>,
    /// What is allowed, in words.
    pub allowed: Option<String>,
    /// How to fix it.
    pub fix: Option<String>,
    /// The text that the error refers to.
    pub source: Arc<Source>,
    /// Range of bytes in the text; absent for an error about the whole file.
    pub span: Option<Range<usize>>,
    /// Text below the marked bytes.
    pub label: String,
    /// The second place of a conflict, and the text below it.
    pub other: Option<(Arc<Source>, Range<usize>, String)>,
}

impl TextError {
    /// An error about these bytes of a text.
    pub fn new(code: Code, source: &Arc<Source>, span: Range<usize>, what: impl Into<String>) -> TextError {
        TextError {
            code,
            what: what.into(),
            found: None,
            allowed: None,
            fix: None,
            source: Arc::clone(source),
            span: Some(span),
            label: String::new(),
            other: None,
        }
    }

    /// An error about a whole file, without a place in its text.
    pub fn of_file(code: Code, source: &Arc<Source>, what: impl Into<String>) -> TextError {
        TextError { span: None, ..TextError::new(code, source, 0..0, what) }
    }

    /// Sets what was found.
    pub fn found(mut self, found: impl Into<String>) -> TextError {
        self.found = Some(found.into());
        self
    }

    /// Sets what is allowed.
    pub fn allowed(mut self, allowed: impl Into<String>) -> TextError {
        self.allowed = Some(allowed.into());
        self
    }

    /// Sets how to fix it.
    pub fn fix(mut self, fix: impl Into<String>) -> TextError {
        self.fix = Some(fix.into());
        self
    }

    /// Asks whether the nearest known name was meant, if there is one.
    pub fn did_you_mean(self, nearest: Option<&str>) -> TextError {
        match nearest {
            Some(name) => self.label("unknown").fix(format!("did you mean {}?", tick(name))),
            None => self,
        }
    }

    /// Sets the text below the marked bytes.
    pub fn label(mut self, label: impl Into<String>) -> TextError {
        self.label = label.into();
        self
    }

    /// Sets the second place of a conflict.
    pub fn other(self, span: Range<usize>, label: impl Into<String>) -> TextError {
        let source = Arc::clone(&self.source);
        self.other_in(&source, span, label)
    }

    /// Sets a second place in another text.
    pub fn other_in(
        mut self,
        source: &Arc<Source>,
        span: Range<usize>,
        label: impl Into<String>,
    ) -> TextError {
        self.other = Some((Arc::clone(source), span, label.into()));
        self
    }

    /// Name of the file as given by the user.
    pub fn file(&self) -> &str {
        &self.source.name
    }

    /// The 1-based line and column (in characters); `None` for an error about the whole file.
    pub fn place(&self) -> Option<(usize, usize)> {
        self.span.as_ref().map(|span| self.source.place(span.start))
    }

    /// The message without place and picture, on one line.
    pub fn message(&self) -> String {
        let mut line = self.what.clone();
        for (lead, part) in [("got ", &self.found), ("allowed: ", &self.allowed), ("", &self.fix)].into_iter()
        {
            if let Some(part) = part {
                line += "; ";
                line += lead;
                line += part;
            }
        }
        line
    }

    /// The first line of the message: `<file>:<line>:<col>: error[E###]: ...`.
    pub fn first_line(&self) -> String {
        let file = escape(self.file());
        match self.place() {
            Some((line, column)) => {
                format!("{file}:{line}:{column}: error[{}]: {}", self.code, self.message())
            }
            None => format!("{file}: error[{}]: {}", self.code, self.message()),
        }
    }
}

/// The errors of one load: at least one, at most [`MAX_ERRORS`], in text order.
#[derive(Clone, Debug)]
pub struct TextErrors {
    /// The errors.
    pub errors: Vec<TextError>,
    /// Number of further errors.
    pub more: usize,
}

impl TextErrors {
    /// All messages. The first [`PICTURED`] have pictures. `colour` is for terminals with colours.
    pub fn render(&self, colour: bool) -> String {
        let (pictured, told) = self.errors.split_at(self.errors.len().min(PICTURED));
        let mut parts: Vec<String> = pictured.iter().map(|e| super::picture::picture(e, colour)).collect();
        if !told.is_empty() {
            parts.push(told.iter().map(TextError::first_line).collect::<Vec<_>>().join("\n"));
        }
        if self.more > 0 {
            parts.push(format!("and {} more errors", self.more));
        }
        parts.join("\n\n")
    }
}

impl fmt::Display for TextErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for TextErrors {}

/// A collection of errors; possibly empty.
#[derive(Clone, Debug, Default)]
pub struct Errors {
    list: Vec<TextError>,
    dropped: usize,
}

impl Errors {
    /// Adds an error. Beyond a limit, keeps only the first errors in text order and counts the others, so that a hostile file
    /// costs no memory per error.
    pub fn push(&mut self, error: TextError) {
        // Keeps more than are listed, because the same error may come twice.
        const KEPT: usize = 2 * MAX_ERRORS;
        self.list.push(error);
        if self.list.len() > 4 * KEPT {
            self.sort();
            self.dropped += self.list.len() - KEPT;
            self.list.truncate(KEPT);
        }
    }

    /// Counts further errors without their text. The collection must have errors that explain them.
    pub fn count(&mut self, more: usize) {
        self.dropped += more;
    }

    /// Adds all errors of another collection.
    pub fn append(&mut self, other: Errors) {
        self.dropped += other.dropped;
        other.list.into_iter().for_each(|e| self.push(e));
    }

    /// Whether an error is of this kind.
    pub fn has(&self, code: Code) -> bool {
        self.list.iter().any(|e| e.code == code)
    }

    /// Whether all errors are of this kind; true without errors.
    pub fn only_of(&self, code: Code) -> bool {
        self.list.iter().all(|e| e.code == code)
    }

    /// Keeps the errors of one kind.
    pub fn only(mut self, code: Code) -> Errors {
        self.list.retain(|e| e.code == code);
        self
    }

    /// Whether there are no errors.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The number of errors.
    pub fn len(&self) -> usize {
        self.list.len() + self.dropped
    }

    /// `Ok` without errors.
    ///
    /// # Errors
    /// The collection, if it has errors.
    pub fn into_result(self) -> Result<(), Errors> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }

    /// Sorts the errors by their place in the text. Texts are ordered by their first error.
    fn sort(&mut self) {
        let mut files: Vec<Arc<Source>> = Vec::new();
        for error in &self.list {
            if !files.iter().any(|f| Arc::ptr_eq(f, &error.source)) {
                files.push(Arc::clone(&error.source));
            }
        }
        let start = |e: &TextError| e.span.as_ref().map_or(0, |s| s.start);
        let rank = |e: &TextError| files.iter().position(|f| Arc::ptr_eq(f, &e.source));
        self.list
            .sort_by(|a, b| (rank(a), start(a), a.code, &a.what).cmp(&(rank(b), start(b), b.code, &b.what)));
    }

    /// The errors in text order, at most [`MAX_ERRORS`]. Each message appears once per place.
    pub fn finish(mut self) -> TextErrors {
        self.sort();
        self.list.dedup_by(|a, b| {
            Arc::ptr_eq(&a.source, &b.source) && (&a.span, a.code, &a.what) == (&b.span, b.code, &b.what)
        });
        let all = self.list.len() + self.dropped;
        self.list.truncate(MAX_ERRORS);
        TextErrors { more: all - self.list.len(), errors: self.list }
    }
}

impl From<TextError> for Errors {
    fn from(error: TextError) -> Errors {
        Errors { list: vec![error], dropped: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Found by random edits: the nearest known name to a policy's name begins with U+202E.
    #[test]
    fn the_nearest_name_is_shown_escaped() {
        let source = Source::new("a.toml", "x = 1\n");
        let error = TextError::of_file(Code::UnknownPolicy, &source, "no such policy");
        let fix = error.did_you_mean(Some("\u{202E}half")).fix.unwrap_or_default();
        assert!(fix.contains("\\u{202e}half") && !fix.contains('\u{202E}'), "{fix}");
    }
}
