//! What the format knows: every table, key, type and range, as data.
//!
//! The specs of the parts say the same to serde; this table exists because serde stops at the first problem, speaks of
//! Rust types and knows no places. A test holds the two together.

mod check;
mod format;
mod leaf;
mod number;
#[cfg(test)]
mod tests;

pub use check::{check, check_value};
pub use format::{ONE_TAB_SHARE, POLICY, SCENARIO};
pub use number::MAX_USERS;

/// A table of the format.
#[derive(Debug)]
pub struct Table {
    /// How messages name it: `[fleet]`.
    pub title: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
    /// Whether exactly one key must be given, as for the kinds of distributions.
    pub one_of: bool,
}

/// A key of a table.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value is.
    pub ty: Ty,
    /// For a required key, how it is written, with its unit: shown when it is missing.
    pub required: Option<&'static str>,
    /// It is not required when this key of the same table is there.
    pub unless: Option<&'static str>,
}

/// What a value is.
#[derive(Debug)]
pub enum Ty {
    /// The version of the format.
    Version,
    /// A name: see `names.rs`.
    Name,
    /// A name that something else defines; whether it does is checked later.
    Reference,
    /// A text of at most so many characters, with or without line breaks.
    Text(usize, bool),
    /// An error code of the backend.
    ErrorCode,
    /// A whole number in a range, both ends included.
    Int(u64, u64),
    /// The number of users, whose range is explained by the memory they need.
    Users,
    /// A number in a range, both ends included; integers are taken too.
    Float(f64, f64),
    /// A share or a probability: 0 to 1.
    Share,
    /// A number with at most six decimals, of at least so many millionths.
    Decimal(u64),
    /// `true` or `false`.
    Bool,
    /// A duration; the flag asks for one above zero.
    Dur(bool),
    /// A distribution of durations; the flag asks for a mean above zero.
    Dist(bool),
    /// Requests per time.
    Rate,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A set of failures.
    Failures,
    /// Tabs per user.
    Tabs,
    /// Several users of an action: `"all"` or a table.
    Whom,
    /// A list with at least and at most so many entries.
    List(&'static Ty, usize, usize),
    /// A table.
    Table(&'static Table),
}

impl Ty {
    /// The type in words.
    pub fn noun(&self) -> &'static str {
        match self {
            Ty::Version | Ty::Int(..) | Ty::Users => "integer",
            Ty::Name | Ty::Reference | Ty::Text(..) | Ty::ErrorCode | Ty::Word(_) => "string",
            Ty::Float(..) | Ty::Share | Ty::Decimal(_) => "number",
            Ty::Bool => "boolean",
            Ty::Dur(_) => "duration",
            Ty::Dist(_) => "distribution (a duration or a table)",
            Ty::Rate => "rate",
            Ty::Failures => "list of answers",
            Ty::Tabs => "number of tabs or list of shares",
            Ty::Whom => "users (\"all\" or a table)",
            Ty::List(Ty::Table(_), ..) => "list of tables",
            Ty::List(..) => "list",
            Ty::Table(_) => "table",
        }
    }

    /// The table behind this type, when its values are tables or lists of them.
    pub fn table(&self) -> Option<&'static Table> {
        match self {
            Ty::Table(table) | Ty::List(Ty::Table(table), ..) => Some(table),
            Ty::Dist(_) => Some(&format::DIST),
            Ty::Tabs => Some(&format::TAB_SHARE),
            Ty::Whom => Some(&format::WHOM),
            _ => None,
        }
    }
}

impl Table {
    /// Where its keys are, for messages: `in [fleet]`.
    pub fn whereabouts(&self) -> String {
        let preposition = if std::ptr::eq(self, &SCENARIO) { "at" } else { "in" };
        format!("{preposition} {}", self.title)
    }

    /// The key of this name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The names of all keys.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.keys.iter().map(|key| key.name)
    }

    /// The names of the required keys.
    pub fn required(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.keys.iter().filter(|key| key.required.is_some()).map(|key| key.name)
    }

    /// The first table at or below this one that has a key of this name.
    pub fn home_of(&'static self, name: &str) -> Option<&'static Table> {
        if self.key(name).is_some() {
            return Some(self);
        }
        self.keys.iter().find_map(|key| key.ty.table()?.home_of(name))
    }
}
