//! Reads the text of a condition: two sums of terms, and a comparison between them.

use super::{
    BadCondition, ExpectOf, Expectation, Item, Label, NUMBERS, OPS, Op, Places, Quantity, Side, Term, What,
    all_metrics,
};
use crate::text::{nearest, quote, tick};
use crate::toml_text::Code;
use std::ops::Range;

/// How a condition is written, for messages.
const FORM: &str = "`policy.metric OP number`, such as \"new.false_sign_outs == 0\", or sums of such metrics, each with a \
                    factor, such as \"new.requests_total <= 1.2 * old.requests_total\"";

fn bad(code: Code, at: Range<usize>, what: String) -> BadCondition {
    BadCondition { code, at, what, allowed: None, meant: None }
}

fn form(at: Range<usize>, what: impl Into<String>) -> BadCondition {
    BadCondition { allowed: Some(FORM.into()), ..bad(Code::Condition, at, what.into()) }
}

/// Parses a condition: `policy.metric OP number`, or two sums of terms. A term is a number, `users`, `policy.metric`, a
/// metric with labels, such as `policy.answer_time_s{endpoint=touch, quantile=p99}`, or `baseline(..)` of one of these,
/// with factors before or after it. `+` and `-` between terms have spaces on both sides. The last dot separates policy and
/// metric, because names of policies may have dots and names of metrics have none. Does not check that what is named exists
/// in a scenario, apart from metrics.
///
/// # Errors
/// What is wrong, and its place in the text.
pub fn parse_expectation(text: &str, of: ExpectOf) -> Result<Expectation, BadCondition> {
    if let Some(at) = open_bracket(text) {
        return Err(form(at..text.len(), "a bracket that is not closed"));
    }
    let signs = |c: char| "=!<>".contains(c);
    let Some(op_start) = outside(text, 0..text.len(), signs).next() else {
        return Err(form(0..text.len(), "a condition without an operator"));
    };
    let op_end = text[op_start..].find(|c| !signs(c)).map_or(text.len(), |len| op_start + len);
    let op = operator(text, op_start..op_end)?;
    let (left, right) = (trim(text, 0..op_start), trim(text, op_end..text.len()));
    if left.is_empty() {
        return Err(form(left, "a condition without `policy.metric`"));
    }
    if right.is_empty() {
        return Err(form(op_start..op_end, "a condition without a number"));
    }
    let whole = left.start..right.end;
    let (left, right) = (side(text, left, true)?, side(text, right, false)?);
    let expectation =
        Expectation { left, op, right, cohort: None, of, may_be_vacuous: false, text: text.to_owned() };
    match expectation.quantities().count() {
        0 => Err(form(whole, "a condition without `policy.metric`")),
        _ => Ok(expectation),
    }
}

/// Whether a text is a condition, not a sum: it has an operator outside of brackets.
pub fn is_condition(text: &str) -> bool {
    outside(text, 0..text.len(), |c| "=!<>".contains(c)).next().is_some()
}

fn operator(text: &str, at: Range<usize>) -> Result<Op, BadCondition> {
    let sign = &text[at.clone()];
    let known = OPS.into_iter().find(|(known, _)| *known == sign);
    known.map(|(_, op)| op).ok_or_else(|| {
        let meant = match sign {
            "=" | "===" => Some("=="),
            "=<" => Some("<="),
            "=>" => Some(">="),
            "<>" | "!" => Some("!="),
            _ => None,
        };
        BadCondition {
            allowed: Some(OPS.map(|(sign, _)| sign).join(" ")),
            meant: meant.map(str::to_owned),
            ..bad(Code::Condition, at, format!("unknown operator {}", tick(sign)))
        }
    })
}

/// The places of characters that stand in no bracket.
fn outside(text: &str, within: Range<usize>, is: impl Fn(char) -> bool) -> impl Iterator<Item = usize> {
    let mut depth = 0_usize;
    text[within.clone()].char_indices().filter_map(move |(at, c)| {
        match c {
            '{' | '(' => depth += 1,
            '}' | ')' => depth = depth.saturating_sub(1),
            c if depth == 0 && is(c) => return Some(within.start + at),
            _ => {}
        }
        None
    })
}

/// The first bracket that nothing closes.
fn open_bracket(text: &str) -> Option<usize> {
    let mut open = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            '{' | '(' => open.push(at),
            '}' | ')' => drop(open.pop()),
            _ => {}
        }
    }
    open.first().copied()
}

/// The range without blanks at its ends. A range of blanks becomes its begin.
fn trim(text: &str, at: Range<usize>) -> Range<usize> {
    let part = &text[at.clone()];
    let start = at.start + (part.len() - part.trim_start().len());
    match part.trim().len() {
        0 => at.start..at.start,
        length => start..start + length,
    }
}

fn side(text: &str, at: Range<usize>, is_left: bool) -> Result<Side, BadCondition> {
    let blank = |at: usize| text[at..].starts_with(char::is_whitespace);
    let is_sign = |sign: &usize| {
        *sign > at.start
            && text[..*sign].ends_with(char::is_whitespace)
            && *sign + 1 < at.end
            && blank(sign + 1)
    };
    let mut terms = Vec::new();
    let (mut begin, mut factor) = (at.start, 1.0);
    for sign in outside(text, at.clone(), |c| "+-".contains(c)).filter(is_sign).chain([at.end]) {
        terms.push(term(text, trim(text, begin..sign), factor, is_left)?);
        factor = if text[sign..].starts_with('-') { -1.0 } else { 1.0 };
        begin = (sign + 1).min(at.end);
    }
    Ok(Side { terms })
}

fn term(text: &str, at: Range<usize>, sign: f64, is_left: bool) -> Result<Term, BadCondition> {
    let mut whole = Term { factor: sign, item: Item::One };
    let mut begin = at.start;
    for end in outside(text, at.clone(), |c| c == '*').chain([at.end]) {
        let part = trim(text, begin..end);
        begin = (end + 1).min(at.end);
        if part.is_empty() {
            return Err(form(at, "a factor is missing"));
        }
        match factor(text, part.clone(), is_left)? {
            Factor::Number(number) => whole.factor *= number,
            Factor::Item(item) if whole.item == Item::One => whole.item = item,
            Factor::Item(_) => {
                return Err(form(part, "a product of two values; all factors of a term but one are numbers"));
            }
        }
    }
    // Adding zero turns -0 into 0, which is equal but would be shown with its sign.
    whole.factor += 0.0;
    match whole.factor.is_finite() {
        true => Ok(whole),
        false => Err(form(at, "the number of a condition must be finite")),
    }
}

enum Factor {
    Number(f64),
    Item(Item),
}

fn factor(text: &str, at: Range<usize>, is_left: bool) -> Result<Factor, BadCondition> {
    let part = &text[at.clone()];
    match part.parse::<f64>() {
        Ok(number) if number.is_finite() => return Ok(Factor::Number(number)),
        Ok(_) => return Err(form(at, "the number of a condition must be finite")),
        Err(_) => {}
    }
    if let Some(slash) = outside(text, at.clone(), |c| c == '/').next() {
        let fix = "a factor on the other side: \"new.requests_total <= 1.2 * old.requests_total\"";
        return Err(BadCondition {
            allowed: Some(fix.into()),
            ..bad(Code::Condition, slash..slash + 1, "a condition has no division".into())
        });
    }
    if part == "users" || part.starts_with("users{") {
        return users(text, at).map(Factor::Item);
    }
    if let Some(inner) = part.strip_prefix("baseline(").and_then(|rest| rest.strip_suffix(')')) {
        let start = at.start + "baseline(".len();
        let of_baseline = quantity(text, trim(text, start..start + inner.len()), is_left)?;
        return Ok(Factor::Item(Item::Of(Quantity { of_baseline: true, ..of_baseline })));
    }
    quantity(text, at, is_left).map(|quantity| Factor::Item(Item::Of(quantity)))
}

fn users(text: &str, at: Range<usize>) -> Result<Item, BadCondition> {
    let (_, mut labels) = labels(text, at.clone())?;
    match labels.pop() {
        None => Ok(Item::Users { cohort: None, at }),
        Some((Label::Cohort, name, at)) if labels.is_empty() => Ok(Item::Users { cohort: Some(name), at }),
        Some(_) => Err(BadCondition {
            allowed: Some("users, users{cohort=NAME}".into()),
            ..bad(Code::Condition, at, "`users` takes the label `cohort` only".into())
        }),
    }
}

fn quantity(text: &str, at: Range<usize>, is_left: bool) -> Result<Quantity, BadCondition> {
    let (head, mut labels) = labels(text, at.clone())?;
    let name = &text[head.clone()];
    let Some((policy, metric)) = name.rsplit_once('.').filter(|(p, m)| !p.is_empty() && !m.is_empty()) else {
        return Err(match is_left {
            true => form(at, "a condition without `policy.metric`"),
            false => form(at.clone(), format!("not a number: {}", quote(&text[at]))),
        });
    };
    if name.contains(char::is_whitespace) && !is_left {
        return Err(form(at.clone(), format!("not a number: {}", quote(&text[at]))));
    }
    let metric_at = head.end - metric.len()..head.end;
    let known = all_metrics().iter().find(|def| def.name == metric).map(What::Metric);
    let known = known.or_else(|| NUMBERS.iter().find(|def| def.name == metric).map(What::Number));
    let Some(what) = known else {
        let names = all_metrics().iter().map(|def| def.name).chain(NUMBERS.iter().map(|def| def.name));
        return Err(BadCondition {
            meant: nearest(metric, names).map(str::to_owned),
            ..bad(Code::UnknownMetric, metric_at, format!("no metric is named {}", tick(metric)))
        });
    };
    labels.sort_by_key(|(label, ..)| *label);
    let places = Places {
        policy: head.start..head.start + policy.len(),
        metric: metric_at,
        labels: labels.iter().map(|(.., at)| at.clone()).collect(),
    };
    let labels = labels.into_iter().map(|(label, value, _)| (label, value)).collect();
    Ok(Quantity { policy: policy.to_owned(), what, labels, of_baseline: false, places })
}

/// A label, its value, and the place of the value.
type Given = (Label, String, Range<usize>);

/// The part before the labels, and the labels.
fn labels(text: &str, at: Range<usize>) -> Result<(Range<usize>, Vec<Given>), BadCondition> {
    let part = &text[at.clone()];
    let Some(open) = part.find('{').map(|open| at.start + open) else { return Ok((at, Vec::new())) };
    if !part.ends_with('}') {
        return Err(form(at, "text after labels"));
    }
    let mut given: Vec<Given> = Vec::new();
    let inside = open + 1..at.end - 1;
    let mut begin = inside.start;
    let commas = text[inside.clone()].match_indices(',').map(|(comma, _)| inside.start + comma);
    for end in commas.chain([inside.end]) {
        let pair = trim(text, begin..end);
        begin = (end + 1).min(inside.end);
        let Some(equals) = text[pair.clone()].find('=').map(|equals| pair.start + equals) else {
            let what = "a label without its value".to_owned();
            let error = bad(Code::Condition, if pair.is_empty() { open..at.end } else { pair }, what);
            return Err(BadCondition { allowed: Some("{label=value, label=value}".into()), ..error });
        };
        let (key, value) = (trim(text, pair.start..equals), trim(text, equals + 1..pair.end));
        let name = &text[key.clone()];
        let Some(label) = Label::ALL.into_iter().find(|label| label.name() == name) else {
            let names = Label::ALL.map(Label::name);
            return Err(BadCondition {
                allowed: Some(names.join(", ")),
                meant: nearest(name, names).map(str::to_owned),
                ..bad(Code::Condition, key, format!("no label is named {}", tick(name)))
            });
        };
        if given.iter().any(|(other, ..)| *other == label) {
            return Err(bad(Code::Condition, key, format!("the label {} is given twice", tick(name))));
        }
        given.push((label, text[value.clone()].to_owned(), value));
    }
    Ok((at.start..open, given))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Expectation {
        parse_expectation(text, ExpectOf::Every).unwrap_or_else(|e| panic!("{text}: {e:?}"))
    }

    #[test]
    fn conditions_are_read() {
        let e = read("new.v1.2.false_sign_outs <= -0");
        let (quantity, bound) = e.plain().expect("a metric and a number");
        assert_eq!((quantity.policy.as_str(), quantity.name()), ("new.v1.2", "false_sign_outs".to_owned()));
        assert!(bound.is_sign_positive() && e.op == Op::AtMost);
        assert_eq!(read(" a.goodput>1e3 ").op, Op::More);
        for (text, at) in [
            ("", 0..0),
            ("new.goodput", 0..11),
            ("new.goodput = 1", 12..13),
            ("goodput == 1", 0..7),
            ("new.godput == 1", 4..10),
            ("new.goodput == inf", 15..18),
            ("new.goodput == nan", 15..18),
            ("new.goodput ==", 12..14),
            ("new.goodput == 1 2", 15..18),
            ("new.goodput == 1 == 1", 15..21),
            (".goodput == 1", 0..8),
            ("== 1", 0..0),
            ("1 <= 2", 0..6),
            ("users >= 1", 0..10),
            ("a.goodput <= old.godput", 17..23),
            ("a.goodput <= 1e300 * 1e300", 13..26),
            ("a.goodput <= b.goodput * c.goodput", 25..34),
            ("a.goodput / b.goodput <= 2", 10..11),
            ("a.goodput <= 1.2 *", 13..18),
            ("a.calls{endpoint=touch <= 1", 7..27),
            ("a.calls{endpont=touch} <= 1", 8..15),
            ("a.calls{endpoint} <= 1", 8..16),
            ("a.calls{} <= 1", 7..9),
            ("a.calls{endpoint=x, endpoint=y} <= 1", 20..28),
            ("a.calls{endpoint=x}y <= 1", 0..20),
            ("a.goodput <= users{endpoint=x}", 13..30),
        ] {
            assert_eq!(parse_expectation(text, ExpectOf::Every).unwrap_err().at, at, "{text}");
        }
    }

    /// The values of both sides by hand, with 1,000 users, 40 of them in the cohort, and a metric of 3 everywhere, of 7 in the
    /// baseline.
    #[test]
    fn sides_are_sums_of_terms() {
        for (text, left, right) in [
            ("a.goodput <= 5", 3.0, 5.0),
            ("a.goodput <= 0.0005 * users", 3.0, 0.5),
            ("2 * a.goodput * 5 <= users{cohort=x} * 0.5 + 1", 30.0, 21.0),
            ("a.goodput - b.goodput <= 1.5 * a.goodput - 2 + 1e-1", 0.0, 2.6),
            ("a.goodput <= 1.1 * baseline( a.goodput )", 3.0, 7.7),
            ("5 >= -1 * a.goodput", 5.0, -3.0),
            ("a.goodput <= 0 * a.goodput", 3.0, 0.0),
        ] {
            let e = read(text);
            let value = |side: &Side| {
                let users = |cohort: Option<&str>| if cohort.is_some() { 40.0 } else { 1_000.0 };
                side.value(&users, &|q| Some(if q.of_baseline { 7.0 } else { 3.0 })).expect("a value")
            };
            assert!(
                (value(&e.left) - left).abs() < 1e-12 && (value(&e.right) - right).abs() < 1e-12,
                "{text}"
            );
        }
        let labelled = read("a-1.answer_time_s{ quantile = p99,endpoint=touch } < 0.5");
        let quantity = labelled.quantities().next().expect("a quantity");
        assert_eq!(quantity.name(), "answer_time_s{endpoint=touch, quantile=p99}");
        assert!(labelled.plain().is_none() && read("a.goodput <= 2 * users").plain().is_none());
        assert!(read("a.goodput <= 2 + 3").plain().is_some_and(|(_, bound)| (bound - 5.0).abs() < 1e-12));
        let missing = |q: &Quantity| (!q.of_baseline).then_some(1.0);
        assert_eq!(read("a.goodput <= baseline(a.goodput)").right.value(&|_| 0.0, &missing), None);
    }
}
