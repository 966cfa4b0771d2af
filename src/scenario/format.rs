//! The description of scenario and policy files, derived from their types.

use super::Scenario;
use super::WARM_UP;
use super::expect::EXPECT_OF;
use crate::backend::rate::RATE;
use crate::client::policy::ANSWER;
use crate::spec::leaf::{DURATION, ERROR_CODE, Leaf, NAME};
use crate::spec::reference::{self, KeyRow, NoSuchKey};
use crate::spec::{Table, describe, json};
use std::sync::LazyLock;

/// The types of values that are texts of a given form.
static LEAVES: [&Leaf; 7] = [&NAME, &DURATION, &RATE, &ANSWER, &ERROR_CODE, &EXPECT_OF, &WARM_UP];

/// The table of a scenario file.
pub fn scenario() -> &'static Table {
    static TABLE: LazyLock<&'static Table> = LazyLock::new(|| describe::<Scenario>(&LEAVES));
    *TABLE
}

/// The table of a policy file, which equals that of a `[[policy]]`.
pub fn policy() -> &'static Table {
    scenario().at("policy").and_then(|key| key.ty.table()).expect("a scenario has a list of policies")
}

/// The reference of every key at or below a path such as `fault` or `backend.limit.rate`, as text for a terminal. The
/// empty path stands for the whole format.
///
/// # Errors
/// When there is no such key, table or list.
pub fn reference(path: &str) -> Result<String, NoSuchKey> {
    reference::keys(scenario(), path)
}

/// As [`reference()`], a row for each key.
///
/// # Errors
/// When there is no such key, table or list.
pub fn rows(path: &str) -> Result<Vec<KeyRow>, NoSuchKey> {
    reference::rows(scenario(), path)
}

/// The JSON Schema of scenario files, draft 2020-12, as text.
pub fn json_schema() -> String {
    format!("{:#}\n", json::schema::<Scenario>("A scenario of authstorm"))
}

/// The text of `scenarios/README.md`: every key of the format, by table.
pub fn markdown() -> String {
    let intro = "# Scenarios\n\n\
        The scenarios that come with authstorm, and every key of the file format. `authstorm keys` prints the same on a \
        terminal, `authstorm schema` the JSON Schema for editors, which is `schema.json` here. A scenario whose first line \
        is `#:schema ./schema.json` is completed and checked by editors with a TOML language server.\n\n\
        A key depends on no order of tables. What is not `required` may be left out.\n\n";
    format!("{intro}{}", reference::markdown(scenario()))
}
