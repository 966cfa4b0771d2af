//! The verdicts of `authstorm check` as comma-separated values and in Markdown.

use crate::check_files::{EACH, check, each, folder};

/// The same verdicts as in JSON, a row each, and a row for a file whose run is stopped.
#[test]
fn the_verdicts_of_several_files_are_one_table() {
    let all = each(&EACH);
    let stopped = format!("{}[guard]\nmax-events = 10\n", each(&EACH[..1]));
    let good = each(&EACH[..1]).replace("version = 1\nname = \"pollers\"", "version = 1\nname = \"good\"");
    let place = folder(&[("=all.toml", &all), ("stopped.toml", &stopped), ("good.toml", &good)]);
    let files = ["=all.toml", "stopped.toml", "good.toml"];
    let csv = check(place.path(), &[&files[..], &["--format", "csv"]].concat());
    let json = check(place.path(), &[&files[..], &["--format", "json"]].concat());
    assert_eq!((csv.code, json.code), (Some(3), Some(3)), "{}", csv.err);
    let list: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    let mut expected: Vec<[String; 5]> = Vec::new();
    for file in list.as_array().expect("a list") {
        let name = file["file"].as_str().expect("a name");
        // A spreadsheet would run a name that begins like a formula.
        let name = if name.starts_with('=') { format!("'{name}") } else { name.to_owned() };
        let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
        if let Some(error) = file["error"].as_str() {
            expected.push([name, String::new(), "stopped".to_owned(), "false".to_owned(), error.to_owned()]);
            continue;
        }
        for verdict in file["results"]["expectations"].as_array().expect("verdicts") {
            let may_be = verdict["may_be_vacuous"] == true && verdict["judgement"] == "vacuous";
            let passes = verdict["passed"] == true || may_be || verdict["judgement"] == "not-judged";
            // JSON has no infinity.
            let observed = match verdict["observed"].as_f64() {
                Some(value) => value.to_string(),
                None if verdict["judgement"] == "not-judged" => String::new(),
                None => "inf".to_owned(),
            };
            let [that, judgement] = [&verdict["that"], &verdict["judgement"]].map(text);
            expected.push([name.clone(), that, judgement, passes.to_string(), observed]);
        }
    }
    let mut reader = csv::Reader::from_reader(csv.out.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let column = |name: &str| header.iter().position(|cell| cell == name).expect(name);
    let columns = ["file", "expectation", "verdict", "passes", "observed", "detail", "line"].map(column);
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    let found: Vec<[String; 5]> = rows
        .iter()
        .map(|row| {
            assert_eq!(row.len(), header.len());
            let [file, that, verdict, passes, observed, detail, _] = columns.map(|n| row[n].to_owned());
            let last = if verdict == "stopped" { detail } else { observed };
            [file, that, verdict, passes, last]
        })
        .collect();
    assert_eq!(found, expected, "{}", csv.out);
    assert_eq!(rows.len(), 8);
    // The line of an expectation is that in its file.
    let line = all.lines().position(|line| line.contains("0.5 * new")).expect("a line") + 1;
    assert_eq!(&rows[1][columns[6]], line.to_string());
    // One file has the same columns. What fails is told on standard error too.
    let one = check(place.path(), &["=all.toml", "--format", "csv"]);
    assert_eq!(one.out.lines().collect::<Vec<_>>(), csv.out.lines().take(7).collect::<Vec<_>>());
    assert!(one.code == Some(1) && one.err.contains("FAIL new.requests_total <= 0.5"), "{}", one.err);
    let md = check(place.path(), &["=all.toml", "good.toml", "--format", "md"]);
    let row = "\n| FAIL | `new.requests_total <= 0.5 * new.callers_begun` | observed 60 against 30 in each of 3 replications |\n";
    assert!(md.out.contains(row) && md.out.contains("\n## good.toml\n"), "{}", md.out);
    assert_eq!(md.out.matches("| verdict | expectation | observed |").count(), 2, "{}", md.out);
}
