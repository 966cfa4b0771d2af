//! The tables of metrics: of each family of clients, and of several beside each other.

use super::definitions::{Harm, Kind, Metric, MetricDef, Needs, Stimulus, common};
use super::flow::FlowMetric;
use crate::client::family::FlowHarm;
use crate::client::workload::GENERIC;
use crate::client::{FAMILIES, Families};
use crate::protocol::{Endpoint, EndpointRow};
use std::sync::LazyLock;

/// The metrics of runs of a model or of families, in the order of results.
pub fn metrics_of(clients: impl Into<Families>) -> &'static [MetricDef] {
    &TABLES[clients.into().place()]
}

/// The metrics of all client families, each name once: those of the first family in the order of results, then what other
/// families and several beside each other add.
pub fn all_metrics() -> &'static [MetricDef] {
    &ALL
}

/// The metrics of each set of families, in the order of the sets.
static TABLES: LazyLock<Vec<Vec<MetricDef>>> = LazyLock::new(|| Families::sets().map(table_of).collect());

fn table_of(families: Families) -> Vec<MetricDef> {
    if families.are_several() { table_of_several(families) } else { table_of_one(families) }
}

/// The metrics of one family.
fn table_of_one(family: Families) -> Vec<MetricDef> {
    let family = &FAMILIES[family.iter().next().unwrap_or(0)];
    let mut all = Vec::new();
    let has = |row: &MetricDef| family.refresh_tokens || row.needs != Needs::RefreshTokens;
    for mut row in common(&family.flow).into_iter().filter(has) {
        row.harm = harm_in(family.flow.harm, &row);
        all.push(row);
        if row.metric == Metric::RequestsTotal {
            all.extend(family.endpoints.iter().chain([GENERIC.row()]).map(MetricDef::of_calls));
        }
    }
    all
}

/// The metrics of several families beside each other. What a family counts in its own words counts its own users. The sums over
/// all clients harm nobody by themselves: what harms in one flow is ordinary work in another.
fn table_of_several(families: Families) -> Vec<MetricDef> {
    let with_tokens: Families =
        families.iter().filter(|family| FAMILIES[*family].refresh_tokens).map(Families::one).collect();
    let mut all = Vec::new();
    for mut row in common(families.flow()) {
        row.harm = harm_in(FlowHarm::OfClient, &row);
        if row.needs == Needs::RefreshTokens {
            if with_tokens != Families::default() {
                all.push(if with_tokens == families { row } else { row.only_of(with_tokens) });
            }
            continue;
        }
        all.push(row);
        for family in families.iter() {
            let (own, flow) = (Families::one(family), &FAMILIES[family].flow);
            if let Some(of) = FlowMetric::of(row.metric) {
                let name = of.words(&flow.metrics).name;
                let alone = table_of_one(own)
                    .into_iter()
                    .find(|row| row.name == name)
                    .expect("a family has its metrics");
                let metric = Metric::OfFamily(of, family as u8);
                all.push(MetricDef { metric, ..alone }.only_of(own));
            }
            if row.metric == Metric::RequestsTotal {
                let calls = FAMILIES[family].endpoints.iter().map(MetricDef::of_calls);
                all.extend(calls.map(|row| row.only_of(own)));
            }
        }
        if row.metric == Metric::RequestsTotal {
            all.push(MetricDef::of_calls(GENERIC.row()));
        }
    }
    all
}

/// The harm of a metric in a family whose flow harms in this way. The table of metrics says `Flow` of every metric of
/// entries that harms in some family.
fn harm_in(flow: FlowHarm, row: &MetricDef) -> Harm {
    match (row.metric, flow) {
        (Metric::FlowEntries | Metric::RecursiveEntries, FlowHarm::OfClient) => Harm::None,
        (Metric::FlowEntries, FlowHarm::RecursiveOrFailed) => Harm::None,
        (Metric::RecursiveEntries | Metric::FailedEntries, FlowHarm::Each) => Harm::None,
        _ => row.harm,
    }
}

static ALL: LazyLock<Vec<MetricDef>> = LazyLock::new(|| {
    let mut all: Vec<MetricDef> = Vec::new();
    for def in TABLES.iter().flatten() {
        if all.iter().all(|other| other.name != def.name) {
            all.push(*def);
        }
    }
    all
});

impl MetricDef {
    /// The row that counts the calls of an endpoint.
    fn of_calls(row: &EndpointRow) -> MetricDef {
        let endpoint = Endpoint::known(row.name);
        MetricDef {
            metric: Metric::Requests(endpoint),
            name: row.calls.name,
            unit: row.calls.unit,
            harm: Harm::None,
            kind: Kind::Total,
            needs: if endpoint == GENERIC { Needs::Workloads } else { Needs::Users },
            stimulus: Stimulus::Traffic,
            definition: row.calls.definition,
            of: Families::default(),
        }
    }

    /// The row where other families run beside these, which alone have the metric.
    fn only_of(self, families: Families) -> MetricDef {
        let clients: Vec<&str> = families.iter().map(|family| FAMILIES[family].flow.clients).collect();
        let definition = format!("{} Of {} only.", self.definition, clients.join(" and "));
        MetricDef { of: families, definition: definition.leak(), ..self }
    }
}

impl Metric {
    /// Its definition. A metric that families name has the words of the first family.
    pub fn def(self) -> &'static MetricDef {
        TABLES.iter().flatten().find(|def| def.metric == self).expect("every metric is in a table")
    }

    /// Its names in results. A name of several families beside each other comes before those of the families.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let tables = TABLES.iter().rev().flatten();
        tables.filter(move |def| def.metric == self).map(|def| def.name)
    }

    /// The metrics with a harm in runs of a model or of families, gravest first. Metrics of the same harm are in the order of
    /// results.
    pub fn by_gravity(clients: impl Into<Families>) -> Vec<Metric> {
        let mut harms: Vec<&MetricDef> =
            metrics_of(clients).iter().filter(|def| def.harm != Harm::None).collect();
        harms.sort_by_key(|def| def.harm);
        harms.into_iter().map(|def| def.metric).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Model;
    use std::collections::BTreeSet;

    #[test]
    fn a_family_has_each_name_and_each_metric_once() {
        for table in TABLES.iter() {
            let names: BTreeSet<&str> = table.iter().map(|def| def.name).collect();
            assert_eq!(names.len(), table.len());
            for (i, def) in table.iter().enumerate() {
                assert!(table[..i].iter().all(|other| other.metric != def.metric), "{}", def.name);
            }
        }
    }

    /// Whatever families call a metric, its scale is the same, and so is its harm, unless it counts entries of the flow.
    #[test]
    fn families_differ_in_words_and_in_what_harms() {
        for def in TABLES.iter().flatten() {
            let MetricDef { name, unit, definition, harm, of, .. } = *def;
            assert_eq!(MetricDef { name, unit, definition, harm, of, ..*def.metric.def() }, *def);
            let counts_entries = [Metric::FlowEntries, Metric::RecursiveEntries, Metric::FailedEntries];
            assert!(harm == def.metric.def().harm || counts_entries.contains(&def.metric), "{name}");
        }
        let names: BTreeSet<&str> = all_metrics().iter().map(|def| def.name).collect();
        assert_eq!(names.len(), all_metrics().len());
    }

    /// Each metric of a family is there under its name, and says whose it is where others do not have it. The sums are more.
    #[test]
    fn several_families_have_the_metrics_of_each() {
        for set in Families::sets().filter(|set| set.are_several()) {
            let table = metrics_of(set);
            let mut own: BTreeSet<&str> = BTreeSet::new();
            for family in set.iter().map(Families::one) {
                for alone in metrics_of(family) {
                    let here = table.iter().find(|def| def.name == alone.name).expect("a metric of a family");
                    assert_eq!(
                        (here.unit, here.kind, here.harm),
                        (alone.unit, alone.kind, alone.harm),
                        "{}",
                        alone.name
                    );
                    let others = set.iter().map(Families::one).filter(|other| *other != family);
                    let is_common = others
                        .into_iter()
                        .all(|other| metrics_of(other).iter().any(|def| def.name == alone.name));
                    assert_eq!(here.of == Families::default(), is_common, "{}", alone.name);
                    assert_eq!(
                        here.definition.contains(family.flow().clients),
                        !is_common,
                        "{}",
                        here.definition
                    );
                    own.insert(alone.name);
                }
            }
            let sums: Vec<&MetricDef> = table.iter().filter(|def| !own.contains(def.name)).collect();
            let names: Vec<&str> = sums.iter().map(|def| def.name).collect();
            let words = set.flow().metrics;
            let expected =
                [words.entries, words.sessions, words.worst_session, words.recursive, words.depth_max];
            assert_eq!(names, expected.map(|words| words.name));
            assert!(
                sums.iter()
                    .all(|def| def.harm == Harm::None
                        && def.metric.of_each(set).len() == 1 + set.iter().count())
            );
        }
    }

    #[test]
    fn a_model_has_the_calls_of_its_own_endpoints() {
        for model in Model::all() {
            let counted = metrics_of(model).iter().filter_map(|def| match def.metric {
                Metric::Requests(endpoint) => Some(endpoint),
                _ => None,
            });
            assert_eq!(counted.collect::<Vec<_>>(), model.endpoints());
        }
    }
}
