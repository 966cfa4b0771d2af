//! The command that tells the story of a session again.

use crate::text::{escape, shell_word};

/// A session of a run, as arguments of `authstorm explain`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retell {
    /// The scenario file.
    pub scenario: String,
    /// The policy.
    pub policy: String,
    /// The seed, if it is not the scenario's.
    pub seed: Option<u64>,
    /// The replication; absent for the worst session of all.
    pub replication: Option<u32>,
    /// The session; absent for the worst one.
    pub session: Option<u32>,
    /// Overrides of keys of the scenario, as for `--set`.
    pub set: Vec<String>,
}

impl Retell {
    /// The command, for a shell: `authstorm explain storm.toml --policy old --seed 7 --replication 2 --session 13`.
    pub fn command(&self) -> String {
        let mut words =
            vec!["authstorm".to_owned(), "explain".to_owned(), shell_word(&escape(&self.scenario))];
        words.extend(["--policy".to_owned(), shell_word(&self.policy)]);
        words.extend(self.seed.map(|seed| format!("--seed {seed}")));
        words.extend(self.replication.map(|replication| format!("--replication {replication}")));
        words.push(format!("--session {}", self.session.map_or("worst".to_owned(), |n| n.to_string())));
        words.extend(self.set.iter().map(|set| format!("--set {}", shell_word(set))));
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_names_what_differs_from_the_file() {
        let plain = Retell { scenario: "a b.toml".into(), policy: "old".into(), ..Retell::default() };
        assert_eq!(plain.command(), "authstorm explain 'a b.toml' --policy old --session worst");
        let set = vec!["fleet.opens={ uniform = [\"0s\", \"1s\"] }".to_owned()];
        let all = Retell { seed: Some(7), replication: Some(0), session: Some(13), set, ..plain };
        assert_eq!(
            all.command(),
            "authstorm explain 'a b.toml' --policy old --seed 7 --replication 0 --session 13 \
             --set 'fleet.opens={ uniform = [\"0s\", \"1s\"] }'"
        );
    }
}
