//! What results that another version wrote lack, or have beyond what this version knows.

use crate::text::clean;
use std::fmt;

/// One thing that is missing from results, or unknown to this version. Everything else of them is read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gap {
    /// Metrics of this version that the results do not have.
    NoMetrics(Vec<String>),
    /// Metrics that this version does not know. They are kept, in summary.csv and the table of the page too.
    UnknownMetrics(Vec<String>),
    /// A field that the file does not have.
    NoField {
        /// The file.
        file: &'static str,
        /// The field.
        field: String,
    },
    /// A column that the file does not have.
    NoColumn {
        /// The file.
        file: &'static str,
        /// The column.
        column: &'static str,
    },
    /// Columns that this version does not know.
    UnknownColumns {
        /// The file.
        file: &'static str,
        /// The columns.
        columns: Vec<String>,
    },
    /// Rows that speak of something that this version does not know.
    UnknownRows {
        /// The file.
        file: &'static str,
        /// What is unknown: an endpoint, an outcome or an event.
        what: &'static str,
        /// Its name.
        name: String,
        /// How many rows.
        rows: u64,
    },
    /// Expectations in another form.
    UnreadableExpectations(usize),
    /// A file that is not there.
    NoFile(&'static str),
    /// Stories in another form.
    UnreadableStories(String),
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[String]| names.iter().map(|name| clean(name)).collect::<Vec<_>>().join(", ");
        match self {
            Gap::NoMetrics(names) => {
                write!(f, "Not in these results: {}; tables, findings and charts leave them out", list(names))
            }
            Gap::UnknownMetrics(names) => {
                write!(
                    f,
                    "Unknown to this version: {}; tables show them, findings and charts do not",
                    list(names)
                )
            }
            Gap::NoField { file, field } => write!(f, "{file} has no `{}`", clean(field)),
            Gap::NoColumn { file, column } => write!(f, "{file} has no column {column}"),
            Gap::UnknownColumns { file, columns } => {
                write!(f, "{file} has columns that this version does not know: {}", list(columns))
            }
            Gap::UnknownRows { file, what, name, rows } => write!(
                f,
                "{file} has {rows} rows of the {what} {}, which this version does not know: charts leave them out",
                clean(name)
            ),
            Gap::UnreadableExpectations(count) => {
                write!(f, "summary.json has {count} expectations in a form that this version does not read")
            }
            Gap::NoFile(file) => write!(f, "{file} is not there"),
            Gap::UnreadableStories(why) => {
                write!(f, "stories.json has a form that this version does not read: {}", clean(why))
            }
        }
    }
}
