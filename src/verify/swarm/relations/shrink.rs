//! Shrinks a scenario: removes keys and entries one after another while the scenario still shows the problem.

use super::sides::Broken;
use toml::{Table, Value};

/// Path of a removable part: keys and indices, from the root down.
type Path = Vec<Step>;

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Key(String),
    Entry(usize),
}

/// Removes what `breaks` does not need to find a problem, until nothing more can be removed.
pub(super) fn shrink(first: Table, breaks: impl Fn(&Table) -> Option<Broken>) -> Option<Broken> {
    let mut smallest = breaks(&first)?;
    let mut table = first;
    loop {
        let mut paths = Vec::new();
        paths_of(&Value::Table(table.clone()), &mut Vec::new(), &mut paths);
        let smaller = paths.iter().find_map(|path| {
            let mut less = Value::Table(table.clone());
            take(&mut less, path);
            let less = less.as_table().cloned()?;
            breaks(&less).map(|broken| (less, broken))
        });
        match smaller {
            Some((less, broken)) => (table, smallest) = (less, broken),
            None => return Some(smallest),
        }
    }
}

/// Lists large parts before the parts inside them.
fn paths_of(value: &Value, at: &mut Path, paths: &mut Vec<Path>) {
    let steps: Vec<(Step, &Value)> = match value {
        Value::Table(table) => table.iter().map(|(key, value)| (Step::Key(key.clone()), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(i, value)| (Step::Entry(i), value)).collect(),
        _ => return,
    };
    for (step, _) in &steps {
        at.push(step.clone());
        paths.push(at.clone());
        at.pop();
    }
    for (step, value) in steps {
        at.push(step);
        paths_of(value, at, paths);
        at.pop();
    }
}

fn take(value: &mut Value, path: &[Step]) {
    match (value, path) {
        (Value::Table(table), [Step::Key(key)]) => {
            table.remove(key);
        }
        (Value::Array(list), [Step::Entry(i)]) => {
            list.remove(*i);
        }
        (Value::Table(table), [Step::Key(key), rest @ ..]) => take(&mut table[key.as_str()], rest),
        (Value::Array(list), [Step::Entry(i), rest @ ..]) => take(&mut list[*i], rest),
        _ => unreachable!("paths are those of this value"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::swarm::relations::sides::table;

    #[test]
    fn shrinking_leaves_only_what_is_needed() {
        let first = table("a = 1\nb = [{ c = 1, d = 2 }, { c = 3 }]\ne = { f = 4 }");
        let needs = |first: &Table| {
            let has = first.get("b")?.as_array()?.iter().any(|entry| entry.get("d").is_some());
            has.then(|| Broken { what: String::new(), first: first.clone(), second: Table::new() })
        };
        let smallest = shrink(first, needs).expect("the whole scenario breaks");
        assert_eq!(smallest.first, table("b = [{ d = 2 }]"));
    }
}
