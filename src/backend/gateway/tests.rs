use super::*;
use crate::backend::keys::Keys;
use crate::backend::spec::BackendSpec;
use crate::fault::{Fault, FaultSpec, FaultStreams};
use crate::protocol::RetryIn;

const USERS: u32 = 4;
const TOUCH: Endpoint = Endpoint::known("touch");

fn layout(backend: &str, faults: &[&str]) -> Layout {
    let spec: BackendSpec = toml::from_str(backend).unwrap_or_else(|e| panic!("{e}"));
    let fault = |(n, text): (usize, &&str)| {
        let spec: FaultSpec = toml::from_str(text).unwrap_or_else(|e| panic!("{e}"));
        Fault::new(&spec, FaultStreams::one(n.to_string()), 7, Time::from_ms(60_000), &[])
    };
    let faults: Vec<Fault> = faults.iter().enumerate().map(fault).collect();
    let keys = Keys::of_one(USERS, 2, 1, Vec::new());
    Layout::new(&spec, &|_| 3, faults, keys, Time::from_ms(1_000), Time::from_ms(60_000))
}

/// Records the notifications of a gateway.
#[derive(Default)]
struct Log(Vec<String>);

impl Watch for Log {
    const ACTIVE: bool = true;

    fn struck(&mut self, user: u32, fault: usize) {
        self.0.push(format!("fault {fault} strikes {user}"));
    }

    fn judged(&mut self, _now: Time, limit: u16, key: u32, _cost: u32, verdict: Verdict) {
        let admits = matches!(verdict, Verdict::Admit { .. });
        self.0.push(format!("limit {limit} {} key {key}", if admits { "admits" } else { "refuses" }));
    }

    fn counted(&mut self, _now: Time, limit: u16, key: u32, cost: u32) {
        self.0.push(format!("limit {limit} counts {cost} of key {key}"));
    }

    fn refused(&mut self, user: u32) {
        self.0.push(format!("{user} is refused"));
    }
}

/// A gateway with its random numbers and its observer.
struct Fixture<'a> {
    gateway: Gateway<'a>,
    draws: Draws,
    log: Log,
}

impl<'a> Fixture<'a> {
    fn new(layout: &'a Layout) -> Fixture<'a> {
        let draws = Draws::new(1, 0, &layout.faults);
        Fixture { gateway: Gateway::new(layout, &(0..USERS)), draws, log: Log::default() }
    }

    fn touch(&mut self, user: u32, ms: u64) -> Passage {
        let sent = Time::from_ms(ms);
        let at = (u64::from(user), sent.0);
        let call = Call { waiter: user, generation: 0, endpoint: TOUCH, word: 0, user, sent, at };
        self.gateway.arrive(&call, &self.draws, &mut self.log)
    }
}

fn answered(refusal: Option<Failure>, ms: u64) -> Passage {
    Passage::Answered { refusal, after: Dur::from_ms(ms), holds: false }
}

#[test]
fn a_call_that_nothing_stops_takes_its_round_trip() {
    let layout = layout("latency = '100ms'\ntouch = { latency = '30ms' }", &[]);
    let mut fixture = Fixture::new(&layout);
    assert_eq!(fixture.touch(0, 5), answered(None, 30));
    assert!(fixture.log.0.is_empty());
}

/// Faults apply in the scenario's order: latency is added until a fault answers, and `pass` exempts the call from later
/// faults.
#[test]
fn faults_strike_in_order_within_their_windows() {
    let status = "kind = 'status'\nstatus = 403\ncode = 'x'\nretry-after-s = 9\nfrom = '2s'\nto = '3s'";
    let layout = layout(
        "latency = '100ms'",
        &["kind = 'latency'\nadd = '50ms'", status, "kind = 'pass'\nto = '4s'", "kind = 'outage'\ncount = 1"],
    );
    let mut fixture = Fixture::new(&layout);
    let forbidden = Failure { status: 403, code: 7, retry_after: RetryIn::seconds(9) };
    for (ms, passage) in [
        (1_999, answered(None, 150)),
        (2_000, answered(Some(forbidden), 150)),
        (2_999, answered(Some(forbidden), 150)),
        (3_000, answered(None, 150)),
        (4_000, answered(Some(Failure::NETWORK), 150)),
        (4_001, answered(None, 150)),
    ] {
        assert_eq!(fixture.touch(1, ms), passage, "at {ms} ms");
    }
    assert_eq!(fixture.gateway.struck(), [6, 2, 2, 1]);
    assert_eq!(fixture.log.0[..3], ["fault 0 strikes 1", "fault 2 strikes 1", "fault 0 strikes 1"]);
}

#[test]
fn a_silent_backend_answers_nothing_and_a_late_fault_strikes_nobody() {
    let layout = layout("", &["kind = 'no-answer'\nto = '1s'", "kind = 'outage'\nfrom = '60s'"]);
    let mut fixture = Fixture::new(&layout);
    assert_eq!(fixture.touch(0, 0), Passage::Silent);
    assert_eq!(fixture.touch(0, 60_000), answered(None, 100));
}

/// The second limit refuses. The first, a concurrency limit, must release the place of the refused call.
#[test]
fn a_refusal_gives_back_what_earlier_limits_took() {
    let layout = layout(
        "touch = { refused-latency = '5ms' }\n\
         [[limit]]\nendpoints = ['touch']\nkind = 'concurrency'\nkey = 'global'\nlimit = 1\n\
         [[limit]]\nendpoints = ['touch']\nkind = 'fixed-window'\nkey = 'ip'\nlimit = 1\nwindow = '10s'\nretry-after = 'seconds'",
        &[],
    );
    let mut fixture = Fixture::new(&layout);
    let holds = Passage::Answered { refusal: None, after: Dur::from_ms(100), holds: true };
    assert_eq!(fixture.touch(0, 0), holds);
    let busy = fixture.touch(2, 1);
    assert_eq!(busy, answered(Some(Failure::status(429)), 5), "a concurrency limit does not know when");
    fixture.gateway.release(TOUCH, 0, Time::from_ms(100));
    // User 1 shares the address of user 0.
    let later = Failure { retry_after: RetryIn::seconds(9), ..Failure::status(429) };
    assert_eq!(fixture.touch(1, 1_000), answered(Some(later), 5));
    assert_eq!(fixture.touch(2, 1_001), holds);
    let [first, second] = fixture.gateway.limit_totals() else { panic!("two limits") };
    assert_eq!((first.admitted, first.refused, first.admitted_before, first.refused_before), (3, 1, 1, 1));
    assert_eq!((second.admitted, second.refused, second.admitted_before), (2, 1, 1));
    assert_eq!(fixture.log.0[2..4], ["limit 0 refuses key 0", "2 is refused"]);
}

#[test]
fn a_queue_serves_one_after_another_and_sheds_the_rest() {
    let layout = layout(
        "touch = { workers = 1, queue = 1, service = '20ms', latency = '100ms', refused-latency = '1ms' }",
        &[],
    );
    let mut fixture = Fixture::new(&layout);
    let service = Dur::from_ms(20);
    assert_eq!(fixture.touch(0, 0), Passage::Pending(Pending::Serving(0, service)));
    assert_eq!(fixture.touch(1, 1), Passage::Pending(Pending::Waiting));
    assert_eq!(fixture.touch(2, 2), Passage::Pending(Pending::Shed(2)));
    let shed = fixture.gateway.take(2);
    assert_eq!((shed.call.waiter, shed.latency), (2, Dur::from_ms(1)));
    let now = Time::from_ms(20);
    assert_eq!(fixture.gateway.served(0, now), Departure::Served { holds: false });
    assert_eq!(fixture.next(20), [Pending::Serving(1, service)]);
    assert_eq!(fixture.gateway.take(0).latency, Dur::from_ms(100));
    assert_eq!(fixture.gateway.pending().map(|call| call.waiter).collect::<Vec<_>>(), [1]);
    assert_eq!(fixture.touch(3, 30), Passage::Pending(Pending::Waiting));
    assert_eq!(fixture.gateway.call(0).user, 3, "places in the books are used again");
    let [totals] = fixture.gateway.station_totals(Time::from_ms(40))[..] else { panic!("one queue") };
    assert_eq!((totals.arrivals, totals.served, totals.shed), (4, 1, 1));
}

#[test]
fn a_leaky_bucket_delays_a_call_before_it_queues() {
    let layout = layout(
        "touch = { workers = 1, service = '20ms' }\n\
         [[limit]]\nendpoints = ['touch']\nkind = 'leaky-bucket'\nkey = 'global'\nrate = '1/s'\nburst = 5",
        &[],
    );
    let mut fixture = Fixture::new(&layout);
    let service = Dur::from_ms(20);
    assert_eq!(fixture.touch(0, 0), Passage::Pending(Pending::Serving(0, service)));
    assert_eq!(fixture.touch(1, 0), Passage::Pending(Pending::Delayed(1, Dur::from_secs(1))));
    assert_eq!(
        fixture.gateway.queue(1, &fixture.draws, Time::from_ms(1_000), &mut fixture.log),
        Pending::Waiting
    );
}

/// A refusal answers what the scenario says of it, on any status, or nothing that the client can read.
#[test]
fn a_refusal_answers_as_the_scenario_says() {
    for (says, refusal) in [
        (
            "status = 503\nretry-after = 'seconds'",
            Failure { retry_after: RetryIn::seconds(10), ..Failure::status(503) },
        ),
        ("status = 400\ncode = 'quota'", Failure { code: 3, ..Failure::status(400) }),
        (
            "retry-after = 'constant'\nretry-after-s = 60",
            Failure { retry_after: RetryIn::seconds(60), ..Failure::status(429) },
        ),
        ("readable = false", Failure::NETWORK),
    ] {
        let layout = layout(
            &format!(
                "[[limit]]\nendpoints = ['touch']\nkind = 'fixed-window'\nkey = 'user'\nlimit = 1\nwindow = '10s'\n{says}"
            ),
            &[],
        );
        let mut fixture = Fixture::new(&layout);
        assert_eq!(fixture.touch(0, 0), answered(None, 100));
        assert_eq!(fixture.touch(0, 0), answered(Some(refusal), 100), "{says}");
    }
}

/// In front of a failing origin, a limit refuses what comes too fast. Behind it, no call comes to the limit.
#[test]
fn a_limit_stands_in_front_of_the_faults_or_behind_them() {
    for (in_front, refused) in [(true, [false, false, true, true]), (false, [false; 4])] {
        let layout = layout(
            &format!(
                "[[limit]]\nendpoints = ['touch']\nkind = 'token-bucket'\nkey = 'ip'\nrate = '1/h'\nburst = 2\n\
                 in-front = {in_front}"
            ),
            &["kind = 'status'\nstatus = 400"],
        );
        let mut fixture = Fixture::new(&layout);
        for (n, refused) in refused.into_iter().enumerate() {
            let failed = Failure { code: 7, ..Failure::status(400) };
            let failure = if refused { Failure::status(429) } else { failed };
            assert_eq!(fixture.touch(0, n as u64), answered(Some(failure), 100), "{in_front}");
        }
    }
}

/// A limit of 2 failures in 10 s, in front of a fault that fails some calls, and another limit behind it. What a later
/// limit refuses, a queue sheds or a fault answers is a failure; what the server answers is what the world says it is.
#[test]
fn a_limit_of_failures_counts_them_when_they_are_decided() {
    let layout = layout(
        "[[limit]]\nendpoints = ['touch']\nkind = 'fixed-window'\nkey = 'global'\nlimit = 2\nwindow = '10s'\n\
         counts = 'failures'\ncost-of = { touch = 1 }\nin-front = true\n\
         [[limit]]\nendpoints = ['touch']\nkind = 'fixed-window'\nkey = 'user'\nlimit = 2\nwindow = '10s'",
        &["kind = 'outage'\nfrom = '2s'\ncount = 1"],
    );
    let mut fixture = Fixture::new(&layout);
    for ms in [0, 1] {
        assert_eq!(fixture.touch(0, ms), answered(None, 100));
        let call = Call {
            waiter: 0,
            generation: 0,
            endpoint: TOUCH,
            word: 0,
            user: 0,
            sent: Time::from_ms(ms),
            at: (0, 0),
        };
        fixture.gateway.decided(&call, Time::from_ms(ms), true, &mut fixture.log);
    }
    assert!(!fixture.log.0.iter().any(|line| line.contains("counts")), "successes do not count");
    let late = answered(Some(Failure::status(429)), 100);
    assert_eq!(fixture.touch(0, 3), late, "the second limit refuses: a failure to the first");
    assert_eq!(fixture.log.0.last().map(String::as_str), Some("0 is refused"));
    assert_eq!(fixture.touch(1, 2_000), answered(Some(Failure::NETWORK), 100), "the fault: another");
    assert_eq!(fixture.log.0.iter().filter(|line| *line == "limit 0 counts 1 of key 0").count(), 2);
    assert_eq!(fixture.touch(2, 2_001), late, "two failures are the limit, for all users");
    assert_eq!(fixture.log.0[fixture.log.0.len() - 2], "limit 0 refuses key 0");
}

const TOKENS: Endpoint = Endpoint::known("tokens");

impl Fixture<'_> {
    fn call(&mut self, endpoint: Endpoint, user: u32, ms: u64) -> Passage {
        let sent = Time::from_ms(ms);
        let at = (u64::from(user), sent.0);
        let call = Call { waiter: user, generation: 0, endpoint, word: 0, user, sent, at };
        self.gateway.arrive(&call, &self.draws, &mut self.log)
    }

    /// The next steps of the pool.
    fn next(&mut self, ms: u64) -> Vec<Pending> {
        let Fixture { gateway, draws, log } = self;
        std::iter::from_fn(|| gateway.next(0, draws, Time::from_ms(ms), log)).collect()
    }
}

#[test]
fn endpoints_share_the_workers_of_a_pool() {
    let layout = layout(
        "touch = { service = '20ms' }\ntokens = { service = '50ms', request-latency = '5ms' }\n\
         [[pool]]\nname = 'api'\nendpoints = ['touch', 'tokens']\nworkers = 1\nqueue = 1",
        &[],
    );
    let mut fixture = Fixture::new(&layout);
    let ms = Dur::from_ms;
    assert_eq!(fixture.touch(0, 0), Passage::Pending(Pending::Serving(0, ms(20))));
    assert_eq!(fixture.call(TOKENS, 1, 0), Passage::Pending(Pending::Delayed(1, ms(5))));
    assert_eq!(
        fixture.gateway.queue(1, &fixture.draws, Time::from_ms(5), &mut fixture.log),
        Pending::Waiting
    );
    assert_eq!(fixture.touch(2, 6), Passage::Pending(Pending::Shed(2)), "one queue for both");
    fixture.gateway.take(2);
    assert_eq!(fixture.gateway.served(0, Time::from_ms(20)), Departure::Served { holds: false });
    assert_eq!(fixture.next(20), [Pending::Serving(1, ms(50))]);
    assert_eq!(fixture.gateway.served(1, Time::from_ms(70)), Departure::Served { holds: false });
    let times = fixture.gateway.times_at_workers().next().unwrap();
    // Call 1 came at 5 ms and left at 70.
    assert!(times.percentile(100).0.abs_diff(ms(65).0) < ms(3).0 && times.count() == 2);
}

#[test]
fn service_takes_longer_with_every_call_in_service() {
    let layout = layout(
        "touch = { service = '1s' }\n\
         [[pool]]\nname = 'api'\nendpoints = ['touch']\nworkers = 3\nservice-per-call = '10ms'",
        &[],
    );
    let mut fixture = Fixture::new(&layout);
    for (user, ms) in [(0, 1_010), (1, 1_020), (2, 1_030)] {
        let serving = Pending::Serving(user, Dur::from_ms(ms));
        assert_eq!(fixture.touch(user, 0), Passage::Pending(serving));
    }
    assert_eq!(fixture.touch(3, 1), Passage::Pending(Pending::Waiting));
    fixture.gateway.served(0, Time::from_ms(1_010));
    assert_eq!(fixture.next(1_010), [Pending::Serving(3, Dur::from_ms(1_030))]);
}

/// The clients give up after 100 ms. Service takes 80 ms, so the second call has 20 ms left when its turn comes at 80, and
/// the third one nothing when its turn comes.
#[test]
fn deadlines_are_minded_before_and_during_service() {
    for (deadline, second, third) in
        [("ignored", 80, true), ("before-service", 80, false), ("during-service", 20, false)]
    {
        let layout = layout(
            &format!(
                "touch = {{ service = '80ms', timeout = '100ms' }}\n\
                 [[pool]]\nname = 'api'\nendpoints = ['touch']\nworkers = 1\ndeadline = '{deadline}'\n\
                 [[limit]]\nendpoints = ['touch']\nkind = 'concurrency'\nkey = 'global'\nlimit = 3"
            ),
            &[],
        );
        let mut fixture = Fixture::new(&layout);
        (0..3).for_each(|user| {
            fixture.touch(user, 0);
        });
        fixture.gateway.served(0, Time::from_ms(80));
        assert_eq!(fixture.next(80), [Pending::Serving(1, Dur::from_ms(second))], "{deadline}");
        let departure = fixture.gateway.served(1, Time::from_ms(80 + second));
        let stopped = deadline == "during-service";
        assert_eq!(departure == Departure::Stopped, stopped);
        assert_eq!(fixture.next(80 + second).len(), usize::from(third), "{deadline}");
        let totals = fixture.gateway.station_totals(Time::from_ms(500))[0];
        assert_eq!(totals.abandoned, u64::from(!third) + u64::from(stopped), "{deadline}");
        // A call that is left out or stopped releases its place at the concurrency limit.
        let places = (0..9).filter(|_| !matches!(fixture.touch(3, 600), Passage::Answered { .. })).count();
        assert_eq!(places as u64, totals.abandoned, "{deadline}");
    }
}
