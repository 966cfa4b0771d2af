//! Rates that make results of different size comparable: totals per user and hour.

use super::Series;
use crate::kernel::Dur;
use crate::metrics::{Kind, all_metrics};
use crate::results::Results;
use crate::text::number;
use schemars::JsonSchema;
use serde::Serialize;

/// Divisors of totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Rates {
    /// Divide by the number of users, because the two results differ in it.
    pub per_user: bool,
    /// Divide by the hours of a run, because the two results differ in them.
    pub per_hour: bool,
}

impl Rates {
    /// The divisors for results of these sizes. A result without users has no rate per user.
    pub fn between(a: &Results, b: &Results) -> Rates {
        Rates { per_user: a.users != b.users && a.users > 0 && b.users > 0, per_hour: a.horizon != b.horizon }
    }

    /// ` per user and hour`, ` per user`, ` per hour`, or empty if totals are not divided.
    pub fn words(self) -> &'static str {
        match (self.per_user, self.per_hour) {
            (true, true) => " per user and hour",
            (true, false) => " per user",
            (false, true) => " per hour",
            (false, false) => "",
        }
    }

    /// Divides the values of a series and adapts its unit. Leaves metrics that this version does not know unchanged.
    pub(super) fn applied(self, mut series: Series, of: &Results) -> Series {
        let kind =
            all_metrics().iter().find(|def| def.name == series.metric).map_or(Kind::Single, |def| def.kind);
        let here = match kind {
            Kind::Total => self,
            Kind::OfAll => Rates { per_hour: false, ..self },
            Kind::Single | Kind::Share => Rates::default(),
        };
        if here == Rates::default() {
            return series;
        }
        let users = if here.per_user { f64::from(of.users) } else { 1.0 };
        let hours = if here.per_hour { of.horizon.as_secs_f64() / 3_600.0 } else { 1.0 };
        series.values.iter_mut().for_each(|value| *value /= users * hours);
        series.unit.push_str(here.words());
        series
    }

    /// Warning about the different sizes, or `None` if the sizes are equal.
    pub fn warning(self, a: &Results, b: &Results) -> Option<String> {
        let size = |of: &Results| -> (u32, Dur) { (of.users, of.horizon) };
        if size(a) == size(b) {
            return None;
        }
        let size = |of: &Results| {
            format!("{} for {}", number::counted(of.users.into(), "user", "users"), of.horizon)
        };
        let how = match self.words() {
            "" => "nothing makes their totals comparable".to_owned(),
            words => format!(
                "totals are compared{words}, and what is of one session, one call or one run, as the worst session, as it is"
            ),
        };
        Some(format!("warning: A has {}, B {}: {how}.", size(a), size(b)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::synthetic;

    fn series(metric: &str, unit: &str) -> Series {
        Series { metric: metric.to_owned(), unit: unit.to_owned(), values: vec![900.0] }
    }

    #[test]
    fn totals_of_runs_of_different_sizes_become_rates() {
        // 100 users for half an hour: 900 requests are 18 per user and hour, 900 requests/s are 9 per user, and a
        // factor of 900 is unchanged.
        let size = |users, minutes: u64| Results {
            users,
            horizon: Dur::from_secs(60 * minutes),
            ..synthetic::empty(&["p"])
        };
        let (a, b) = (&size(100, 30), &size(50, 60));
        let both = Rates::between(a, b);
        for (metric, unit, value, of) in [
            ("requests_total", "requests", 18.0, "requests per user and hour"),
            ("peak_requests_per_s", "requests/s", 9.0, "requests/s per user"),
            ("amplification", "ratio", 900.0, "ratio"),
            ("a_metric_of_another_version", "s", 900.0, "s"),
        ] {
            let rate = both.applied(series(metric, unit), a);
            assert_eq!((rate.values[0], rate.unit.as_str()), (value, of), "{metric}");
        }
        let longer = Rates::between(a, &size(100, 60));
        assert_eq!(longer.applied(series("requests_total", "requests"), a).values, [1_800.0]);
        assert_eq!(Rates::between(a, a), Rates::default());
        assert!(!Rates::between(&size(0, 30), b).per_user);
        assert_eq!(both.warning(a, a), None);
        assert_eq!(
            both.warning(a, b).unwrap(),
            "warning: A has 100 users for 30m, B 50 users for 1h: totals are compared per user and hour, and what is of \
             one session, one call or one run, as the worst session, as it is."
        );
    }
}
