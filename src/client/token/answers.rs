//! The effects of answers: rows of which the first that matches applies, and an index that leads to it.

use super::rules::{Code, ENDPOINTS, Endpoint, SignOut};
use std::ops::RangeInclusive;

/// The failure of a request, as the client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// An HTTP answer.
    Status(u16),
    /// No HTTP answer: the connection failed.
    NoAnswer,
    /// The client's own time-out.
    TimedOut,
    /// An error that the page in the iframe reports.
    PageError,
}

/// The effects of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The request is retried on the schedule of [`Retry`], while the schedule lasts.
    pub retry: bool,
    /// Whether the user is signed out.
    pub sign_out: SignOut,
    /// The caller gets an empty answer, whatever the answer to other failures is.
    pub gives_nothing: bool,
    /// The error counts as "no answer", so the timer's back-off applies.
    pub no_answer: bool,
    /// The refresh goes on with the iframe.
    pub opens_iframe: bool,
    /// The failure is remembered.
    pub cools_down: bool,
}

/// A row of answers. The first row that matches applies.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerRule {
    /// The endpoint; `None` for any.
    pub endpoint: Option<Endpoint>,
    /// First and last status, both included; `None` matches no HTTP status.
    pub statuses: Option<(u16, u16)>,
    /// Whether a request without an answer matches.
    pub no_answer: bool,
    /// Whether the client's own time-out matches.
    pub timed_out: bool,
    /// Whether an error that the page in the iframe reports matches.
    pub page_error: bool,
    /// The error code; `None` for any.
    pub code: Option<Code>,
    /// The effects.
    pub verdict: Verdict,
}

/// The HTTP statuses that a row can name.
const STATUSES: RangeInclusive<u16> = 300..=599;
/// The endings without an HTTP status, in the order of the index.
const SILENT: [Ending; 3] = [Ending::NoAnswer, Ending::TimedOut, Ending::PageError];
/// Number of endings that rows can name.
const ENDINGS: usize = SILENT.len() + (*STATUSES.end() - *STATUSES.start() + 1) as usize;

/// The effects of an answer that no row names.
const FAILS: Verdict = Verdict {
    retry: false,
    sign_out: SignOut::Never,
    gives_nothing: false,
    no_answer: false,
    opens_iframe: false,
    cools_down: false,
};

/// The rows of answers of a client. An answer is looked up at each end of a request, so an index leads to the first row
/// that can match.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    rows: Box<[AnswerRule]>,
    /// By endpoint and ending.
    first: Box<[First]>,
}

/// The places of the first rows that match an ending at an endpoint; the number of rows for none.
#[derive(Clone, Copy, Debug, PartialEq)]
struct First {
    /// Of those that match some code.
    some_code: u32,
    /// Of those that match a code which no row names, as that of most answers.
    other_code: u32,
}

impl AnswerRule {
    /// Whether the row matches answers with this code.
    fn is_for(&self, code: Code) -> bool {
        self.code.is_none_or(|named| named == code)
    }

    /// Whether the row matches the answers of an endpoint that end so, with one code or another.
    fn matches(&self, endpoint: Endpoint, ending: Ending) -> bool {
        self.endpoint.is_none_or(|e| e == endpoint)
            && match ending {
                Ending::Status(s) => self.statuses.is_some_and(|(from, to)| from <= s && s <= to),
                Ending::NoAnswer => self.no_answer,
                Ending::TimedOut => self.timed_out,
                Ending::PageError => self.page_error,
            }
    }
}

/// The place of an ending in the index; `None` for a status that no row can name.
#[inline]
fn place(endpoint: Endpoint, ending: Ending) -> Option<usize> {
    let ending = match ending {
        Ending::NoAnswer => 0,
        Ending::TimedOut => 1,
        Ending::PageError => 2,
        Ending::Status(status) if STATUSES.contains(&status) => {
            SILENT.len() + usize::from(status - STATUSES.start())
        }
        Ending::Status(_) => return None,
    };
    Some(endpoint as usize * ENDINGS + ending)
}

impl Answers {
    /// The answers that these rows describe.
    pub fn new(rows: Vec<AnswerRule>) -> Answers {
        let endings = || SILENT.into_iter().chain(STATUSES.map(Ending::Status));
        let place_of = |is_meant: &dyn Fn(&AnswerRule) -> bool| {
            let found = rows.iter().position(is_meant);
            u32::try_from(found.unwrap_or(rows.len())).expect("a profile has fewer than 2^32 rows")
        };
        let first_row = |endpoint, ending| First {
            some_code: place_of(&|row| row.matches(endpoint, ending)),
            other_code: place_of(&|row| row.is_for(Code::OTHER) && row.matches(endpoint, ending)),
        };
        let of = |endpoint: Endpoint| endings().map(move |ending| (endpoint, ending));
        let first = ENDPOINTS.iter().flat_map(|(endpoint, _)| of(*endpoint));
        let first = first.map(|(endpoint, ending)| first_row(endpoint, ending)).collect();
        Answers { rows: rows.into_boxed_slice(), first }
    }

    /// The rows, in order.
    pub fn rows(&self) -> &[AnswerRule] {
        &self.rows
    }

    /// The effects of an answer other than 2xx. An answer without a row fails without effects.
    pub fn verdict(&self, endpoint: Endpoint, ending: Ending, code: Code) -> Verdict {
        let Some(place) = place(endpoint, ending) else { return FAILS };
        let First { some_code, other_code } = self.first[place];
        if code == Code::OTHER {
            return self.rows.get(other_code as usize).map_or(FAILS, |row| row.verdict);
        }
        let rows = &self.rows[some_code as usize..];
        let row = rows.iter().find(|row| row.is_for(code) && row.matches(endpoint, ending));
        row.map_or(FAILS, |row| row.verdict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::token::{SHIPPED, shipped};

    /// The index leads to the row that a search from the first row finds.
    #[test]
    fn the_first_row_that_matches_applies() {
        let statuses = [200, 299, 300, 400, 401, 403, 429, 500, 503, 599, 600, u16::MAX].map(Ending::Status);
        for profile in (0..SHIPPED.len()).map(shipped::profile) {
            let rules = profile.rules().expect("a shipped profile is sound");
            let codes = (0..profile.codes().len() as u16).map(Code).chain([Code::OTHER]);
            for (code, (endpoint, _)) in codes.flat_map(|code| ENDPOINTS.map(|endpoint| (code, endpoint))) {
                for ending in statuses.into_iter().chain(SILENT) {
                    let is_meant = |row: &&AnswerRule| {
                        row.matches(endpoint, ending) && row.code.is_none_or(|c| c == code)
                    };
                    let expected =
                        rules.answers.rows().iter().find(is_meant).map_or(FAILS, |row| row.verdict);
                    assert_eq!(
                        rules.answers.verdict(endpoint, ending, code),
                        expected,
                        "{ending:?} {code:?}"
                    );
                }
            }
        }
    }
}
