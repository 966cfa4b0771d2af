//! CSV tables of any version. Columns are found by name, and unknown names are counted.

use super::super::Gap;
use super::super::csv::CLIENT_COLUMN;
use super::error::{Reason, Unreadable};
use ::csv::StringRecord;
use std::collections::BTreeMap;

/// Rows with unknown names, by kind and name.
#[derive(Default)]
pub(super) struct Unknown(BTreeMap<(&'static str, String), u64>);

impl Unknown {
    pub(super) fn count(&mut self, what: &'static str, name: &str) {
        *self.0.entry((what, name.to_owned())).or_default() += 1;
    }

    pub(super) fn tell(self, file: &'static str, gaps: &mut Vec<Gap>) {
        let rows = self.0.into_iter();
        gaps.extend(rows.map(|((what, name), rows)| Gap::UnknownRows { file, what, name, rows }));
    }
}

/// Replacement for a missing column; absent if rows need the column.
fn stand_in(column: &str) -> Option<&'static str> {
    match column {
        "entries" | "depth" | "requests" | "stale_token_s" | "recursive_entries" | "failed_entries" => {
            Some("0")
        }
        "signed_out_at_s" | "sign_out" | CLIENT_COLUMN => Some(""),
        _ => None,
    }
}

/// A table whose columns are found by name, in any order.
pub(super) struct Table<'a, const N: usize> {
    file: &'static str,
    reader: ::csv::Reader<&'a [u8]>,
    /// Index of each column, or its replacement.
    places: [Result<usize, &'static str>; N],
}

impl<'a, const N: usize> Table<'a, N> {
    pub(super) fn of(
        file: &'static str,
        bytes: &'a [u8],
        columns: [&'static str; N],
        gaps: &mut Vec<Gap>,
    ) -> Result<Table<'a, N>, Unreadable> {
        let mut reader = ::csv::ReaderBuilder::new().has_headers(true).from_reader(bytes);
        let broken = |why| Unreadable { file, line: Some(1), why };
        let header = reader.headers().map_err(|e| broken(Reason::Malformed(e.to_string())))?.clone();
        let mut places = [Err(""); N];
        for (place, column) in places.iter_mut().zip(columns) {
            *place = match header.iter().position(|name| name == column) {
                Some(at) => Ok(at),
                None => {
                    let cell = stand_in(column).ok_or_else(|| broken(Reason::NoColumn(column)))?;
                    if column != CLIENT_COLUMN {
                        gaps.push(Gap::NoColumn { file, column });
                    }
                    Err(cell)
                }
            };
        }
        let unknown: Vec<String> =
            header.iter().filter(|name| !columns.contains(name)).map(str::to_owned).collect();
        if !unknown.is_empty() {
            gaps.push(Gap::UnknownColumns { file, columns: unknown });
        }
        Ok(Table { file, reader, places })
    }

    /// Calls `row` with the known cells of every row.
    pub(super) fn rows(
        mut self,
        mut row: impl FnMut([&str; N]) -> Result<(), Reason>,
    ) -> Result<(), Unreadable> {
        let file = self.file;
        let broken = |line, why| Unreadable { file, line, why };
        let mut record = StringRecord::new();
        loop {
            let more = self.reader.read_record(&mut record).map_err(|e| {
                broken(e.position().map(::csv::Position::line), Reason::Malformed(e.to_string()))
            })?;
            if !more {
                return Ok(());
            }
            let cell = |place: Result<usize, &'static str>| match place {
                Ok(at) => record.get(at).unwrap_or_default(),
                Err(stand_in) => stand_in,
            };
            row(self.places.map(cell))
                .map_err(|why| broken(record.position().map(::csv::Position::line), why))?;
        }
    }
}
