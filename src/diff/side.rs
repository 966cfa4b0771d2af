//! One side of a comparison, read from `summary.json`.

use crate::kernel::Dur;
use serde_json::Value;

/// The parts of a `summary.json` that `diff` needs. Metrics keep the names of the file, so other versions can be
/// compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// Name of the scenario.
    pub scenario: String,
    /// Version of authstorm that wrote the file.
    pub version: String,
    /// SHA-256 of the scenario including its policies, as hexadecimal digits.
    pub hash: String,
    /// Seed of the runs.
    pub seed: u64,
    /// Number of replications.
    pub replications: usize,
    /// Users and length of a run; `None` if the file does not contain them.
    pub size: Option<Size>,
    /// Policies in the order of the file: name and metrics.
    pub policies: Vec<(String, Vec<Series>)>,
}

/// Values of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Name of the metric.
    pub metric: String,
    /// Unit of the values.
    pub unit: String,
    /// One value per replication. A null in the file becomes infinity: the event never occurred within the run.
    pub values: Vec<f64>,
}

/// Size of a run, with which totals grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Users of the fleet.
    pub users: u32,
    /// Length of a run.
    pub horizon: Dur,
}

impl Side {
    /// Reads a `summary.json`.
    ///
    /// # Errors
    /// If the file is not valid JSON, or a part is missing or has the wrong type: a sentence that names it.
    pub fn parse(summary: &[u8]) -> Result<Side, String> {
        let value: Value = serde_json::from_slice(summary).map_err(|e| e.to_string())?;
        let word = |key: &str| value[key].as_str().map(str::to_owned).ok_or(format!("`{key}` is missing"));
        let count = |key: &str| value[key].as_u64().ok_or(format!("`{key}` is missing"));
        let replications = usize::try_from(count("replications")?).map_err(|e| e.to_string())?;
        let policies = value["policies"].as_object().ok_or("`policies` is missing")?;
        let policies = policies.iter().map(|(name, policy)| {
            let metrics =
                policy["metrics"].as_object().ok_or(format!("policy {name:?}: `metrics` is missing"))?;
            let series = metrics.iter().map(|(metric, entry)| {
                let values = numbers(&entry["values"]).filter(|values| values.len() == replications);
                Ok(Series {
                    metric: metric.clone(),
                    unit: entry["unit"].as_str().unwrap_or_default().to_owned(),
                    values: values.ok_or(format!(
                        "policy {name:?}: `values` of {metric:?} must be {replications} numbers, one per replication"
                    ))?,
                })
            });
            Ok((name.clone(), series.collect::<Result<_, String>>()?))
        });
        Ok(Side {
            scenario: word("scenario")?,
            version: word("version")?,
            hash: word("scenario_hash")?,
            seed: count("seed")?,
            replications,
            size: size(&value),
            policies: policies.collect::<Result<_, String>>()?,
        })
    }
}

fn size(value: &Value) -> Option<Size> {
    let users = u32::try_from(value["users"].as_u64()?).ok()?;
    let horizon = Dur::parse(value["horizon"].as_str()?).ok().filter(|horizon| *horizon > Dur::ZERO)?;
    Some(Size { users, horizon })
}

fn numbers(value: &Value) -> Option<Vec<f64>> {
    let one = |v: &Value| if v.is_null() { Some(f64::INFINITY) } else { v.as_f64() };
    value.as_array()?.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_rejects_an_incomplete_summary() {
        let text = |values: &str| {
            format!(
                r#"{{"scenario":"s","version":"1","scenario_hash":"h","seed":1,"replications":2,
                "policies":{{"p":{{"metrics":{{"m":{{"unit":"s","values":{values}}}}}}}}}}}"#
            )
        };
        let whole = Side::parse(text("[1, null]").as_bytes()).unwrap();
        assert_eq!((whole.policies[0].1[0].values[1], whole.size), (f64::INFINITY, None));
        let sized = text("[1, 2]").replacen('{', r#"{"users":7,"horizon":"10m","#, 1);
        let size = Size { users: 7, horizon: Dur::from_secs(600) };
        assert_eq!(Side::parse(sized.as_bytes()).unwrap().size, Some(size));
        for (bytes, why) in [
            (text("[1]"), "must be 2 numbers"),
            (text("[1, \"2\"]"), "must be 2 numbers"),
            ("{}".to_owned(), "is missing"),
            ("{".to_owned(), "EOF"),
        ] {
            assert!(Side::parse(bytes.as_bytes()).unwrap_err().contains(why), "{bytes}");
        }
    }
}
