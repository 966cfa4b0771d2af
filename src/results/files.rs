//! The files of a results directory that hold every number. All other files are made from them.

use super::{Results, csv, stories, summary};

/// The names of the data files.
pub const DATA_FILES: [&str; 7] = [
    "scenario.toml",
    "summary.json",
    "summary.csv",
    "timeline.csv",
    "flow.csv",
    "sessions.csv",
    "stories.json",
];

/// The file with the results by group. A scenario with one group of each kind has none.
pub const GROUPS_FILE: &str = "groups.csv";

/// A file of a results directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// The file's name.
    pub name: String,
    /// The file's content.
    pub bytes: Vec<u8>,
}

impl DataFile {
    /// A file of this name and content.
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> DataFile {
        DataFile { name: name.into(), bytes: bytes.into() }
    }
}

impl Results {
    /// The data files, in the order of [`DATA_FILES`], then [`GROUPS_FILE`] where the results have groups, then copies of the
    /// policy files.
    pub fn data_files(&self) -> Vec<DataFile> {
        let bytes: [Vec<u8>; DATA_FILES.len()] = [
            self.scenario_text.clone().into_bytes(),
            summary::summary(self).into_bytes(),
            csv::summary(self),
            csv::timeline(self),
            csv::flow(self),
            csv::sessions(self),
            stories::stories(&self.stories),
        ];
        let has_groups = self.policies.iter().any(|policy| !policy.groups.is_empty());
        let groups = has_groups.then(|| DataFile::new(GROUPS_FILE, csv::groups(self)));
        let copies = self.policy_files.iter().map(|file| DataFile::new(&file.name, file.text.clone()));
        DATA_FILES
            .into_iter()
            .zip(bytes)
            .map(|(name, bytes)| DataFile::new(name, bytes))
            .chain(groups)
            .chain(copies)
            .collect()
    }
}
