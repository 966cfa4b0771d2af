//! Policy files and client profiles, which must be inside the scenario's directory. Results keep a copy of each.

use super::policies::read_policy;
use super::validate::Findings;
use crate::client::policy::Policy;
use crate::client::token::Profile;
use crate::text::{escape, quote};
use crate::toml_text::{Code, Doc, Errors, Source, TextError};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::{Component, Path};
use std::sync::Arc;

/// A policy file or client profile of a scenario, as results keep it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyFile {
    /// Its name beside the results' `scenario.toml`.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// A policy, or a client profile as it is, and the file that holds it.
pub(super) struct PolicyIn {
    pub policy: Policy,
    pub source: Arc<Source>,
    /// Place of the policy's name in the file.
    pub name: Range<usize>,
}

/// The names of copies of these files in one directory. A name that is taken, or is the scenario's own, gets a prefix, and
/// other characters than letters, digits, dots, dashes and blanks are replaced. The copies of copies have the same names.
pub(super) fn names_of_copies<'a>(files: impl Iterator<Item = &'a str>) -> Vec<String> {
    const PREFIX: &str = "policy-";
    const SUFFIX: &str = ".toml";
    let mut taken = vec!["scenario.toml".to_owned()];
    for file in files {
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ');
        let name = file.rsplit('/').next().unwrap_or(file);
        let mut name: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
        if !name.to_lowercase().ends_with(SUFFIX) {
            name.push_str(SUFFIX);
        }
        while taken.iter().any(|other| other.to_lowercase() == name.to_lowercase()) {
            name.insert_str(0, PREFIX);
        }
        taken.push(name);
    }
    taken.split_off(1)
}

/// Reads the client profile that the scenario names as its model.
///
/// # Errors
/// As [`read`], and for a policy file.
pub(super) fn read_model(
    findings: &Findings<'_>,
    file: &str,
    base: Option<&Path>,
) -> Result<PolicyIn, Errors> {
    const AT: &str = "client.model";
    let read = read_as(findings, AT, file, base, "client profile")?;
    if read.policy.client.is_none() {
        let error = findings.at(AT, Code::UnknownPolicy, "a policy file, which is no client");
        let error = error.found(quote(file)).allowed("a client profile: a file with a table [sdk]");
        return Err(error.fix("name it in `policy-files`").into());
    }
    Ok(read)
}

/// Reads the policy file that the scenario names at this path of its text. A file with a table `[sdk]` is a client profile:
/// its policy is that client as it is.
///
/// # Errors
/// A file outside the scenario's directory, or any error in the file.
pub(super) fn read(
    findings: &Findings<'_>,
    at: &str,
    file: &str,
    base: Option<&Path>,
) -> Result<PolicyIn, Errors> {
    read_as(findings, at, file, base, "policy file")
}

/// As [`read`]. Messages call the file `noun`.
fn read_as(
    findings: &Findings<'_>,
    at: &str,
    file: &str,
    base: Option<&Path>,
    noun: &str,
) -> Result<PolicyIn, Errors> {
    const RULE: &str = "only relative paths inside the scenario's directory, such as \"policies/mine.toml\"";
    let refuse =
        |what: &str| Errors::from(findings.at(at, Code::PolicyPath, what).found(quote(file)).allowed(RULE));
    let base =
        base.ok_or_else(|| refuse(&format!("this scenario has no directory, so it can name no {noun}s")))?;
    if file.contains("://") {
        return Err(refuse(&format!("a {noun} is no URL")));
    }
    // Backslashes and colons would have another meaning on other platforms.
    let inside = Path::new(file).components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
    if file.is_empty() || !inside || file.contains(['\\', ':']) {
        return Err(refuse(&format!("a {noun} outside the scenario's directory")));
    }
    let base = if base.as_os_str().is_empty() { Path::new(".") } else { base };
    let path = base.join(file);
    let name = path.display().to_string();
    let unreadable = |e: std::io::Error| {
        let what = format!("cannot read the {noun} {}: {e}", escape(&name));
        Errors::from(findings.at(at, Code::Unreadable, what))
    };
    // Links are followed, but must not lead out of the directory.
    let real_base = base.canonicalize().map_err(unreadable)?;
    let real = path.canonicalize().map_err(unreadable)?;
    if !real.starts_with(&real_base) {
        return Err(refuse("a link that leads out of the scenario's directory"));
    }
    let source = Source::read(&name, &real).map_err(|errors| errors.caused_at(findings, at, noun))?;
    let (doc, _) = Doc::parse(&source)?;
    let (policy, name) = match doc.node("sdk") {
        Some(_) => (Policy::as_is(Arc::new(Profile::read(&source)?.0)), doc.at("sdk.name")),
        None => (read_policy(&source)?, doc.at("name")),
    };
    Ok(PolicyIn { policy, source, name })
}

impl Errors {
    /// Moves errors about a whole policy file to the place where the scenario names it.
    fn caused_at(self, findings: &Findings<'_>, at: &str, noun: &str) -> Errors {
        let mut errors = Errors::default();
        for error in self.finish().errors {
            errors.push(match error.span {
                Some(_) => error,
                None => {
                    let what = format!("the {noun} {} {}", escape(error.file()), error.what);
                    TextError { what, ..findings.at(at, error.code, "") }
                }
            });
        }
        errors
    }
}

#[cfg(test)]
mod tests {
    use super::names_of_copies;

    #[test]
    fn copies_have_names_of_their_own_and_copies_of_copies_the_same() {
        for (files, names) in [
            (&["mine.toml"][..], &["mine.toml"][..]),
            (&["a/x.toml", "b/x.toml", "./b/X.TOML"], &["x.toml", "policy-x.toml", "policy-policy-X.TOML"]),
            (
                &["policies/scenario.toml", "y", "summary.csv", "a\"b/\u{7}.toml"],
                &["policy-scenario.toml", "y.toml", "summary.csv.toml", "_.toml"],
            ),
        ] {
            let copies = names_of_copies(files.iter().copied());
            assert_eq!(copies, names);
            assert_eq!(names_of_copies(copies.iter().map(String::as_str)), names);
        }
    }
}
