//! The bounds of every key of the format: values at the bounds, and values just beyond.

use crate::kernel::time::MAX_DURATION;
use crate::scenario::format;
use crate::spec::{Leaf, Table, Ty};
use toml::Value;

/// The bounds of one key.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    /// Path of the key, in the form of an override.
    pub path: String,
    /// Values at the bounds.
    pub at: Vec<String>,
    /// Values just beyond the bounds.
    pub beyond: Vec<String>,
}

/// The bounds of every key that has a place in this scenario: keys of its tables.
pub(super) fn bounds_of(scenario: &toml::Table) -> Vec<Bounds> {
    let mut all = Vec::new();
    table(format::scenario(), &Value::Table(scenario.clone()), "", &mut all);
    all
}

fn table(of: &'static Table, here: &Value, path: &str, all: &mut Vec<Bounds>) {
    for key in &of.keys {
        let path = if path.is_empty() { key.name.clone() } else { format!("{path}.{}", key.name) };
        let value = here.get(&key.name);
        match &key.ty {
            Ty::Table(inner) => {
                if let Some(value) = value {
                    table(inner, value, &path, all);
                }
            }
            Ty::List(..) if key.ty.table().is_some() => entries(&key.ty, value, &path, all),
            ty => {
                push(path.clone(), ty, all);
                entries(ty, value, &path, all);
            }
        }
    }
}

/// The keys of the entries of a list of tables.
fn entries(of: &Ty, list: Option<&Value>, path: &str, all: &mut Vec<Bounds>) {
    let Some(inner) = of.entry().and_then(Ty::table) else { return };
    let list = list.and_then(Value::as_array);
    for (number, entry) in list.into_iter().flatten().enumerate() {
        table(inner, entry, &format!("{path}[{number}]"), all);
    }
}

fn push(path: String, ty: &Ty, all: &mut Vec<Bounds>) {
    let (at, beyond) = values(ty);
    if !at.is_empty() {
        all.push(Bounds { path, at, beyond });
    }
}

fn quoted(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| format!("\"{text}\"")).collect()
}

fn durations(above_zero: bool) -> (Vec<String>, Vec<String>) {
    let most = MAX_DURATION.0;
    let mut at = vec!["\"1ns\"".to_owned(), format!("\"{most}ns\"")];
    let mut beyond = vec![format!("\"{}ns\"", most + 1), "\"-1ns\"".to_owned()];
    if above_zero { &mut beyond } else { &mut at }.push("\"0s\"".to_owned());
    (at, beyond)
}

/// The longest and the shortest texts of a leaf, and texts that are just invalid.
fn texts(leaf: &str) -> (Vec<String>, Vec<String>) {
    match leaf {
        "name" => {
            (quoted(&[&format!("a{}", "b".repeat(63))]), quoted(&[&format!("a{}", "b".repeat(64)), ""]))
        }
        "error-code" => (quoted(&[&"c".repeat(64)]), quoted(&[&"c".repeat(65), ""])),
        "rate" => (
            quoted(&["0/1ns", "999999999999/1ns", &format!("1/{}ns", MAX_DURATION.0)]),
            quoted(&["1/0s", "1000000000000/s", "-1/s"]),
        ),
        "answer" => (quoted(&["400", "599", "4xx", "5xx", "network"]), quoted(&["399", "600", "6xx"])),
        "expect-of" => (
            quoted(&["every", "mean", "0.000000001% of runs", "99.999999999% of runs"]),
            quoted(&["0% of runs", "100% of runs", "95%", "no-word"]),
        ),
        "warm-up" => (quoted(&["rule", "0s", "1ns"]), quoted(&["-1ns", "2", "no-word"])),
        other => panic!("say what the bounds of {other} are"),
    }
}

/// Values at the bounds of a type and just beyond.
fn values(ty: &Ty) -> (Vec<String>, Vec<String>) {
    let integers = |least: u64, most: u64| {
        let beyond = vec![(i128::from(least) - 1).to_string(), (i128::from(most) + 1).to_string()];
        (vec![least.to_string(), most.to_string()], beyond)
    };
    match ty {
        Ty::Version(version) => integers(*version, *version),
        Ty::Text { longest, .. } => (quoted(&[&"x".repeat(*longest)]), quoted(&[&"x".repeat(longest + 1)])),
        Ty::Leaf { leaf: Leaf { name: "duration", .. }, above_zero } => durations(*above_zero),
        Ty::Leaf { leaf, .. } => texts(leaf.name),
        Ty::Int { least, most, .. } => integers(*least, *most),
        Ty::Float(least, most) => (
            vec![format!("{least:?}"), format!("{most:?}")],
            vec![format!("{:?}", least - 0.001), format!("{:?}", most + 0.001), "inf".into(), "nan".into()],
        ),
        Ty::Share => {
            (vec!["0.0".into(), "1.0".into()], vec!["-0.000001".into(), "1.000001".into(), "nan".into()])
        }
        Ty::Decimal(least) => {
            let text = |millionths: u64| format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
            let below = least.checked_sub(1).map_or_else(|| "-0.000001".to_owned(), text);
            let beyond = vec![below, text(1_000_000_000_001), "1.0000001".into(), "inf".into()];
            (vec![text(*least), text(1_000_000_000_000)], beyond)
        }
        Ty::Bool => (vec!["true".into(), "false".into()], vec!["1".into()]),
        Ty::Dist { kinds, above_zero } => {
            let (mut at, mut beyond) = durations(*above_zero);
            // A period that is always zero is refused for every kind.
            let (of_kinds, zero) =
                one_of(kinds).0.into_iter().partition(|v| !above_zero || !v.contains("\"0s\""));
            at.extend::<Vec<String>>(of_kinds);
            beyond.extend::<Vec<String>>(zero);
            (at, beyond)
        }
        Ty::Word(words) => {
            // Paths lead to files, which a drawn scenario does not have.
            let words: Vec<&str> =
                words.iter().filter(|word| !word.is_path).map(|word| word.word.as_str()).collect();
            (quoted(&words), quoted(&["no-word"]))
        }
        // Each form has its bounds. A list of tables is entered, so only its length matters here.
        Ty::Choice { forms, .. } => {
            let all = forms.iter().map(|form| match form {
                Ty::Table(table) if table.one_of => one_of(table),
                form => values(form),
            });
            all.fold((Vec::new(), Vec::new()), |mut sum, (at, beyond)| {
                sum.0.extend(at);
                sum.1.extend(beyond);
                sum
            })
        }
        // Lists of tables are entered. Other lists have the bounds of their entries and of their length.
        Ty::List(entry, least, most) => {
            let (at, beyond) = values(entry);
            let listed = |values: &[String]| values.iter().map(|v| format!("[{v}]")).collect::<Vec<_>>();
            let mut beyond = listed(&beyond);
            beyond.extend((*least > 0).then(|| "[]".to_owned()));
            beyond.extend(at.first().map(|v| format!("[{}]", vec![v.as_str(); most + 1].join(", "))));
            if *least <= 1 {
                return (listed(&at), beyond);
            }
            let filled = |v: &String| format!("[{}]", vec![v.as_str(); *least].join(", "));
            (at.iter().map(filled).collect(), beyond)
        }
        // The names in the file decide on the valid references.
        Ty::Reference | Ty::Table(_) => (Vec::new(), Vec::new()),
    }
}

/// Tables with one key at its bounds. A key that is a table has all of its keys at bounds.
fn one_of(table: &Table) -> (Vec<String>, Vec<String>) {
    let (mut at, mut beyond) = (Vec::new(), Vec::new());
    for key in &table.keys {
        let (own_at, own_beyond) = match &key.ty {
            Ty::Table(inner) => (rows(inner), Vec::new()),
            ty => values(ty),
        };
        let put = |values: Vec<String>| -> Vec<String> {
            values.into_iter().map(|v| format!("{{ {} = {v} }}", key.name)).collect()
        };
        at.extend(put(own_at));
        beyond.extend(put(own_beyond));
    }
    (at, beyond)
}

/// Tables whose keys are all at bounds. Each bound of each key is in one of them.
fn rows(table: &Table) -> Vec<String> {
    let columns: Vec<(&str, Vec<String>)> =
        table.keys.iter().map(|key| (key.name.as_str(), values(&key.ty).0)).collect();
    let most = columns.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
    let pair =
        |row: usize| move |(name, of): &(&str, Vec<String>)| format!("{name} = {}", of[row % of.len()]);
    let row = |row| format!("{{ {} }}", columns.iter().map(pair(row)).collect::<Vec<_>>().join(", "));
    (0..most).map(row).collect()
}
