//! How a part of a file describes itself. A part is a Rust type that serde reads; its keys, types, units, ranges,
//! defaults, meanings and examples come from that type and its doc comments, and from nowhere else.
//!
//! `schemars` derives a JSON Schema from the type, which reads serde's own attributes, so that names and defaults cannot
//! differ from what serde reads. [`describe`] turns that schema into tables, which the checker walks beside a text
//! ([`check`]), and from which the reference ([`mod@reference`]) and the schema for editors ([`json`]) are written.
//!
//! What JSON Schema has no word for stands in extensions, which start with `x-`:
//!
//! | extension | of | meaning |
//! | --- | --- | --- |
//! | `x-type` | a type | the [`Leaf`] that reads its text, or `share`, `decimal`, `distribution` |
//! | `x-noun`, `x-forms` | a type with several forms | what messages call it, and how it is written |
//! | `x-unit` | a key | what a number counts |
//! | `x-above-zero` | a key | a duration of zero is refused |
//! | `x-lines` | a key | the text may have several lines |
//! | `x-bytes-each` | a key | what each unit takes in memory, in bytes |
//! | `x-unless` | a key | the key is required unless one of these other keys of its table is there |
//! | `x-only` | a key | it belongs to these values of another key: `{ kind = ["status"] }` |
//! | `x-never` | a key | it does not belong to a value of another key, and why: `{ kind = { revocation = "..." } }` |
//! | `x-needed` | a key with `x-only` | those values need it |
//! | `x-path` | a form of a word | any path to a TOML file may stand here; its example |
//! | `x-add` | a key | how it is added when it is missing, where its example does not say so |

mod build;
pub mod check;
pub mod family;
pub mod json;
pub mod leaf;
mod number;
pub mod reference;
mod single;

pub use build::{describe, toml_value};
pub use leaf::Leaf;

use serde_json::Value;

/// The most characters of a text for readers.
pub const PROSE: usize = 2_000;

/// A part: a table of a file with its keys.
#[derive(Debug)]
pub struct Table {
    /// How messages name it: `[fleet]`.
    pub title: String,
    /// What it is.
    pub about: String,
    /// Its keys, in the order of the type's fields.
    pub keys: Vec<Key>,
    /// Whether exactly one key must be given, as for the kinds of distributions.
    pub one_of: bool,
}

/// A key of a table.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// What it means.
    pub about: String,
    /// What its value is.
    pub ty: Ty,
    /// What its number counts; empty for other values.
    pub unit: String,
    /// Whether it must be there. A key that only some values of another key need is not required.
    pub required: bool,
    /// It is not required when one of these keys of the same table is there.
    pub unless: Vec<String>,
    /// The value that it has when it is not there; none when that means something that no value says.
    pub default: Option<Value>,
    /// How a value is written.
    pub example: String,
    /// How it is added, when the example does not say so.
    pub add: Option<String>,
    /// On which value of another key it depends whether it belongs here.
    pub belongs: Option<Belongs>,
}

/// On which value of another key of its table it depends whether a key belongs there.
#[derive(Debug)]
pub struct Belongs {
    /// The other key.
    pub to: String,
    /// Its values that go with this key.
    pub words: Vec<String>,
    /// Whether those values need it.
    pub needed: bool,
    /// Why another value does not go with this key, where that needs an explanation.
    pub why_not: Vec<(String, String)>,
}

/// One of the words that a value may be.
#[derive(Debug)]
pub struct Word {
    /// The word.
    pub word: String,
    /// What it means.
    pub about: String,
    /// Whether the word is the example of a path: any text that ends in `.toml` may stand for it.
    pub is_path: bool,
}

impl Word {
    /// Whether a text is this word.
    pub fn is(&self, text: &str) -> bool {
        self.word == text || self.is_path && text.ends_with(".toml")
    }
}

/// What each of a number takes.
#[derive(Debug)]
pub struct Each {
    /// What is counted: `users`.
    pub unit: String,
    /// Memory of each, in bytes.
    pub bytes: u64,
}

/// What a value is.
#[derive(Debug)]
pub enum Ty {
    /// The version of the format: exactly this number.
    Version(u64),
    /// A whole number in a range, both ends included.
    Int {
        /// Least value.
        least: u64,
        /// The most.
        most: u64,
        /// What each takes, where memory is why there is a most.
        each: Option<Each>,
    },
    /// A number in a range, both ends included; integers are taken too.
    Float(f64, f64),
    /// A share or a probability: 0 to 1.
    Share,
    /// A number with at most six decimals, of at least so many millionths.
    Decimal(u64),
    /// `true` or `false`.
    Bool,
    /// A text for readers.
    Text {
        /// Its most characters.
        longest: usize,
        /// Whether it may have line breaks.
        lines: bool,
    },
    /// A name that something else defines; whether it does is not known here.
    Reference,
    /// A text that is read further: a duration, a rate, a name.
    Leaf {
        /// How it is read.
        leaf: &'static Leaf,
        /// Whether a value of zero is refused.
        above_zero: bool,
    },
    /// One of these words.
    Word(Vec<Word>),
    /// A distribution of durations: a duration, or a table with one kind of distribution.
    Dist {
        /// The kinds, one key each.
        kinds: &'static Table,
        /// Whether a distribution that is always zero is refused.
        above_zero: bool,
    },
    /// One of several forms, which differ in their TOML type.
    Choice {
        /// What messages call it.
        noun: String,
        /// How it is written, in all its forms.
        written: String,
        /// The forms.
        forms: Vec<Ty>,
    },
    /// A list with at least and at most so many entries.
    List(Box<Ty>, usize, usize),
    /// A table.
    Table(&'static Table),
}

impl Ty {
    /// The type in words.
    pub fn noun(&self) -> &str {
        match self {
            Ty::Version(_) | Ty::Int { .. } => "integer",
            Ty::Reference | Ty::Text { .. } | Ty::Word(_) => "string",
            Ty::Leaf { leaf, .. } => leaf.noun,
            Ty::Float(..) | Ty::Share | Ty::Decimal(_) => "number",
            Ty::Bool => "boolean",
            Ty::Dist { .. } => "distribution (a duration or a table)",
            Ty::Choice { noun, .. } => noun,
            Ty::List(entry, ..) => match &**entry {
                Ty::Leaf { leaf, .. } => leaf.list,
                Ty::Table(_) => "list of tables",
                _ => "list",
            },
            Ty::Table(_) => "table",
        }
    }

    /// The table behind this type, when its values are tables or lists of them.
    pub fn table(&self) -> Option<&'static Table> {
        match self {
            Ty::Table(table) | Ty::Dist { kinds: table, .. } => Some(table),
            Ty::List(entry, ..) => match **entry {
                Ty::Table(table) => Some(table),
                _ => None,
            },
            Ty::Choice { forms, .. } => forms.iter().find_map(Ty::table),
            _ => None,
        }
    }

    /// The type of an entry, when values may be lists.
    pub fn entry(&self) -> Option<&Ty> {
        match self {
            Ty::List(entry, ..) => Some(entry),
            Ty::Choice { forms, .. } => forms.iter().find_map(Ty::entry),
            _ => None,
        }
    }
}

impl Table {
    /// Where its keys are, for messages: `in [fleet]`, `at the top level`.
    pub fn whereabouts(&self) -> String {
        let preposition = if self.title.starts_with("the top") { "at" } else { "in" };
        format!("{preposition} {}", self.title)
    }

    /// The key of this name.
    pub fn key(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The names of all keys.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.name.as_str())
    }

    /// The type at a path of plain keys, through lists.
    pub fn at(&self, path: &str) -> Option<&Key> {
        let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
        let key = self.key(first)?;
        match rest {
            Some(rest) => key.ty.table()?.at(rest),
            None => Some(key),
        }
    }

    /// The words that the key at a path, or its entries, may be, without paths; empty when it is no word.
    pub fn words(&self, path: &str) -> Vec<&str> {
        let words = self.words_at(path).iter().filter(|word| !word.is_path);
        words.map(|word| word.word.as_str()).collect()
    }

    /// Whether a text is a word that the key at a path, or one of its entries, may be.
    pub fn is_word(&self, path: &str, text: &str) -> bool {
        self.words_at(path).iter().any(|word| word.is(text))
    }

    fn words_at(&self, path: &str) -> &[Word] {
        match self.at(path).map(|key| key.ty.entry().unwrap_or(&key.ty)) {
            Some(Ty::Word(words)) => words,
            _ => &[],
        }
    }

    /// The first table at or below this one that has a key of this name.
    pub fn home_of(&self, name: &str) -> Option<&Table> {
        if self.key(name).is_some() {
            return Some(self);
        }
        self.keys.iter().find_map(|key| key.ty.table()?.home_of(name))
    }
}
