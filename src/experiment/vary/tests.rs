use super::*;

fn ends(text: &str) -> (u64, String, String) {
    let vary = Vary::parse(text).expect(text);
    (vary.len(), vary.text(0), vary.text(vary.len() - 1))
}

#[test]
fn ranges_have_the_values_between_their_ends() {
    for (text, len, first, last) in [
        ("a.b=10..1000", 991, "10", "1000"),
        ("a=0..1", 2, "0", "1"),
        ("a = 5/s .. 20/s", 16, "5/s", "20/s"),
        ("a=10/10s..100/10s", 91, "10/10s", "100/10s"),
        ("a=0.05..1", 96, "0.05", "1.00"),
        ("a=0.500..0.502", 3, "0.500", "0.502"),
    ] {
        assert_eq!(ends(text), (len, first.to_owned(), last.to_owned()), "{text}");
    }
    assert_eq!(Vary::parse("a=0.05..1").expect("a range").text(7), "0.12");
}

#[test]
fn durations_are_one_percent_apart() {
    let vary = Vary::parse("horizon=500ms..10s").expect("a range");
    assert_eq!((vary.text(0), vary.text(1)), ("500ms".to_owned(), "505ms".to_owned()));
    assert_eq!(vary.text(vary.len() - 1), "10s");
    for i in 1..vary.len() {
        let [before, after] = [i - 1, i].map(|i| vary.number(i).expect("a number"));
        assert!(after > before && after <= before * 1.0101 + 1e-9, "{before} {after}");
    }
    assert_eq!(ends("a=0s..1ms").1, "0s");
}

#[test]
fn steps_and_lists_have_the_values_that_are_asked_for() {
    let texts = |text: &str| {
        let vary = Vary::parse(text).unwrap_or_else(|e| panic!("{e}"));
        (0..vary.len()).map(|i| (vary.text(i), vary.number(i))).collect::<Vec<_>>()
    };
    let is = |text: &str, expected: &[(&str, f64)]| {
        let expected: Vec<_> = expected.iter().map(|(text, n)| ((*text).to_owned(), Some(*n))).collect();
        assert_eq!(texts(text), expected, "{text}");
    };
    is("a=10..100/4", &[("10", 10.0), ("40", 40.0), ("70", 70.0), ("100", 100.0)]);
    is("a=1/s..100/s/3 log", &[("1/s", 1.0), ("10/s", 10.0), ("100/s", 100.0)]);
    is("a=10/10s..100/10s/2", &[("10/10s", 10.0), ("100/10s", 100.0)]);
    is("a=0.00..1.00/5", &[("0.00", 0.0), ("0.25", 0.25), ("0.50", 0.5), ("0.75", 0.75), ("1.00", 1.0)]);
    is("a=1m..2h/3", &[("1m", 60.0), ("3630s", 3_630.0), ("2h", 7_200.0)]);
    is("a=30,5,10", &[("30", 30.0), ("5", 5.0), ("10", 10.0)]);
    is("a=1m, 90s", &[("1m", 60.0), ("90s", 90.0)]);
    let words = |text: &str| texts(text).into_iter().map(|(text, number)| (text, number.is_none()));
    assert!(words("a=old,new").eq([("old".to_owned(), true), ("new".to_owned(), true)]));
    let quoted = ["\"x, y\"", "[1, 2]", "{ b = 1, c = 2 }"].map(|text| (text.to_owned(), true));
    assert!(words("a=\"x, y\",[1, 2],{ b = 1, c = 2 }").eq(quoted));
    assert!(Vary::parse("a=1..9/3").is_ok_and(|vary| vary.clone().spaced(0.1).is_err() && !vary.is_open()));
}

#[test]
fn levels_are_thirds_of_the_scale() {
    let levels = |text: &str| {
        let vary = Vary::parse(text).expect(text);
        (0..4).filter_map(|part| vary.level(part, 3)).collect::<Vec<_>>()
    };
    let is = |text: &str, expected: [(&str, f64); 4]| {
        let found = levels(text);
        assert_eq!(found.len(), 4, "{text}");
        for ((value, share), (expected, at)) in found.into_iter().zip(expected) {
            assert_eq!(value, expected, "{text}");
            assert!((share - at).abs() < 1e-4, "{text}: {share}");
        }
    };
    let third = 1.0 / 3.0;
    is("a=10..100", [("10", 0.0), ("40", third), ("70", 2.0 * third), ("100", 1.0)]);
    is("a=1/s..1000/s log", [("1/s", 0.0), ("10/s", third), ("100/s", 2.0 * third), ("1000/s", 1.0)]);
    is("a=1m..2h", [("1m", 0.0), ("2440s", third), ("4820s", 2.0 * third), ("2h", 1.0)]);
    // A range of two whole numbers has the lower at the first two levels. Steps are not left.
    is("a=0..1", [("0", 0.0), ("0", 0.0), ("1", 1.0), ("1", 1.0)]);
    is("a=0..10/3", [("0", 0.0), ("5", 0.5), ("5", 0.5), ("10", 1.0)]);
    assert!(levels("a=1,2,3").is_empty());
}

#[test]
fn what_is_no_range_is_refused() {
    for text in [
        "a",
        "=1..2",
        "a=1",
        "a=1-2",
        "a=x..y",
        "a=2..1",
        "a=1..1",
        "a=1/s..2/m",
        "a=1.0000001..2",
        "a=-1..2",
        "a=1...2",
        "a=1..9/1",
        "a=1..9/0",
        "a=1..4/5",
        "a=0..9/3 log",
        "a=1..9/99999",
        "a=x,",
        "a=x,y,x",
        "a=x",
    ] {
        assert!(Vary::parse(text).is_err(), "{text}");
    }
}
