//! Differences between results of another version and what this version knows.

use crate::text::clean;
use std::fmt;

/// Something that results lack, or have and this version does not know. The rest of the results is read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gap {
    /// Metrics of this version that the results do not have.
    NoMetrics(Vec<String>),
    /// Metrics that this version does not know. They are kept, and shown in summary.csv and in the page's table.
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
    /// Rows with a name that this version does not know.
    UnknownRows {
        /// The file.
        file: &'static str,
        /// Kind of the unknown name: an endpoint, an outcome or an event.
        what: &'static str,
        /// The unknown name.
        name: String,
        /// Number of such rows.
        rows: u64,
    },
    /// Number of expectations with another form.
    UnreadableExpectations(usize),
    /// A file that does not exist.
    NoFile(&'static str),
    /// Stories with another form, with the reason.
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
