//! Properties of every chart, checked over a table of unusual results.

use super::canvas::UNITS;
use super::lanes::{Bar, Schedule, lanes};
use super::typeface::Face;
use super::{Chart, Columns, Drawn, Overlaid, charts, overlaid, to_png};
use crate::backend::Endpoint;
use crate::kernel::Dur;
use crate::metrics::{Metric, Outcome};
use crate::results::synthetic;
use crate::results::{Mark, PolicyResults, Results};
use resvg::usvg::roxmltree::{Document, Node};

/// A text of a picture and its bounding box, in pixels.
#[derive(Debug)]
struct Placed {
    text: String,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

fn number(node: Node<'_, '_>, name: &str) -> f64 {
    node.attribute(name)
        .and_then(|value| value.parse().ok())
        .unwrap_or_else(|| panic!("no {name} in {node:?}"))
}

fn texts(document: &Document<'_>) -> Vec<Placed> {
    let nodes = document.descendants().filter(|node| node.has_tag_name("text"));
    nodes
        .map(|node| {
            let text = node.text().unwrap_or("").trim_matches('\n').to_owned();
            let size = number(node, "font-size") / UNITS;
            let face = Face { size, bold: node.attribute("font-weight") == Some("bold") };
            let (x, top) = (number(node, "x") / UNITS, number(node, "y") / UNITS);
            let width = face.width(&text);
            let left = match node.attribute("text-anchor") {
                Some("end") => x - width,
                Some("middle") => x - width / 2.0,
                _ => x,
            };
            // From the top of capitals to the bottom of descenders.
            Placed { text, left, right: left + width, top, bottom: top + size }
        })
        .collect()
}

fn each_chart(check: impl Fn(&str, &Chart)) {
    let table = synthetic::table();
    for (case, results) in &table {
        for chart in every_chart(results) {
            check(&format!("{case}/{}", chart.file_stem), &chart);
        }
        if !results.policies.is_empty() {
            check(&format!("{case}/lanes"), &lanes(&schedules(results)));
        }
        // Compares every pair of results, so that different policies, names, horizons, faults and sizes meet.
        let a = Overlaid { name: &format!("A: {case}"), results };
        for (other, results) in &table {
            let b = Overlaid { name: &format!("B: {other}"), results };
            check(&format!("{case} and {other}"), &overlaid(a, b, "2 of 3 metrics changed beyond noise."));
        }
    }
}

/// A session of each policy: calls at the start, in the middle and at the end; in the middle a loop of 429 with entries of
/// the flow and sign-outs. The sessions of the first two policies are alike.
fn schedules(results: &Results) -> Vec<Schedule> {
    let end = results.horizon.0;
    let call = |endpoint: &str, from: u64, length: u64, outcome: Outcome| Bar {
        tab: 0,
        endpoint: Endpoint::known(endpoint),
        from: Dur(from.min(end)),
        to: Dur((from + length).min(end)),
        outcome,
    };
    let schedule = |(i, policy): (usize, &PolicyResults)| {
        let begin = end / 2 + i.saturating_sub(1) as u64;
        let ms = (end / 600_000).max(1);
        let mut bars = vec![call("tokens", 0, 100 * ms, Outcome::Ok)];
        bars.extend((0..60).map(|n| call("touch", begin + n * 100 * ms, 100 * ms, Outcome::TooManyRequests)));
        bars.push(call("tokens", end - 50 * ms, 100 * ms, Outcome::InFlight));
        let mut marks: Vec<(Dur, Mark)> = (0..60).map(|n| (Dur(begin + n * 100 * ms), Mark::Entry)).collect();
        marks.extend([(Dur(begin + 20 * ms), Mark::FalseSignOut), (Dur(end), Mark::TrueSignOut)]);
        Schedule {
            title: format!("Session 7 under policy {}, replication 0: sends 62 requests", policy.name),
            provenance: "touch-429-burst · seed 42".to_owned(),
            window: (Dur::ZERO, results.horizon),
            faults: results.faults.clone(),
            continues: Vec::new(),
            bars,
            marks,
            entries: "entries of the unauthenticated flow".to_owned(),
        }
    };
    results.policies.iter().enumerate().map(schedule).collect()
}

/// Every chart, also those that would be left out.
fn every_chart(results: &Results) -> Vec<Chart> {
    super::CHARTS.iter().map(|Drawn(_, _, draw)| draw(results, Columns::of(results))).collect()
}

#[test]
fn a_chart_that_would_show_nothing_is_left_out() {
    assert_eq!(charts(&synthetic::empty(&["old", "new"])), []);
    let mut results = synthetic::empty(&["old", "new"]);
    synthetic::set(&mut results, 1, Metric::AppWaitS, &[0.5]);
    let drawn: Vec<&str> = charts(&results).iter().map(|chart| chart.file_stem).collect();
    assert_eq!(drawn, ["waiting"]);
    let stems = every_chart(&results).into_iter().map(|chart| chart.file_stem);
    assert_eq!(stems.collect::<std::collections::BTreeSet<_>>().len(), super::CHARTS.len());
}

#[test]
fn the_page_describes_endless_values_in_words() {
    let mut results = synthetic::storm(&["old", "new"], 60, 2);
    let never = f64::INFINITY;
    for (policy, values) in [(0, [never, never]), (1, [never, 12.0])] {
        synthetic::set(&mut results, policy, Metric::TimeToRecoverS, &values);
    }
    let page = crate::page::page(&results);
    for said in
        [">never within the run in 2 of 2 replications<", ">never within the run in 1 of 2 replications<"]
    {
        assert!(page.contains(said), "{said}");
    }
    let (text, _) = page.split_once("<script").unwrap();
    for wrong in ["inf s", ">inf", "NaN", "∞"] {
        assert!(!text.contains(wrong), "{wrong}");
    }
}

#[test]
fn texts_stay_in_the_picture_and_clear_of_each_other() {
    each_chart(|case, chart| {
        let document = Document::parse(&chart.svg).unwrap();
        let root = document.root_element();
        let (width, height) = (number(root, "width"), number(root, "height"));
        let texts = texts(&document);
        assert!(texts.len() >= 3, "{case}: a head at least");
        for (i, a) in texts.iter().enumerate() {
            assert!(a.left >= 0.0 && a.right <= width && a.top >= 0.0 && a.bottom <= height, "{case}: {a:?}");
            for b in &texts[..i] {
                let apart = a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
                assert!(apart, "{case}: {a:?} covers {b:?}");
            }
        }
    });
}

#[test]
fn names_are_text_and_nothing_else() {
    each_chart(|case, chart| {
        let document = Document::parse(&chart.svg).unwrap();
        for node in document.descendants().filter(Node::is_element) {
            let tag = node.tag_name().name();
            let drawn = ["svg", "rect", "line", "polyline", "polygon", "circle", "text"];
            assert!(drawn.contains(&tag), "{case}: <{tag}>");
            for attribute in node.attributes() {
                assert!(!attribute.name().starts_with("on"), "{case}: {}", attribute.name());
                assert!(!attribute.name().ends_with("href"), "{case}: {}", attribute.name());
            }
        }
    });
    let hostile = synthetic::storm(&["<script>alert(1)</script>", "new"], 60, 1);
    for chart in charts(&hostile) {
        let document = Document::parse(&chart.svg).unwrap();
        let said = texts(&document).iter().any(|placed| placed.text.contains("<script>alert(1)</script>"));
        assert!(said, "{}: the name is there, as text", chart.file_stem);
    }
}

#[test]
fn pictures_are_the_same_twice_and_stay_small() {
    let results = synthetic::storm(&["old", "new"], 100_000, 1);
    for (a, b) in charts(&results).iter().zip(charts(&results)) {
        assert_eq!(a, &b);
        assert!(a.svg.len() < 400_000, "{}: {} bytes", a.file_stem, a.svg.len());
        assert!(!a.svg.contains("NaN") && !a.svg.contains("inf"), "{}", a.file_stem);
    }
}

#[test]
fn a_png_is_twice_as_large_as_its_svg() {
    for names in [&["old"][..], &["<b>", "漢字 🙂"]] {
        for chart in charts(&synthetic::storm(names, 60, 2)) {
            let png = to_png(&chart.svg).unwrap();
            assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
            let side = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
            let document = Document::parse(&chart.svg).unwrap();
            let expected =
                |name| (number(document.root_element(), name) as f32 * super::png::SCALE).ceil() as u32;
            assert_eq!((side(16), side(20)), (expected("width"), expected("height")));
        }
    }
    assert!(to_png("<p>not a picture</p>").is_err());
}

#[test]
fn a_png_has_the_drawn_colors_on_white() {
    let svg = "<svg xmlns='http://www.w3.org/2000/svg' width='2' height='1'><rect width='1' height='1' fill='#102030'/></svg>";
    let file = to_png(svg).unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(&file)).read_info().unwrap();
    let mut colors = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut colors).unwrap();
    assert_eq!((frame.width, frame.height, frame.color_type), (4, 2, png::ColorType::Rgb));
    let row = [[0x10, 0x20, 0x30], [0x10, 0x20, 0x30], [255; 3], [255; 3]].concat();
    assert_eq!(colors, [row.clone(), row].concat());
}

#[test]
fn a_run_without_requests_says_so() {
    let chart = super::requests(&synthetic::empty(&["old", "new"]));
    assert_eq!(
        chart.svg.matches("no requests\n").count(),
        2,
        "a note and a word in the panel of both policies"
    );
}

#[test]
fn policies_alike_are_drawn_once_and_a_line_ends_at_the_mean() {
    let mut results = synthetic::storm(&["old", "twin"], 60, 5);
    let bands = r"<polygon";
    let different = super::sign_outs(&results).svg;
    results.policies[1] = PolicyResults { name: "twin".to_owned(), ..results.policies[0].clone() };
    let alike = super::sign_outs(&results).svg;
    // Two policies have true and false sign-outs. If they are alike, only the first has bands.
    assert_eq!((different.matches(bands).count(), alike.matches(bands).count()), (3, 2));
    // A line ends at the number in the title and in the table.
    let mean = crate::text::number::short(results.policies[0].metric("false_sign_outs").mean);
    assert!(alike.contains(&format!("old, twin: {mean} false\n")), "{alike}");
    assert!(alike.contains(&format!("signs out {mean} of")), "{alike}");
    assert!(different.contains("twin: 0 false\n"), "{different}");
    let [both, one] = [2, 1].map(|n| {
        let mut some = results.clone();
        some.policies.truncate(n);
        super::flow(&some).svg.matches("<polygon").count()
    });
    assert_eq!(both, one, "the flow too");
}

#[test]
fn a_depth_has_no_tick_between_none_and_one() {
    let six = synthetic::storm(&["old", "new", "capped", "no-jitter", "full-jitter", "breaker"], 300, 20);
    let svg = super::flow(&six).svg;
    let (_, depth) = svg.split_once("Greatest depth").unwrap();
    assert!(!depth.contains(">\n0.1\n<"), "a decade of its own for the edge of a band");
}

/// A lane for each kind of event, a section for each policy, sessions alike drawn once, and ticks that count from the start
/// of the closer look.
#[test]
fn lanes_mark_events_for_every_policy() {
    let mut results = synthetic::storm(&["old", "twin", "new"], 60, 1);
    results.horizon = Dur::from_secs(7 * 86_400);
    let chart = lanes(&schedules(&results));
    let document = Document::parse(&chart.svg).unwrap();
    let texts = texts(&document);
    let count = |wanted: &str| texts.iter().filter(|t| t.text == wanted).count();
    // Two sections with two panels; the second sign-out is not in the closer looks.
    assert_eq!(count("entries of the unauthenticated flow"), 4);
    assert_eq!((count("signed out falsely"), count("signed out rightly")), (4, 2));
    assert!(texts.iter().any(|t| t.text.starts_with("The same calls: Session 7 under policy twin")));
    assert!(texts.iter().any(|t| t.text.starts_with("Session 7 under policy new")));
    let long = texts.iter().find(|t| t.text.len() > 4 && t.text.ends_with(" s") && t.text.contains(','));
    assert!(long.is_none(), "a tick counts from the start of its window: {long:?}");
    assert!(count("0") >= 4, "every axis begins at 0");
}

fn calls_of(results: &mut Results, policy: usize, bucket: usize, outcome: Outcome, count: u64) {
    let buckets = &mut results.policies[policy].timelines[0].buckets;
    buckets[bucket].calls[Endpoint::known("touch").index()][outcome as usize] = count;
}

#[test]
fn every_outcome_is_named_with_its_count() {
    let mut results = synthetic::empty(&["old"]);
    synthetic::set(&mut results, 0, Metric::PeakRequestsPerS, &[100_000.0]);
    for bucket in 0..60 {
        calls_of(&mut results, 0, bucket, Outcome::Ok, 1_000_000);
    }
    calls_of(&mut results, 0, 9, Outcome::TooManyRequests, 389);
    calls_of(&mut results, 0, 9, Outcome::BadRequest, 1);
    calls_of(&mut results, 0, 59, Outcome::InFlight, 17);
    let svg = super::requests(&results).svg;
    for named in ["200 answered: 60,000,000\n", "429 limited: 389\n", "400 refused: 1\n"] {
        assert!(svg.contains(named), "{named}");
    }
    // Calls that were just sent are in flight at every end. Calls that hang are a finding.
    assert!(!svg.contains("in flight at the end:") && svg.contains("grey at the end: in flight"));
    calls_of(&mut results, 0, 30, Outcome::InFlight, 1);
    assert!(super::requests(&results).svg.contains("in flight at the end: 18\n"));
    let calm = synthetic::storm(&["old"], 60, 1);
    assert!(!super::requests(&calm).svg.contains("in flight"), "none is in flight");
}

#[test]
fn policies_with_the_same_requests_share_a_panel() {
    let mut results = synthetic::storm(&["old", "a", "b", "new"], 60, 1);
    for twin in [2, 3] {
        let name = results.policies[twin].name.clone();
        results.policies[twin] = PolicyResults { name, ..results.policies[1].clone() };
    }
    let svg = super::requests(&results).svg;
    assert!(svg.contains("a, b, new\n") && svg.contains("old\n"), "{svg}");
    assert_eq!(svg.matches("/touch limit 600").count(), 2, "the fault is named above each of two panels");
}

#[test]
fn a_limit_of_all_requests_is_a_line_and_others_are_words() {
    let mut results = synthetic::storm(&["old", "new"], 60, 1);
    let text = |key: &str, rate: &str| {
        format!(
            "version = 1\nname = \"x\"\nhorizon = \"10m\"\npolicies = [\"old\"]\n[client]\nmodel = \"documented\"\n[fleet]\n\
             users = 10000\n[[backend.limit]]\nendpoints = [\"touch\", \"client\", \"generic\"]\nkind = \"gcra\"\n\
             rate = \"{rate}\"\nburst = 9\nkey = \"{key}\"\n"
        )
    };
    for (key, rate, lines, word) in [
        ("global", "900/s", 2, "gcra of 900/1s, burst 9, for all together\n"),
        ("ip", "900/s", 0, "gcra of 900/1s, burst 9, per ip\n"),
        // A line at this height would flatten the data.
        ("global", "9000/s", 0, "for all together, above this scale\n"),
    ] {
        results.scenario_text = text(key, rate);
        let svg = super::requests(&results).svg;
        assert_eq!(svg.matches("limit: 900/s\n").count(), lines, "{key} {rate}");
        assert!(svg.contains(word), "{word}: {svg}");
    }
}

#[test]
fn one_user_has_no_distribution() {
    let mut results = synthetic::storm(&["old", "new"], 60, 1);
    let drawn =
        |results: &Results| charts(results).iter().any(|chart| chart.file_stem == "entries-per-session");
    assert!(drawn(&results));
    results.users = 1;
    assert!(!drawn(&results), "all or nothing: the title says it");
}

#[test]
fn an_axis_without_data_has_no_scale() {
    for chart in every_chart(&synthetic::empty(&["old", "new"])) {
        let document = Document::parse(&chart.svg).unwrap();
        let scaled =
            texts(&document).into_iter().find(|t| ["0.5", "0.2%", "1.0%"].contains(&t.text.as_str()));
        assert!(scaled.is_none() || chart.file_stem == "amplification", "{}: {scaled:?}", chart.file_stem);
    }
}

/// Writes every chart of the table for inspection: `REPORT_PICTURES=<directory> cargo test -- --ignored pictures`.
#[test]
#[ignore = "writes files for a person to look at"]
fn pictures() {
    let directory = std::path::PathBuf::from(std::env::var("REPORT_PICTURES").unwrap());
    each_chart(|case, chart| {
        let file = directory.join(case.replace('/', "-"));
        std::fs::write(file.with_extension("svg"), &chart.svg).unwrap();
        std::fs::write(file.with_extension("png"), to_png(&chart.svg).unwrap()).unwrap();
    });
}
