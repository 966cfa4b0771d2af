use super::*;
use crate::protocol::Endpoint;
use proptest::prelude::*;

/// First in, first out.
fn fifo(workers: u32, queue: Option<u32>) -> Station {
    Station::new(&PoolSpec::own(Endpoint::known("touch"), workers, queue))
}

/// A station with these keys of a pool.
fn station(keys: &str) -> Station {
    let spec: PoolSpec = toml::from_str(&format!("name = 'p'\nendpoints = ['touch']\n{keys}"))
        .unwrap_or_else(|e| panic!("{e}"));
    Station::new(&spec)
}

/// Ends a service. Returns the call that the worker serves next. No client gives up.
fn ends(station: &mut Station, now: Time) -> Option<u32> {
    station.finish(now);
    station.next(now, |_| false).map(|next| match next {
        Next::Serve(call) => call,
        other => panic!("{other:?}"),
    })
}

/// How every call leaves the queue now, while there are free workers. The clients of `left` have given up.
fn leave(station: &mut Station, now: Time, left: &[u32]) -> Vec<Next> {
    std::iter::from_fn(|| station.next(now, |call| left.contains(&call))).collect()
}

#[test]
fn calls_are_served_in_order_and_shed_when_the_queue_is_full() {
    let mut station = fifo(2, Some(1));
    let arrivals: Vec<Arrival> = (0..4).map(|call| station.arrive(call, Time(10))).collect();
    assert_eq!(arrivals, [Arrival::Serve, Arrival::Serve, Arrival::Wait, Arrival::Shed]);
    assert_eq!(ends(&mut station, Time(15)), Some(2));
    assert_eq!(station.arrive(4, Time(16)), Arrival::Wait);
    assert_eq!(ends(&mut station, Time(20)), Some(4));
    assert_eq!((station.waiting(), station.in_service()), (0, 2));
    assert_eq!(ends(&mut station, Time(30)), None);
    assert_eq!(station.arrive(5, Time(30)), Arrival::Serve);
    station.settle(Time(40));
    // Calls 0 and 1 are served from 10 to 15 and 20. Call 2 waits 5 and call 4 waits 4. One leaves at 30; 5 is
    // inside.
    let expected = Totals {
        arrivals: 6,
        served: 3,
        began: 5,
        shed: 1,
        system_area: 5 * 3 + 2 + 4 * 3 + 10 * 2 + 10 * 2,
        queue_area: 5 + 4,
        busy_area: 5 * 2 + 5 * 2 + 10 * 2 + 10 * 2,
        waits: 5 + 4,
        waited: 2,
        sojourns: 5 + 10 + 20 + 24 + 10,
        inside: 2,
        longest: 1,
        ..Totals::default()
    };
    assert_eq!(station.totals(), expected);
    station.settle(Time(40));
    assert_eq!(station.totals(), expected, "settling twice adds nothing");
}

#[test]
fn a_queue_may_have_no_places_or_any_number() {
    let mut loss = fifo(1, Some(0));
    assert_eq!([0, 1].map(|call| loss.arrive(call, Time(0))), [Arrival::Serve, Arrival::Shed]);
    let mut patient = fifo(1, None);
    let waiting = (0..10_000).filter(|call| patient.arrive(*call, Time(0)) == Arrival::Wait).count();
    assert_eq!((waiting, patient.waiting()), (9_999, 9_999));
    let mut closed = fifo(0, Some(1));
    assert_eq!([0, 1].map(|call| closed.arrive(call, Time(0))), [Arrival::Wait, Arrival::Shed]);
}

#[test]
#[should_panic(expected = "has begun")]
fn ending_a_service_that_never_began_is_a_bug() {
    fifo(1, None).finish(Time(0));
}

#[test]
fn totals_do_not_overflow_at_the_end_of_time() {
    let mut station = fifo(1, None);
    for call in 0..1000 {
        station.arrive(call, Time(0));
    }
    while ends(&mut station, Time::NEVER).is_some() {}
    assert_eq!(station.totals().sojourns, 1000 * u128::from(u64::MAX));
    assert_eq!(station.totals().system_area, station.totals().sojourns);
}

/// With `lifo-above = 1` the newest goes first while two or more wait.
#[test]
fn the_newest_goes_first_above_the_threshold() {
    for (keys, order) in [
        ("order = 'lifo'", [4, 3, 2, 1]),
        ("order = 'lifo'\nlifo-above = 1", [4, 3, 2, 1]),
        ("order = 'lifo'\nlifo-above = 2", [4, 3, 1, 2]),
        ("order = 'fifo'", [1, 2, 3, 4]),
    ] {
        let mut station = station(&format!("workers = 1\n{keys}"));
        (0..5).for_each(|call| {
            station.arrive(call, Time(u64::from(call)));
        });
        let served: Vec<u32> = (10..14).filter_map(|now| ends(&mut station, Time(now))).collect();
        assert_eq!(served, order, "{keys}");
    }
}

#[test]
fn a_full_queue_sheds_its_oldest_call() {
    let mut station = station("workers = 1\nqueue = 2\nsheds = 'oldest'");
    let arrivals: Vec<Arrival> = (0..5).map(|call| station.arrive(call, Time(u64::from(call)))).collect();
    let [serve, wait] = [Arrival::Serve, Arrival::Wait];
    assert_eq!(arrivals, [serve, wait, wait, Arrival::Displace(1), Arrival::Displace(2)]);
    assert_eq!(leave(&mut station, Time(10), &[]), [], "the worker is busy");
    assert_eq!(ends(&mut station, Time(10)), Some(3));
    // Call 1 waits from 1 to 3, call 2 from 2 to 4, call 3 from 3 to 10; call 4 waits since 4.
    let totals = station.totals();
    assert_eq!((totals.lost_waits, totals.waits, totals.queue_area), (2 + 2, 7, 2 + 2 + 7 + 6));
    assert_eq!((totals.arrivals, totals.shed, totals.served, totals.inside), (5, 2, 1, 2));
    let mut none = self::station("workers = 1\nqueue = 0\nsheds = 'oldest'");
    assert_eq!([0, 1].map(|call| none.arrive(call, Time(0))), [Arrival::Serve, Arrival::Shed]);
}

#[test]
fn calls_that_waited_too_long_or_whose_clients_left_are_not_served() {
    let mut station = station("workers = 1\nmax-wait = '10ns'");
    (0..5).for_each(|call| {
        station.arrive(call, Time(u64::from(call)));
    });
    station.finish(Time(13));
    // Calls 1 and 2 have waited 12 and 11, call 3 exactly 10.
    let (expired, left) = (Next::Expired, Next::Left);
    assert_eq!(leave(&mut station, Time(13), &[1]), [left(1), expired(2), Next::Serve(3)]);
    station.stop(Time(20));
    assert_eq!(leave(&mut station, Time(20), &[]), [expired(4)]);
    station.arrive_abandoned();
    let totals = station.totals();
    assert_eq!((totals.expired, totals.abandoned, totals.served, totals.arrivals), (2, 3, 1, 6));
    assert_eq!((totals.waits, totals.lost_waits), (10, 12 + 11 + 16));
    assert_eq!((totals.queue_area, totals.system_area), (49, totals.sojourns));
}

/// Target 2, interval 10. Call 1 may wait 10. The queue stands since 0: calls that come at 11 or later may wait 2.
#[test]
fn a_standing_queue_shortens_the_wait() {
    let mut station = station("workers = 1\ncodel = { target = '2ns', interval = '10ns' }");
    for (call, at) in [(0, 0), (1, 0), (2, 10)] {
        station.arrive(call, Time(at));
    }
    assert_eq!(ends(&mut station, Time(10)), Some(1));
    station.arrive(3, Time(11));
    station.finish(Time(14));
    assert_eq!(leave(&mut station, Time(14), &[]), [Next::Serve(2)]);
    station.finish(Time(15));
    assert_eq!(leave(&mut station, Time(15), &[]), [Next::Expired(3)]);
    assert_eq!(station.arrive(4, Time(15)), Arrival::Serve);
    station.arrive(5, Time(15));
    assert_eq!(ends(&mut station, Time(25)), Some(5), "the queue was empty");
}

#[test]
fn fewer_workers_take_fewer_calls_and_a_restart_drops_them() {
    let mut station = fifo(3, None);
    station.use_workers(1);
    let arrivals: Vec<Arrival> = (0..4).map(|call| station.arrive(call, Time(0))).collect();
    assert_eq!(arrivals, [Arrival::Serve, Arrival::Wait, Arrival::Wait, Arrival::Wait]);
    station.use_workers(2);
    assert_eq!(leave(&mut station, Time(4), &[]), [Next::Serve(1)]);
    station.use_workers(1);
    assert_eq!(ends(&mut station, Time(5)), None, "one call is still in service");
    station.drop_call(1, Inside::InService, Time(6));
    station.drop_call(3, Inside::Waiting, Time(6));
    assert_eq!(leave(&mut station, Time(7), &[]), [Next::Serve(2)]);
    let totals = station.totals();
    assert_eq!((totals.dropped, totals.inside, totals.waits, totals.lost_waits), (2, 1, 4 + 7, 6));
    assert_eq!((totals.queue_area, totals.system_area), (17, totals.sojourns));
}

/// Times of a call, from a naive computation.
#[derive(Clone, Copy)]
struct Life {
    came: u64,
    began: u64,
    ended: u64,
}

/// Begin and end of service of every accepted call, by the recursion of Kiefer and Wolfowitz (1955) over the times
/// at which workers become free. A worker that is free at t serves a call that arrives at t.
fn lives(workers: usize, room: Option<u32>, calls: &[(u64, u64)]) -> Vec<Option<Life>> {
    let mut free_at = vec![0; workers];
    let mut lives: Vec<Option<Life>> = Vec::new();
    for &(came, service) in calls {
        let waiting = lives.iter().flatten().filter(|l| l.began > came).count();
        let worker = free_at.iter_mut().min().expect("at least one worker");
        if *worker > came && room.is_some_and(|room| waiting >= room as usize) {
            lives.push(None);
            continue;
        }
        let began = came.max(*worker);
        *worker = began + service;
        lives.push(Some(Life { came, began, ended: began + service }));
    }
    lives
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Every service begins when the naive computation says, and Little's law holds exactly.
    #[test]
    fn littles_law_is_an_identity(
        workers in 1..4u32,
        room in prop::option::of(0..5u32),
        steps in prop::collection::vec((0..6u64, 0..12u64), 1..60),
    ) {
        let mut clock = 0;
        let calls: Vec<(u64, u64)> = steps.iter().map(|(gap, service)| {
            clock += gap;
            (clock, *service)
        }).collect();
        let expected = lives(workers as usize, room, &calls);
        let mut station = fifo(workers, room);
        let mut in_service: Vec<(u64, u32)> = Vec::new();
        let mut began: Vec<Option<u64>> = vec![None; calls.len()];
        let mut serve = |in_service: &mut Vec<(u64, u32)>, call: u32, now: u64| {
            began[call as usize] = Some(now);
            in_service.push((now + calls[call as usize].1, call));
        };
        let end = (u64::MAX, 0);
        for (call, came) in (0u32..).zip(calls.iter().map(|c| c.0).chain([end.0])) {
            while let Some(first) = in_service.iter().copied().min().filter(|f| f.0 <= came) {
                in_service.retain(|s| *s != first);
                if let Some(next) = ends(&mut station, Time(first.0)) {
                    serve(&mut in_service, next, first.0);
                }
            }
            if came != end.0 {
                match station.arrive(call, Time(came)) {
                    Arrival::Serve => serve(&mut in_service, call, came),
                    Arrival::Wait => prop_assert!(expected[call as usize].unwrap().began >= came),
                    Arrival::Displace(_) => unreachable!("only a pool that sheds its oldest call"),
                    Arrival::Shed => prop_assert!(expected[call as usize].is_none()),
                }
            }
        }
        prop_assert_eq!(began, expected.iter().map(|l| l.map(|l| l.began)).collect::<Vec<_>>());
        let totals = station.totals();
        let sum = |span: fn(Life) -> u64| expected.iter().flatten().map(|l| u128::from(span(*l))).sum::<u128>();
        prop_assert_eq!(totals.waits, sum(|l| l.began - l.came));
        prop_assert_eq!(totals.sojourns, sum(|l| l.ended - l.came));
        prop_assert_eq!(totals.busy_area, sum(|l| l.ended - l.began));
        prop_assert_eq!(totals.system_area, totals.sojourns);
        prop_assert_eq!(totals.queue_area, totals.waits);
        prop_assert_eq!(totals.served, expected.iter().flatten().count() as u64);
        prop_assert_eq!(totals.arrivals, totals.served + totals.shed);
        prop_assert_eq!(totals.inside, 0);
    }
}
