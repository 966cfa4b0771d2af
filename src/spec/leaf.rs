//! Texts that are read further: how each is read, and what is said when it cannot be.

use crate::kernel::Dur;
use crate::kernel::time::BadText;
use crate::text::names::{ERROR_CODE_RULE, NAME_RULE, is_error_code, why_not_a_name};
use crate::text::quote;
use crate::toml_text::Code;

/// A type whose values are texts with a form of their own. The type's file holds its leaf; the file format lists it.
#[derive(Debug)]
pub struct Leaf {
    /// The `x-type` of the type's schema.
    pub name: &'static str,
    /// What messages call a value.
    pub noun: &'static str,
    /// What messages call a list of values.
    pub list: &'static str,
    /// How values are written, for a value of another type.
    pub written: &'static str,
    /// How a list of values is written.
    pub written_list: &'static str,
    /// A value.
    pub example: &'static str,
    /// The most characters; what is longer is not read.
    pub longest: usize,
    /// Reads a value: what is wrong with it.
    pub read: fn(&str) -> Result<Sense, Wrong>,
}

/// What a text says, as far as this room needs to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sense {
    /// A value of no length or number.
    Zero,
    /// Any other value.
    Other,
}

/// Why a text is no value of a leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The kind of error.
    pub code: Code,
    /// What is wrong; with what was found and allowed, when those are not given beside it.
    pub what: String,
    /// What was found.
    pub found: Option<String>,
    /// What is allowed.
    pub allowed: Option<String>,
    /// What would mend it.
    pub fix: Option<String>,
}

impl Wrong {
    /// Something wrong in these words.
    pub fn new(code: Code, what: impl Into<String>) -> Wrong {
        Wrong { code, what: what.into(), found: None, allowed: None, fix: None }
    }
}

impl From<BadText> for Wrong {
    fn from(bad: BadText) -> Wrong {
        match bad {
            BadText::Malformed(what) => Wrong::new(Code::Malformed, what),
            BadText::OutOfRange(what) => Wrong::new(Code::OutOfRange, what),
        }
    }
}

/// A span of time.
pub static DURATION: Leaf = Leaf {
    name: "duration",
    noun: "duration",
    list: "list",
    written: "a duration with a unit, such as \"5s\" or \"1h30m\"",
    written_list: "[\"5s\", \"1h30m\"]",
    example: "30s",
    longest: 64,
    read: |text| match Dur::parse(text)? {
        Dur::ZERO => Ok(Sense::Zero),
        _ => Ok(Sense::Other),
    },
};

/// A name that becomes a file name.
pub static NAME: Leaf = Leaf {
    name: "name",
    noun: "string",
    list: "list",
    written: NAME_RULE,
    written_list: NAME_RULE,
    example: "my-name",
    longest: usize::MAX,
    read: read_name,
};

fn read_name(name: &str) -> Result<Sense, Wrong> {
    let Some(why) = why_not_a_name(name) else { return Ok(Sense::Other) };
    let lower = name.to_ascii_lowercase();
    let fix = lower != name && why_not_a_name(&lower).is_none();
    Err(Wrong {
        found: Some(quote(name)),
        allowed: Some(NAME_RULE.into()),
        fix: fix.then(|| format!("write \"{lower}\"")),
        ..Wrong::new(Code::BadName, why)
    })
}

/// The error code of an answer.
pub static ERROR_CODE: Leaf = Leaf {
    name: "error-code",
    noun: "string",
    list: "list",
    written: ERROR_CODE_RULE,
    written_list: ERROR_CODE_RULE,
    example: "too_many_requests",
    longest: usize::MAX,
    read: |text| match is_error_code(text) {
        true => Ok(Sense::Other),
        false => Err(Wrong {
            found: Some(quote(text)),
            allowed: Some(ERROR_CODE_RULE.into()),
            ..Wrong::new(Code::Malformed, "not an error code")
        }),
    },
};

/// A schema of a string that a leaf reads; the type's description and pattern are added to it.
macro_rules! text_schema {
    ($name:literal, $pattern:expr, $example:literal) => {
        schemars::json_schema!({ "type": "string", "x-type": $name, "pattern": $pattern, "examples": [$example] })
    };
}
pub(crate) use text_schema;

/// A name, as the type of a key that is a `String`.
#[derive(Debug)]
pub struct Name;

/// A name that something else defines, as the type of a key that is a `String`.
#[derive(Debug)]
pub struct Reference;

/// A share or a probability, as the type of a key that is a number.
#[derive(Debug)]
pub struct Share;

/// An error code, as the type of a key that is a `String`.
#[derive(Debug)]
pub struct ErrorCode;

/// A schema that stands in its place, not among the definitions.
macro_rules! inline_schema {
    ($ty:ty, $name:literal, $schema:expr) => {
        impl schemars::JsonSchema for $ty {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $schema
            }
        }
    };
}
pub(crate) use inline_schema;

inline_schema!(
    Name,
    "Name",
    schemars::json_schema!({ "type": "string", "x-type": "name", "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$" })
);
inline_schema!(
    ErrorCode,
    "ErrorCode",
    text_schema!("error-code", "^[A-Za-z0-9_]{1,64}$", "too_many_requests")
);
inline_schema!(Reference, "Reference", schemars::json_schema!({ "type": "string", "x-type": "reference" }));
inline_schema!(
    Share,
    "Share",
    schemars::json_schema!({ "type": "number", "x-type": "share", "minimum": 0, "maximum": 1 })
);
