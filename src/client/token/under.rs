//! A client's rules under a policy.

use super::answers::{AnswerRule, Answers, Ending, Verdict};
use super::profile::Profile;
use super::rules::{Code, Endpoint, Rules, SignOut};
use super::schedule::Schedule;
use crate::client::policy::Policy;
use crate::client::session_policy::SessionLimits;
use crate::protocol::{Failure, RetryIn};

/// The statuses that a policy can name.
const STATUSES: std::ops::RangeInclusive<u16> = 400..=599;

impl Rules {
    /// These rules of a profile's client under a policy: the policy decides which answers to a refresh sign out, which are
    /// retried, and when, and what limits them. All else stays: what a caller gets, the cool-down, the timer's own waits, the other endpoints.
    ///
    /// `codes` are the scenario's error codes; the first stands for none. Also returns the names of the client's codes by
    /// their numbers: the profile's, then those of the scenario that the profile does not name.
    pub(super) fn under<'a>(
        self,
        profile: &'a Profile,
        policy: &Policy,
        codes: &'a [String],
    ) -> (Rules, Vec<&'a str>) {
        let mut names = profile.codes();
        for code in codes.iter().map(String::as_str).filter(|code| !code.is_empty()) {
            if !names.contains(&code) {
                names.push(code);
            }
        }
        let ends = policy.enters_unauthenticated_flow.compile(codes);
        let retried = policy.retry.on.compile(codes);
        let verdict = |ending: Ending, code: Code| {
            let name = names.get(usize::from(code.0)).copied().unwrap_or_default();
            let byte = codes.iter().position(|known| known == name).unwrap_or(0);
            let status = if let Ending::Status(status) = ending { status } else { 0 };
            // A scenario has at most 255 codes.
            let failure = Failure { status, code: byte as u8, retry_after: RetryIn::NONE };
            Verdict {
                retry: retried.contains(failure),
                sign_out: if ends.contains(failure) { SignOut::Always } else { SignOut::Never },
                ..self.answers.verdict(Endpoint::Token, ending, code)
            }
        };
        let mut answers: Vec<AnswerRule> = Vec::new();
        let row = |code, verdict| AnswerRule {
            endpoint: Some(Endpoint::Token),
            statuses: None,
            no_answer: false,
            timed_out: false,
            page_error: false,
            code,
            verdict,
        };
        let numbers = (0..names.len()).map(|n| Some(Code(n as u16)));
        for code in numbers.chain([None]) {
            let first = answers.len();
            for status in STATUSES {
                let verdict = verdict(Ending::Status(status), code.unwrap_or(Code::OTHER));
                match answers[first..].last_mut() {
                    Some(AnswerRule { statuses: Some((_, last)), verdict: same, .. }) if *same == verdict => {
                        *last = status;
                    }
                    _ => answers.push(AnswerRule { statuses: Some((status, status)), ..row(code, verdict) }),
                }
            }
        }
        let unanswered = |ending| row(None, verdict(ending, Code::OTHER));
        answers.push(AnswerRule { no_answer: true, ..unanswered(Ending::NoAnswer) });
        answers.push(AnswerRule { timed_out: true, ..unanswered(Ending::TimedOut) });
        answers.extend(self.answers.rows().iter().cloned());
        let retry = Some(Schedule::of(&policy.retry));
        let limits = SessionLimits::of(policy).map(Box::new);
        (Rules { answers: Answers::new(answers), retry, limits, ..self }, names)
    }
}
