//! JUnit XML: a test suite for each file, a test case for each expectation.
//!
//! Elements and attributes are those of the schema that Jenkins publishes (junit-10.xsd), without times: a run takes no
//! virtual time of its own, and results have no clock.

use super::Checked;
use crate::cli::exit::{Exit, Failure};
use authstorm::results::{Judgement, Results, Verdict, verdicts};
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

/// Bytes at the begin of a file that tell whether it may be replaced.
pub(super) const HEAD: usize = 5;

/// Whether a file that begins with these bytes may be replaced: an XML file.
pub(super) fn is_own(head: &[u8]) -> bool {
    head == b"<?xml"
}

/// The text of the file.
pub(super) fn xml(all: &[Checked]) -> Result<String, Failure> {
    let mut report = Report::new("authstorm check");
    report.add_test_suites(all.iter().map(suite));
    report.to_string().map_err(|e| Failure::with(Exit::Io, format!("error: --junit: {e}")))
}

fn suite(checked: &Checked) -> TestSuite {
    let mut suite = TestSuite::new(checked.path.as_str());
    match &checked.outcome {
        Ok(results) => {
            suite.add_property(Property::new("seed", results.seed.to_string()));
            suite.add_property(Property::new("replications", results.replications.to_string()));
            suite.add_property(Property::new("scenario_hash", results.scenario_hash.as_str()));
            let level = verdicts::level(results);
            suite.add_properties(level.map(|level| Property::new("decision", level.as_str())));
            let places = checked.places.iter().copied().chain(std::iter::repeat(None));
            let cases = results.expectations.iter().zip(places);
            suite.add_test_cases(cases.map(|(verdict, place)| case(checked, results, verdict, place)));
        }
        Err(error) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_type("stopped").set_message(error.as_str());
            let mut case = TestCase::new("the runs", status);
            case.set_classname(checked.scenario.as_str());
            suite.add_test_case(case);
        }
    }
    suite
}

fn case(checked: &Checked, results: &Results, verdict: &Verdict, place: Option<(usize, usize)>) -> TestCase {
    let detail = verdicts::detail(verdict, results.replications);
    let status = match verdict.judgement {
        _ if verdict.fails_check() => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let word = verdicts::word(verdict.judgement);
            let line = place.map_or(String::new(), |(line, column)| format!(":{line}:{column}"));
            status.set_type(word).set_message(detail.as_str());
            status.set_description(format!("{word} {}: {detail}\nat {}{line}", verdict.that, checked.path));
            status
        }
        Judgement::NotJudged => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(detail.as_str());
            status
        }
        _ => TestCaseStatus::success(),
    };
    let mut case = TestCase::new(verdict.that.as_str(), status);
    case.set_classname(checked.scenario.as_str());
    case.extra.insert("file".into(), checked.path.as_str().into());
    if let Some((line, _)) = place {
        case.extra.insert("line".into(), line.to_string().into());
    }
    if !verdict.fails_check() {
        case.set_system_out(detail);
    }
    case
}
