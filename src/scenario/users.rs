//! Whom an action concerns: one user, some, or all.

use super::{Act, ActionSpec};
use crate::spec::leaf::inline_schema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;

/// Several users at once: all, those of a range, or a share.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(
    title = "users of an action",
    extend(
        "x-noun" = "users (\"all\" or a table)",
        "x-forms" = "\"all\", { range = [10, 19] } or { share = 0.1 }"
    )
)]
pub enum Users {
    /// Every user.
    All,
    /// From the first number to the last, both included.
    #[schemars(with = "Numbers")]
    Range(u32, u32),
    /// This share of the users, chosen at random. Actions of one share concern the same users, and those of a larger
    /// share concern the users of a smaller one and others.
    #[schemars(with = "TenPercent")]
    Share(f64),
}

inline_schema!(Numbers, "Numbers", {
    let number =
        schemars::json_schema!({ "type": "integer", "format": "uint32", "minimum": 0, "maximum": u32::MAX });
    schemars::json_schema!({ "type": "array", "items": number, "minItems": 2, "maxItems": 2, "examples": [[10, 19]] })
});
inline_schema!(
    TenPercent,
    "TenPercent",
    schemars::json_schema!({ "type": "number", "x-type": "share", "minimum": 0, "maximum": 1, "examples": [0.1] })
);

/// The numbers of the first and the last user of a range, as the type of a value in a file.
struct Numbers;

/// A share, whose example is a tenth.
struct TenPercent;

impl Users {
    /// The smallest known range within `users` that contains every concerned user. For a share, a draw decides on each user.
    pub fn among(self, users: &Range<u32>) -> Range<u32> {
        match self {
            Users::All | Users::Share(_) => users.clone(),
            Users::Range(first, last) => {
                let start = first.max(users.start);
                start..last.saturating_add(1).min(users.end).max(start)
            }
        }
    }

    /// Whether both may contain the same user.
    pub fn may_meet(self, other: Users) -> bool {
        match (self, other) {
            (Users::Range(a, b), Users::Range(c, d)) => a <= d && c <= b,
            _ => true,
        }
    }

    /// These users of a fleet of `full` users, in a smaller fleet of `few` users.
    pub fn scaled(self, full: u32, few: u32) -> Users {
        let place = |user: u32| (u64::from(user) * u64::from(few) / u64::from(full)) as u32;
        match self {
            Users::Range(first, last) if full > 0 => {
                let start = place(first);
                Users::Range(start, place(last.saturating_add(1)).max(start + 1) - 1)
            }
            whole => whole,
        }
    }
}

impl ActionSpec {
    /// The users of the action. An action without `user` and `users` concerns nobody; no scenario that loads has one.
    pub fn whom(&self) -> Users {
        match (self.user, self.users) {
            (Some(user), _) => Users::Range(user, user),
            (None, Some(users)) => users,
            (None, None) => Users::Range(1, 0),
        }
    }
}

/// The most tabs that `open-tab` actions open for one user. A share may contain any user.
pub fn most_opened(actions: &[ActionSpec]) -> u32 {
    let (mut steps, mut of_all) = (BTreeMap::<u64, i64>::new(), 0);
    for action in actions.iter().filter(|action| action.act == Act::OpenTab) {
        match action.whom() {
            Users::All | Users::Share(_) => of_all += 1,
            Users::Range(first, last) => {
                *steps.entry(first.into()).or_default() += 1;
                *steps.entry(u64::from(last) + 1).or_default() -= 1;
            }
        }
    }
    let sums = steps.values().scan(0, |sum, step| {
        *sum += step;
        Some(*sum)
    });
    // At most the number of actions, and a list holds fewer than 2^32.
    (of_all + sums.max().unwrap_or(0).max(0)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(users: &str) -> ActionSpec {
        toml::from_str(&format!("at = '1s'\ndo = 'open-tab'\n{users}"))
            .unwrap_or_else(|e| panic!("{users}: {e}"))
    }

    #[test]
    fn users_are_read_and_written_as_the_format_has_them() {
        for (text, whom) in [
            ("user = 3", Users::Range(3, 3)),
            ("users = \"all\"", Users::All),
            ("users = { range = [10, 19] }", Users::Range(10, 19)),
            ("users = { share = 0.1 }", Users::Share(0.1)),
        ] {
            let action = open(text);
            assert_eq!(action.whom(), whom);
            let written = toml::to_string(&action).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(toml::from_str::<ActionSpec>(&written).unwrap_or_else(|e| panic!("{e}")), action);
        }
    }

    #[test]
    fn among_keeps_to_a_part_of_the_users() {
        for (users, part, among) in [
            (Users::All, 5..9, 5..9),
            (Users::Share(0.5), 5..9, 5..9),
            (Users::Range(6, 6), 5..9, 6..7),
            (Users::Range(0, 5), 5..9, 5..6),
            (Users::Range(8, 20), 5..9, 8..9),
            (Users::Range(0, u32::MAX), 5..9, 5..9),
        ] {
            assert_eq!(users.among(&part), among, "{users:?}");
        }
        for none in [Users::Range(0, 4), Users::Range(9, 20), Users::Range(1, 0)] {
            assert!(none.among(&(5..9)).is_empty(), "{none:?}");
        }
    }

    /// Ranges 0 to 9 and 5 to 14 overlap on users 5 to 9. An action of all users and one of a share may concern each of them.
    #[test]
    fn tabs_that_actions_open_are_counted_where_ranges_overlap() {
        let count = |users: &[&str]| most_opened(&users.iter().map(|u| open(u)).collect::<Vec<_>>());
        assert_eq!(count(&[]), 0);
        assert_eq!(count(&["users = { range = [0, 9] }", "users = { range = [5, 14] }"]), 2);
        assert_eq!(count(&["users = { range = [0, 9] }", "users = { range = [10, 14] }", "user = 20"]), 1);
        assert_eq!(count(&["user = 7", "user = 7", "users = \"all\"", "users = { share = 0.1 }"]), 4);
    }

    /// Every user of the large fleet has a place in the small one, and neighbours stay in order.
    #[test]
    fn a_smaller_fleet_keeps_the_share_of_a_range() {
        assert_eq!(Users::Range(0, 999).scaled(1_000, 10), Users::Range(0, 9));
        assert_eq!(Users::Range(500, 749).scaled(1_000, 100), Users::Range(50, 74));
        assert_eq!(Users::Range(999, 999).scaled(1_000, 10), Users::Range(9, 9));
        assert_eq!(Users::Share(0.2).scaled(1_000, 10), Users::Share(0.2));
    }
}
