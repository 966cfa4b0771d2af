//! The description of client profiles, derived from their types: the checker, the reference and the schema for editors come
//! from it.

use super::compile::statuses;
use super::profile::Profile;
use crate::spec::leaf::{DURATION, Leaf, NAME, Sense, Wrong, inline_schema, text_schema};
use crate::spec::reference::{self, KeyRow, NoSuchKey};
use crate::spec::{Table, describe, json};
use crate::text::quote;
use crate::toml_text::Code;
use std::sync::LazyLock;

/// The types of values that are texts of a given form.
static LEAVES: [&Leaf; 3] = [&NAME, &DURATION, &STATUS];

/// How a status of an answer is written.
pub(super) const STATUS_RULE: &str =
    "a status from 300 to 599 (\"429\"), a range (\"500-504\"), \"no-answer\", \"timeout\", \"page-error\"";

/// A status of an answer, as a row names it.
static STATUS: Leaf = Leaf {
    name: "answer-status",
    noun: "string",
    list: "list of statuses",
    written: STATUS_RULE,
    written_list: "[\"429\"], [\"500-504\", \"no-answer\"]",
    example: "429",
    longest: 16,
    read: |text| match matches!(text, "no-answer" | "timeout" | "page-error") || statuses(text).is_some() {
        true => Ok(Sense::Other),
        false => Err(Wrong {
            found: Some(quote(text)),
            allowed: Some(STATUS_RULE.into()),
            ..Wrong::new(Code::Malformed, "not a status of an answer")
        }),
    },
};

/// A status of an answer, as the type of a key that is a list of `String`.
#[derive(Debug)]
pub(super) struct Status;

inline_schema!(
    Status,
    "Status",
    text_schema!("answer-status", "^([345][0-9]{2}(-[345][0-9]{2})?|no-answer|timeout|page-error)$", "429")
);

/// The table of a client profile.
pub fn profile() -> &'static Table {
    static TABLE: LazyLock<&'static Table> = LazyLock::new(|| describe::<Profile>(&LEAVES));
    *TABLE
}

/// The reference of every key at or below a path such as `answer` or `caller.margin`, as text for a terminal. The empty
/// path stands for the whole format.
///
/// # Errors
/// When there is no such key, table or list.
pub fn reference(path: &str) -> Result<String, NoSuchKey> {
    reference::keys(profile(), path)
}

/// As [`reference()`], a row for each key.
///
/// # Errors
/// When there is no such key, table or list.
pub fn rows(path: &str) -> Result<Vec<KeyRow>, NoSuchKey> {
    reference::rows(profile(), path)
}

/// The JSON Schema of client profiles, draft 2020-12, as text.
pub fn json_schema() -> String {
    format!("{:#}\n", json::schema::<Profile>("A client profile of authstorm"))
}

/// Every key of the format, by table, as Markdown.
pub fn markdown() -> String {
    reference::markdown(profile())
}
