//! `--set KEY=VALUE`: overrides, checked against the format and written into the text.

use super::format::scenario;
use crate::spec::check::check_value;
use crate::spec::{Table, Ty};
use crate::text::{escape, is_hidden, nearest, quote, tick};
use crate::toml_text::edit::edit;
use crate::toml_text::nesting::too_deep;
use crate::toml_text::tree::steps;
use crate::toml_text::{Code, Doc, Errors, Node, Source, Step, TextError};
use std::borrow::Cow;
use std::iter;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// Changes to a scenario from outside. They are written into the text, checked as the text is, and part of its hash.
///
/// ```
/// use authstorm::{Settings, Study};
///
/// let settings = Settings { set: vec!["fleet.users=20".to_owned()], ..Settings::default() };
/// let study = Study::load_set("scenarios/healthy.toml", &settings)?;
/// assert_eq!(study.loaded().scenario.fleet.users, 20);
///
/// let misspelt = Settings { set: vec!["fleet.user=20".to_owned()], ..Settings::default() };
/// assert!(Study::load_set("scenarios/healthy.toml", &misspelt).is_err());
/// # Ok::<(), authstorm::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `KEY=VALUE` pairs: a path into the text such as `fault[0].from`, and a TOML value or a bare word, which stands for
    /// a string.
    pub set: Vec<String>,
    /// More such pairs, of a question that varies keys, each with the option that messages call it by, such as `--vary`.
    /// They take precedence over `set`.
    pub vary: Vec<(&'static str, String)>,
    /// The seed. It takes precedence over `set`.
    pub seed: Option<u64>,
    /// The number of replications. It takes precedence over `set`.
    pub replications: Option<u32>,
}

impl From<&[String]> for Settings {
    fn from(set: &[String]) -> Settings {
        Settings { set: set.to_vec(), ..Settings::default() }
    }
}

impl Settings {
    /// The overrides in the order of application, by option.
    fn overrides(&self) -> Vec<(&'static str, Vec<String>)> {
        let number =
            |key: &str, value: Option<u64>| value.map(|n| format!("{key}={n}")).into_iter().collect();
        // A line break inside an override would shift the lines of the others. No value needs one.
        let given = |pair: &String| pair.replace('\n', "\0");
        let of_one_option = |pairs: &[(&'static str, String)]| {
            (pairs[0].0, pairs.iter().map(|(_, pair)| given(pair)).collect())
        };
        let varied = self.vary.chunk_by(|(a, _), (b, _)| a == b).map(of_one_option);
        let set = ("--set", self.set.iter().map(given).collect());
        let numbers = [
            ("--seed", number("seed", self.seed)),
            ("--replications", number("replications", self.replications.map(u64::from))),
        ];
        iter::once(set).chain(varied).chain(numbers).collect()
    }
}

/// Applies overrides to a text, one after another.
///
/// # Errors
/// Overrides that name no key of the format, that have an unsuitable value, or that find no place in the text. Messages call
/// them `--set:N:...`, where N is the number of the override, or by their own option. Also every error that keeps the
/// text from being parsed.
pub(super) fn apply(source: Arc<Source>, settings: &Settings) -> Result<Arc<Source>, Errors> {
    let (mut errors, mut source) = (Errors::default(), source);
    for (option, lines) in settings.overrides() {
        let given = Source::new(option, &lines.join("\n"));
        let mut start = 0;
        for line in &lines {
            let piece = Piece { given: &given, line, start };
            start += line.len() + 1;
            match piece.parse() {
                Err(found) => errors.append(found),
                Ok((path, value, text)) => {
                    let shown = if matches!(option, "--seed" | "--replications") {
                        text.as_str()
                    } else {
                        line.as_str()
                    };
                    match edit(&source, &path, &value, &text, &format!("{option} {shown}")) {
                        Ok(edited) => source = edited,
                        Err(why) => errors.push(piece.error(Code::OverridePlace, 0..line.len(), why)),
                    }
                }
            }
        }
    }
    errors.into_result()?;
    Ok(source)
}

/// One override.
struct Piece<'a> {
    given: &'a Arc<Source>,
    line: &'a str,
    /// Start of its line among the lines of all overrides.
    start: usize,
}

impl<'a> Piece<'a> {
    fn error(&self, code: Code, at: Range<usize>, what: impl Into<String>) -> TextError {
        TextError::new(code, self.given, self.start + at.start..self.start + at.end, what)
    }

    /// The path, the value, and the value as text.
    fn parse(&self) -> Result<(Vec<Step>, Node<'a>, String), Errors> {
        const FORM: &str = "KEY=VALUE, such as fleet.users=1000 or fault[0].from=5s";
        let bad = |at, what: &str| Errors::from(self.error(Code::BadOverride, at, what).allowed(FORM));
        if let Some((at, c)) = self.line.char_indices().find(|&(_, c)| is_hidden(c)) {
            return Err(bad(at..at + c.len_utf8(), "a control or format character in an override"));
        }
        let Some((key, value)) = self.line.split_once('=') else {
            return Err(bad(0..self.line.len(), "an override without `=`"));
        };
        let lead = key.len() - key.trim_start().len();
        let path = steps(key.trim()).filter(|path| !path.is_empty());
        let Some(path) = path else {
            return Err(bad(lead..key.trim_end().len().max(lead), "not the path of a key"));
        };
        let ty = self.type_of(&path, lead)?;
        let value_at = self.line.len() - value.trim_start().len();
        let value = value.trim();
        if value.is_empty() {
            return Err(bad(key.len()..key.len() + 1, "an override without a value"));
        }
        let (node, text) = self.value(value, value_at)?;
        let mut errors = Errors::default();
        check_value(self.given, &node, ty, scenario(), &mut errors);
        errors.into_result()?;
        Ok((path, node, text))
    }

    /// The type at a path. `lead` is the start of the path in the line.
    fn type_of(&self, path: &[Step], lead: usize) -> Result<&'static Ty, Errors> {
        let mut table: Option<&'static Table> = Some(scenario());
        let mut ty: Option<&'static Ty> = None;
        let mut at = lead;
        for step in path {
            let len = step.to_string().len() - usize::from(at == lead);
            // The dot before a key belongs to the key's step.
            let name_at = if at == lead { at..at + len } else { at + 1..at + len };
            match step {
                Step::Key(key) => {
                    let here = table.filter(|_| ty.is_none_or(|ty| ty.entry().is_none()));
                    let Some(here) = here else {
                        let what = match ty {
                            Some(Ty::List(entry, ..)) if entry.table().is_some() => {
                                let title = entry.table().map_or("", |table| &table.title);
                                format!("{title} is a list: write its entry's number, such as [0]")
                            }
                            _ => format!("there are no keys before {}", tick(key)),
                        };
                        return Err(self.error(Code::UnknownKey, name_at, what).into());
                    };
                    let Some(known) = here.key(key) else {
                        let what = format!("unknown key {} {}", tick(key), here.whereabouts());
                        let error = self.error(Code::UnknownKey, name_at, what);
                        let error = error.allowed(here.names().collect::<Vec<_>>().join(", "));
                        return Err(error.did_you_mean(nearest(key, here.names())).into());
                    };
                    (ty, table) = (Some(&known.ty), known.ty.table());
                }
                Step::Index(_) => {
                    let Some(entry) = ty.and_then(Ty::entry) else {
                        let what = "a number in brackets behind something that is no list";
                        return Err(self.error(Code::UnknownKey, name_at, what).into());
                    };
                    (ty, table) = (Some(entry), entry.table());
                }
            }
            at += len;
        }
        ty.ok_or_else(|| self.error(Code::BadOverride, 0..1, "not the path of a key").into())
    }

    /// The value: TOML, or a bare word, which stands for a string.
    fn value(&self, value: &'a str, at: usize) -> Result<(Node<'a>, String), Errors> {
        let whole = self.start + at..self.start + at + value.len();
        if too_deep(value).is_some() {
            return Err(self.error(Code::TooDeep, at..at + value.len(), "nesting too deep").into());
        }
        match DeValue::parse(value) {
            Ok(node) => Ok((shifted(&node, self.start + at), value.to_owned())),
            Err(e) if value.starts_with(['[', '{', '"', '\'']) => {
                let span = e.span().unwrap_or(0..value.len());
                let what = format!("not a TOML value: {}; got {}", escape(e.message()), quote(value));
                Err(self.error(Code::BadOverride, at + span.start..at + span.end, what).into())
            }
            Err(_) => {
                let text = toml::Value::String(value.to_owned()).to_string();
                Ok((Spanned::new(whole, DeValue::String(Cow::Borrowed(value))), text))
            }
        }
    }
}

/// The value with all places shifted by `by` bytes.
fn shifted<'a>(node: &Node<'a>, by: usize) -> Node<'a> {
    let moved = |span: Range<usize>| span.start + by..span.end + by;
    let value = match node.get_ref() {
        DeValue::Array(list) => {
            let mut array = DeArray::new();
            list.iter().for_each(|entry| array.push(shifted(entry, by)));
            DeValue::Array(array)
        }
        DeValue::Table(table) => {
            let entries = table.iter();
            let entries =
                entries.map(|(k, v)| (Spanned::new(moved(k.span()), k.get_ref().clone()), shifted(v, by)));
            DeValue::Table(entries.collect::<DeTable<'a>>())
        }
        value => value.clone(),
    };
    Spanned::new(moved(node.span()), value)
}

/// Whether overrides can be written into the text.
pub(super) fn is_readable(source: &Arc<Source>) -> bool {
    Doc::parse(source).is_ok_and(|(_, duplicates)| duplicates.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_find_their_place_and_leave_the_rest_alone() {
        for (text, given, expected) in [
            ("seed = 1 # x\n", "seed=2", "seed = 2 # x\n"),
            (
                "# top\nname = 'a'\n[fleet]\nusers = 1\n",
                "seed=2",
                "# top\nseed = 2\nname = 'a'\n[fleet]\nusers = 1\n",
            ),
            ("[fleet] # f\nusers = 1\n", "fleet.apps=2", "[fleet] # f\napps = 2\nusers = 1\n"),
            ("[fleet]", "fleet.apps=2", "[fleet]\napps = 2"),
            ("fleet = { users = 1 }\n", "fleet.apps=2", "fleet = { apps = 2,  users = 1 }\n"),
            ("fleet = {}\n", "fleet.apps=2", "fleet = { apps = 2 }\n"),
            ("fleet.users = 1\n", "fleet.apps=2", "fleet.apps = 2\nfleet.users = 1\n"),
            ("[backend.tokens]\n", "backend.touch.queue=2", "[backend.tokens]\n[backend.touch]\nqueue = 2\n"),
            (
                "[backend.tokens]\n",
                "backend.token-life=60s",
                "[backend.tokens]\n[backend]\ntoken-life = \"60s\"\n",
            ),
            ("[[fault]]\n[[fault]]\n", "fault[1].from=5s", "[[fault]]\n[[fault]]\nfrom = \"5s\"\n"),
            ("policies = ['a', 'b']\n", "policies[1]=new", "policies = ['a', \"new\"]\n"),
            (
                "[[policy]]\n[policy.retry]\n",
                "policy[0].retry-budget.burst=1",
                "[[policy]]\nretry-budget.burst = 1\n[policy.retry]\n",
            ),
        ] {
            let edited = apply(Source::new("t", text), &Settings::from(&[given.to_owned()][..]));
            let edited = edited.unwrap_or_else(|e| panic!("{text}: {}", e.finish()));
            assert_eq!(edited.text, expected, "{given}");
        }
    }

    #[test]
    fn lines_that_an_override_adds_are_not_counted() {
        let source = Source::new("t", "name = 'a'\nabout = \"\"\"\na\n\"\"\"\nseed = 1\n");
        let given = ["bucket=1s", "about=b", "fleet.users=3"].map(String::from);
        let edited = apply(source, &Settings::from(&given[..])).unwrap_or_else(|e| panic!("{}", e.finish()));
        let seed = edited.text.find("seed").unwrap_or_else(|| panic!("{}", edited.text));
        assert_eq!(edited.place(seed), (5, 1), "{}", edited.text);
    }
}
