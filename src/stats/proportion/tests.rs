//! Golden values of exact intervals.

use super::super::testing::assert_close;
use super::*;

/// From the oracle clopper_pearson (Clopper and Pearson 1934), 95%: (k, n, low, high).
const CLOPPER_PEARSON: [(u64, u64, f64, f64); 3] = [
    (0, 20, 0.0, 0.168_433_470_983_085_3),
    (5, 100, 0.016_431_879_182_052_155, 0.112_834_911_105_462_75),
    (50, 100, 0.398_321_129_503_300_95, 0.601_678_870_496_699),
];

#[test]
fn clopper_pearson_golden_and_mirrored() {
    for (k, n, low, high) in CLOPPER_PEARSON {
        let interval = clopper_pearson(k, n, 0.95);
        assert_close(interval.0, low, 1e-12, &format!("low of {k} in {n}"));
        assert_close(interval.1, high, 1e-12, &format!("high of {k} in {n}"));
        let mirrored = clopper_pearson(n - k, n, 0.95);
        assert_close(1.0 - mirrored.1, low, 1e-12, &format!("high of {} in {n}", n - k));
        assert_close(1.0 - mirrored.0, high, 1e-12, &format!("low of {} in {n}", n - k));
    }
    assert_eq!(clopper_pearson(0, 0, 0.95), (0.0, 1.0));
    assert_eq!(clopper_pearson(0, 7, 0.95).0, 0.0);
    assert_eq!(clopper_pearson(7, 7, 0.95).1, 1.0);
}

/// The ends of an interval.
type Ends = [f64; 2];

/// The reference family clopper_pearson_both: k, n, one-sided 95% bounds, two-sided 95% and 99% intervals.
const BOTH: [(u64, u64, Ends, Ends, Ends); 10] = [
    (0, 1, [0.0, 0.95], [0.0, 0.975], [0.0, 0.995]),
    (0, 20, [0.0, 0.139_108_340_668_265_16], [0.0, 0.168_433_470_983_085_3], [0.0, 0.232_729_500_989_074_47]),
    (
        0,
        72,
        [0.0, 0.040_753_686_230_639_914],
        [0.0, 0.049_944_083_705_854_674],
        [0.0, 0.070_945_374_154_404_84],
    ),
    (
        1,
        59,
        [0.000_869_000_071_525_587_1, 0.077_897_921_518_818_3],
        [0.000_429_023_332_723_594_6, 0.090_855_932_886_649_27],
        [8.495_472_713_505_024e-05, 0.119_290_010_435_099_32],
    ),
    (
        1,
        93,
        [0.000_551_388_729_198_187_2, 0.049_993_978_387_988_317],
        [0.000_272_197_442_007_138_74, 0.058_458_164_514_380_385],
        [5.389_684_669_066_401e-05, 0.077_188_051_163_804_9],
    ),
    (
        5,
        100,
        [0.019_905_563_662_171_832, 0.102_253_377_643_274_5],
        [0.016_431_879_182_052_155, 0.112_834_911_105_462_75],
        [0.010_940_333_584_790_03, 0.135_144_682_535_623_5],
    ),
    (
        12,
        400,
        [0.017_399_744_769_591_313, 0.048_153_921_022_226_03],
        [0.015_595_552_999_894_341, 0.051_817_215_430_583_58],
        [0.012_452_559_825_206_036, 0.059_448_719_655_944_914],
    ),
    (20, 20, [0.860_891_659_331_734_8, 1.0], [0.831_566_529_016_914_6, 1.0], [0.767_270_499_010_925_5, 1.0]),
    (
        95,
        100,
        [0.897_746_622_356_725_5, 0.980_094_436_337_828_1],
        [0.887_165_088_894_537_3, 0.983_568_120_817_947_9],
        [0.864_855_317_464_376_5, 0.989_059_666_415_209_9],
    ),
    (
        10,
        2000,
        [0.002_715_131_743_821_141, 0.008_466_348_205_518_52],
        [0.002_400_219_755_665_772_5, 0.009_175_895_070_019_778],
        [0.001_860_920_949_807_622_2, 0.010_668_449_650_175_566],
    ),
];

#[test]
fn one_sided_bounds_and_both_confidences_golden() {
    for (k, n, one_sided95, both95, both99) in BOTH {
        for (name, found, expected) in [
            ("one-sided", one_sided(k, n, 0.95), one_sided95),
            ("95%", clopper_pearson(k, n, 0.95), both95),
            ("99%", clopper_pearson(k, n, 0.99), both99),
        ] {
            assert_close(found.0, expected[0], 1e-11, &format!("{name}, low end, {k} of {n}"));
            assert_close(found.1, expected[1], 1e-11, &format!("{name}, high end, {k} of {n}"));
        }
    }
    assert_close(one_sided(0, 59, 0.95).1, zero_event_upper_bound(59, 0.95), 1e-15, "0 of 59");
}

/// The reference family find_repeats_acceptance: of so many searches that may each be wrong with this probability, more than the
/// third number are wrong with the fourth, which is at most a thousandth. Repeats, promised, most wrong, false alarm.
const REPEATED: [(u64, f64, u64, f64); 4] = [
    (200, 0.05, 21, 0.000_481_109_168_455_501_5),
    (200, 0.1, 34, 0.000_784_346_654_067_165_9),
    (1000, 0.05, 73, 0.000_647_616_739_995_818_1),
    (400, 0.05, 35, 0.000_571_681_895_001_622_6),
];

#[test]
fn more_wrong_searches_than_chance_explains() {
    for (repeats, promised, most, alarm) in REPEATED {
        let more_than = |k| 1.0 - no_more_than(k, repeats, promised);
        assert_close(more_than(most), alarm, 1e-9, &format!("{most} of {repeats}"));
        assert_eq!((0..repeats).find(|k| more_than(*k) <= 0.001), Some(most), "{repeats}");
    }
}

type Quantile = (u64, f64, [Option<u64>; 2], [Option<f64>; 2], f64, f64);

/// The reference family quantile_ci_equal_tails: n, p, ranks, ends, estimate and coverage of the values
/// ((7919 i) mod 1009) / 1009.
const EQUAL_TAILS: [Quantile; 4] = [
    (
        10,
        0.5,
        [Some(2), Some(9)],
        [Some(0.241_823_587_710_604_55), Some(0.848_364_717_542_121)],
        0.545_094_152_626_362_7,
        0.978_515_625,
    ),
    (
        59,
        0.95,
        [Some(52), None],
        [Some(0.873_141_724_479_682_9), None],
        0.963_330_029_732_408_3,
        0.991_136_257_011_095_2,
    ),
    (
        200,
        0.95,
        [Some(184), Some(197)],
        [Some(0.922_695_738_354_806_8), Some(0.984_142_715_559_960_4)],
        0.951_437_066_402_378_6,
        0.967_152_163_856_725_6,
    ),
    (
        99,
        0.25,
        [Some(17), Some(34)],
        [Some(0.176_412_289_395_441_04), Some(0.352_824_578_790_882_1)],
        0.262_636_273_538_156_6,
        0.952_284_215_066_990_9,
    ),
];

#[test]
fn intervals_of_quantiles_have_equal_tails() {
    for (n, p, [low, high], ends, estimate, coverage) in EQUAL_TAILS {
        let mut values: Vec<f64> = (1..=n).map(|i| (7_919 * i % 1_009) as f64 / 1_009.0).collect();
        values.sort_unstable_by(f64::total_cmp);
        let ranks = quantile_ci_order_stats(n, p, 0.95);
        assert_eq!((ranks.low, ranks.high), (low, high), "{n} at {p}");
        assert_close(ranks.coverage, coverage, 1e-12, &format!("coverage, {n} at {p}"));
        let at = |rank: u64| values[rank as usize - 1];
        for (rank, end) in [(ranks.low, ends[0]), (ranks.high, ends[1])] {
            assert_eq!(rank.map(at), end, "{n} at {p}");
        }
        assert_eq!(at(libm::ceil(n as f64 * p) as u64), estimate, "{n} at {p}");
    }
}

/// From the oracle zero_event_upper_bound (Clopper and Pearson 1934; Hanley and Lippman-Hand 1983): (n, 95%,
/// 97.5%).
const NEVER_SEEN: [(u64, f64, f64); 4] = [
    (10, 0.258_865_550_893_052_3, 0.308_497_107_818_760_83),
    (30, 0.095_033_852_855_304_19, 0.115_703_308_222_027_79),
    (100, 0.029_513_049_607_039_932, 0.036_216_692_645_176_46),
    (1000, 0.002_991_249_545_095_331_4, 0.003_682_083_896_865_64),
];

#[test]
fn zero_event_upper_bounds() {
    for (n, upper95, upper975) in NEVER_SEEN {
        assert_close(zero_event_upper_bound(n, 0.95), upper95, 1e-12, &format!("95%, n {n}"));
        assert_close(zero_event_upper_bound(n, 0.975), upper975, 1e-12, &format!("97.5%, n {n}"));
        assert_close(clopper_pearson(0, n, 0.95).1, upper975, 1e-12, &format!("two-sided, n {n}"));
    }
    assert_eq!(zero_event_upper_bound(0, 0.95), 1.0);
    // Five replications all miss an event of this probability with probability 0.05.
    let p = at_most(5);
    let missed_five_times = (1.0 - p) * (1.0 - p) * (1.0 - p) * (1.0 - p) * (1.0 - p);
    assert_close(missed_five_times, 0.05, 1e-12, "none of five");
    // Replications needed for a bound of p: one fewer is not enough.
    for (p, needed) in [(0.05, 59), (0.001, 2995)] {
        assert!(zero_event_upper_bound(needed - 1, 0.95) > p && zero_event_upper_bound(needed, 0.95) <= p);
    }
}

#[test]
fn fisher_exact_matches_hand_counted_tables() {
    // By hand: 252 ways to place 5 events in 10 replications. One has all 5 in the first group, one has none there.
    assert_close(fisher_exact(5, 5, 0, 5), 2.0 / 252.0, 1e-9, "5 of 5 and 0 of 5");
    // Fisher's lady tasting tea: 16 of 70 ways give 3 of 4 and 1 of 4, 16 give 1 and 3, one gives 4 and 0, one 0
    // and 4.
    assert_close(fisher_exact(3, 4, 1, 4), 34.0 / 70.0, 1e-9, "3 of 4 and 1 of 4");
    assert_close(fisher_exact(2, 5, 2, 5), 1.0, 1e-12, "2 of 5 twice");
    assert_close(fisher_exact(0, 5, 0, 3), 1.0, 1e-12, "none at all");
}

/// From the oracle quantile_ci_order_stats (Conover; David and Nagaraja), 95%: (n, p, low rank, high rank,
/// coverage).
const RANKS: [(u64, f64, u64, u64, f64); 3] = [
    (100, 0.5, 40, 61, 0.964_799_799_782_295_2),
    (1000, 0.5, 469, 532, 0.953_708_802_639_501_8),
    (1000, 0.99, 983, 997, 0.976_094_763_497_977),
];

#[test]
fn order_statistics_around_a_quantile() {
    for (n, p, low, high, coverage) in RANKS {
        let ranks = quantile_ci_order_stats(n, p, 0.95);
        assert_eq!((ranks.low, ranks.high), (Some(low), Some(high)), "n {n}, p {p}");
        assert_close(ranks.coverage, coverage, 1e-12, &format!("coverage, n {n}, p {p}"));
    }
}

#[test]
fn a_small_sample_bounds_a_high_quantile_on_one_side_only() {
    // B is 10 with probability 0.99^10 = 0.904, so the largest of ten is no upper bound of the 99th percentile.
    let ranks = quantile_ci_order_stats(10, 0.99, 0.95);
    assert_eq!((ranks.low, ranks.high), (Some(9), None));
    // P(B >= 9) = 0.99^10 + 10 * 0.99^9 * 0.01.
    assert_close(ranks.coverage, 0.995_733_799_757_168_6, 1e-12, "coverage");
    let single = quantile_ci_order_stats(1, 0.5, 0.95);
    assert_eq!(single, Ranks { low: None, high: None, coverage: 1.0 });
}

#[test]
fn the_binomial_tail_is_the_sum_of_its_terms() {
    let (n, p) = (12u64, 0.3);
    let (mut term, mut sum) = (1.0, 0.0);
    for _ in 0..n {
        term *= 1.0 - p;
    }
    for k in 0..=n {
        sum += term;
        assert_close(no_more_than(k, n, p), sum, 1e-13, &format!("P(B <= {k})"));
        term *= (n - k) as f64 / (k + 1) as f64 * p / (1.0 - p);
    }
}
