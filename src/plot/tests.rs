//! Properties of every chart, checked over a table of unusual results.

use super::canvas::UNITS;
use super::typeface::Face;
use super::{Chart, Columns, Drawn, Overlaid, charts, overlaid, to_png};
use crate::metrics::Metric;
use crate::results::synthetic;
use crate::results::{PolicyResults, Results};
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
        // Compares every pair of results, so that different policies, names, horizons, faults and sizes meet.
        let a = Overlaid { name: &format!("A: {case}"), results };
        for (other, results) in &table {
            let b = Overlaid { name: &format!("B: {other}"), results };
            check(&format!("{case} and {other}"), &overlaid(a, b, "2 of 3 metrics changed beyond noise."));
        }
    }
}

/// Every chart, also those that would be left out.
fn every_chart(results: &Results) -> Vec<Chart> {
    super::CHARTS.iter().map(|Drawn(_, draw)| draw(results, Columns::of(results))).collect()
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
fn a_run_without_requests_says_so() {
    let chart = super::requests(&synthetic::empty(&["old", "new"]));
    assert_eq!(chart.svg.matches("no requests\n").count(), 4, "a note and a word in each of two panels");
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
