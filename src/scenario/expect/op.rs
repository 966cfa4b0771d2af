//! Comparisons.

/// A comparison of a value with a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

pub(super) const OPS: [(&str, Op); 6] = [
    ("==", Op::Equal),
    ("!=", Op::Unequal),
    ("<=", Op::AtMost),
    (">=", Op::AtLeast),
    ("<", Op::Less),
    (">", Op::More),
];

impl Op {
    /// Whether the comparison holds. NaN meets none, not even `!=`.
    #[allow(
        clippy::float_cmp,
        reason = "counts are whole and exact; who writes == asks for exactly this number"
    )]
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Op::Equal => value == bound,
            Op::Unequal => value != bound && !value.is_nan() && !bound.is_nan(),
            Op::Less => value < bound,
            Op::AtMost => value <= bound,
            Op::More => value > bound,
            Op::AtLeast => value >= bound,
        }
    }

    /// How bad a value is for this comparison. Greater is worse.
    pub(crate) fn badness(self, value: f64, bound: f64) -> f64 {
        match self {
            Op::Equal => (value - bound).abs(),
            Op::Unequal => -(value - bound).abs(),
            Op::Less | Op::AtMost => value,
            Op::More | Op::AtLeast => -value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_meets_no_comparison() {
        for op in [Op::Equal, Op::Unequal, Op::Less, Op::AtMost, Op::More, Op::AtLeast] {
            for (value, bound) in [(f64::NAN, 0.0), (0.0, f64::NAN), (f64::NAN, f64::NAN)] {
                assert!(!op.holds(value, bound), "{op:?} {value} {bound}");
            }
        }
        assert!(Op::Unequal.holds(1.0, 0.0) && !Op::Unequal.holds(1.0, 1.0));
    }
}
