//! Labels beside the ends of lines and areas, pushed apart until none covers another.

use super::typeface::Face;

/// Heights for labels with the ascending heights `wanted`: as near as possible (least squares), at least `gap` apart,
/// between `low` and `high`. Keeps the order. Labels without room run over the upper end.
pub fn spread(wanted: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    // Subtracting i * gap turns "at least gap apart" into "not descending". The best answer pools descending neighbours
    // into their mean.
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (i, wish) in wanted.iter().enumerate() {
        let mut pool = (wish - i as f64 * gap, 1);
        while let Some(&(mean, size)) = pools.last() {
            if mean <= pool.0 {
                break;
            }
            pools.pop();
            let both = size + pool.1;
            pool = ((mean * size as f64 + pool.0 * pool.1 as f64) / both as f64, both);
        }
        pools.push(pool);
    }
    let room = (high - wanted.len().saturating_sub(1) as f64 * gap).max(low);
    pools
        .iter()
        .flat_map(|&(mean, size)| std::iter::repeat_n(mean.clamp(low, room), size))
        .enumerate()
        .map(|(i, place)| place + i as f64 * gap)
        .collect()
}

/// Names of policies that are drawn as one: all names, or the first one and the number of others.
pub fn together(names: &[String], face: Face, room: f64) -> String {
    let all = names.join(", ");
    match (face.width(&all) <= room, names) {
        (true, _) => all,
        (false, [first, more @ ..]) if !more.is_empty() => {
            let more = format!(" and {} alike", more.len());
            format!("{}{more}", face.fit_name(first, room - face.width(&more)))
        }
        (false, _) => face.fit_name(&all, room),
    }
}

#[cfg(test)]
mod tests {
    use super::super::typeface::HEADING;
    use super::*;

    #[test]
    fn names_without_room_are_counted() {
        let long = ["one-policy-with-a-long-name", "another-policy-with-a-long-name"].map(str::to_owned);
        assert!(together(&long, HEADING, 300.0).ends_with(" and 1 alike"));
        assert_eq!(together(&["a".to_owned(), "b".to_owned()], HEADING, 300.0), "a, b");
    }

    #[test]
    fn labels_keep_their_distance_order_and_room() {
        for wanted in [
            vec![],
            vec![5.0],
            vec![100.0; 6],
            vec![0.0, 1.0, 2.0, 50.0, 99.0, 100.0],
            vec![-50.0, 200.0, 200.0],
        ] {
            let placed = spread(&wanted, 15.0, 0.0, 100.0);
            assert_eq!(placed.len(), wanted.len());
            assert!(placed.windows(2).all(|pair| pair[1] - pair[0] >= 15.0 - 1e-9), "{placed:?}");
            assert!(placed.iter().all(|y| (-1e-9..=100.0 + 1e-9).contains(y)), "{placed:?}");
        }
        assert_eq!(
            spread(&[10.0, 60.0], 15.0, 0.0, 100.0),
            [10.0, 60.0],
            "labels with room stay where they want to"
        );
        assert_eq!(spread(&[50.0, 50.0], 20.0, 0.0, 100.0), [40.0, 60.0], "neighbours share the way");
    }
}
