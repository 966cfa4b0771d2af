//! `stories.json`: the digests of stories in a results directory.

use super::{PolicyResults, Results, SessionRow};
use serde::{Deserialize, Serialize};

/// The part of a story that a page shows. [`crate::explain::tell_worst`] makes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct StoryDigest {
    /// The policy or the mix.
    pub policy: String,
    /// The replication, from 0.
    pub replication: u32,
    /// The user, from 0.
    pub session: u32,
    /// The story in a sentence.
    pub headline: String,
    /// Provenance of the story.
    pub provenance: String,
    /// The folded text.
    pub text: String,
    /// Calls: tab, endpoint, begin and end in nanoseconds from the start of the run, outcome.
    pub calls: Vec<(u32, String, u64, u64, String)>,
    /// Number of calls beyond those in `calls`.
    pub calls_left_out: usize,
    /// Entries of the flow and sign-outs, in their order: nanoseconds from the start of the run, and kind.
    #[serde(default)]
    pub marks: Vec<(u64, Mark)>,
    /// The same session under another policy; absent if there is no other, or if it was not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<Comparison>,
}

/// An event of a session that a lane chart marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// The session enters the flow.
    Entry,
    /// The user is signed out although the server still knew the session.
    FalseSignOut,
    /// The user is signed out because the server had revoked the session.
    TrueSignOut,
    /// The user is signed out because the client used a refresh token twice.
    ReuseSignOut,
    /// An event of another version.
    #[serde(other)]
    Other,
}

impl Mark {
    /// The sign-out in words; absent for other events.
    pub const fn sign_out(self) -> Option<&'static str> {
        match self {
            Mark::FalseSignOut => Some("signed out falsely"),
            Mark::TrueSignOut => Some("signed out rightly"),
            Mark::ReuseSignOut => Some("signed out by its own reuse"),
            Mark::Entry | Mark::Other => None,
        }
    }
}

/// The same session under two policies, up to their first difference and what followed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Comparison {
    /// The other policy or mix.
    pub policy: String,
    /// The comparison as text, side by side from the first difference on.
    pub text: String,
}

#[derive(Deserialize)]
struct File {
    stories: Vec<StoryDigest>,
}

#[derive(Serialize)]
struct FileOf<'a> {
    stories: &'a [StoryDigest],
}

impl StoryDigest {
    /// Whether this is the story of this session of a policy.
    pub fn is_of(&self, policy: &PolicyResults, row: &SessionRow) -> bool {
        (self.policy.as_str(), self.replication, self.session)
            == (policy.name.as_str(), row.replication, row.session)
    }
}

/// The text of stories.json.
pub fn stories(stories: &[StoryDigest]) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(&FileOf { stories }).expect("numbers, texts and lists are JSON");
    text.push(b'\n');
    text
}

/// Reads stories.json.
///
/// # Errors
/// When it does not have the form of this version.
pub fn read(bytes: &[u8]) -> Result<Vec<StoryDigest>, serde_json::Error> {
    serde_json::from_slice::<File>(bytes).map(|file| file.stories)
}

impl Results {
    /// The stories of the worst session of each policy, that of the worst session of all first: the retry schedule shows
    /// them.
    pub fn worst_stories(&self) -> Vec<&StoryDigest> {
        let of_policies = self.policies.iter().filter_map(|policy| {
            let row = policy.worst()?;
            self.stories.iter().find(|story| story.is_of(policy, row))
        });
        let mut told: Vec<&StoryDigest> = self.worst_story().into_iter().collect();
        for story in of_policies {
            if !told.contains(&story) {
                told.push(story);
            }
        }
        told
    }

    /// The story of the worst session of any policy; absent if the results have none.
    pub fn worst_story(&self) -> Option<&StoryDigest> {
        let (policy, row) = self.worst()?;
        self.stories.iter().find(|story| story.is_of(policy, row))
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;
    use crate::client::Model;

    fn row(replication: u32, session: u32, entries: u32, signed_out: bool, requests: u32) -> SessionRow {
        SessionRow {
            replication,
            session,
            client: None,
            entries,
            recursive_entries: 0,
            failed_entries: 0,
            depth: 0,
            requests,
            signed_out_at_s: signed_out.then_some(1.0),
            false_sign_out: signed_out,
            reuse_sign_out: false,
            stale_token_s: 0.0,
        }
    }

    /// Where a refresh is ordinary work, a wrong sign-out decides, then recursive and failed refreshes, then requests.
    #[test]
    fn a_token_client_that_refreshes_often_is_not_the_worst() {
        let flow = Model::named("supabase-js-2.119.1").expect("shipped").flow();
        let of = |session, entries, recursive_entries, failed_entries, requests| SessionRow {
            recursive_entries,
            failed_entries,
            ..row(0, session, entries, false, requests)
        };
        let (busy, looping, refused) = (of(0, 900, 0, 0, 900), of(1, 80, 79, 0, 80), of(2, 90, 0, 90, 90));
        let out = row(0, 3, 2, true, 2);
        let revoked = SessionRow { false_sign_out: false, signed_out_at_s: Some(1.0), ..of(4, 9, 0, 1, 9) };
        let reused = SessionRow { false_sign_out: false, reuse_sign_out: true, ..row(0, 5, 1, true, 1) };
        let mut rows = [&busy, &looping, &refused, &out, &revoked, &reused];
        rows.sort_by_key(|row| row.rank(flow));
        assert_eq!(rows.map(|row| row.session), [3, 5, 2, 1, 4, 0]);
        assert!(!busy.is_harmed(flow) && busy.is_harmed(Model::default().flow()));
        assert!([looping, refused, out, revoked, reused].iter().all(|row| row.is_harmed(flow)));
    }

    fn told(policy: &str, row: &SessionRow) -> StoryDigest {
        StoryDigest {
            policy: policy.to_owned(),
            replication: row.replication,
            session: row.session,
            headline: String::new(),
            provenance: String::new(),
            text: String::new(),
            calls: Vec::new(),
            calls_left_out: 0,
            marks: Vec::new(),
            against: None,
        }
    }

    /// Entries decide, then a sign-out, then requests, then replication and number. Between policies, their order decides.
    #[test]
    fn the_chart_shows_the_session_that_results_call_the_worst() {
        let mut results = synthetic::empty(&["a", "b"]);
        let quiet = row(1, 4, 3, false, 100);
        let signed_out = row(2, 7, 3, true, 10);
        for (a, b, worst) in [
            (vec![quiet.clone()], vec![signed_out.clone()], ("b", 2, 7)),
            (vec![row(0, 1, 2, true, 900), quiet], vec![row(0, 9, 2, true, 10)], ("a", 1, 4)),
            (vec![row(3, 0, 3, true, 11), row(1, 8, 3, true, 11)], vec![signed_out], ("a", 1, 8)),
            (vec![row(1, 8, 3, true, 11)], vec![row(0, 0, 3, true, 11)], ("a", 1, 8)),
        ] {
            for (policy, mut rows) in results.policies.iter_mut().zip([a, b]) {
                rows.sort_by_key(|row| row.rank(Model::default().flow()));
                policy.sessions = rows;
            }
            results.stories = results
                .policies
                .iter()
                .rev()
                .filter_map(|policy| Some(told(&policy.name, policy.worst()?)))
                .collect();
            let chosen = results.worst_story().expect("a story");
            assert_eq!((chosen.policy.as_str(), chosen.replication, chosen.session), worst);
        }
    }
}
