//! Devices that sleep, hidden tabs, and timers that run late.

use authstorm::Study;
use authstorm::backend::Endpoint;
use authstorm::client::family::{Activity, Look};
use authstorm::client::step::{Input, TaskId};
use authstorm::kernel::Time;
use authstorm::results::{PolicyResults, Results};
use authstorm::world::{Control, Observer, observed};

fn run(text: &str) -> Results {
    let study = Study::parse("timers.toml", text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    study.run().unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// Calls of an endpoint that were sent from one time to another, in seconds.
fn sent(policy: &PolicyResults, endpoint: &str, from_s: u64, to_s: u64) -> u64 {
    let timeline = &policy.timelines[0];
    let width_s = timeline.bucket.0 / 1_000_000_000;
    let endpoint = Endpoint::known(endpoint).index();
    let buckets = timeline.buckets.iter().enumerate();
    let within = buckets.filter(|(i, _)| (from_s..to_s).contains(&(*i as u64 * width_s)));
    within.map(|(_, bucket)| bucket.calls[endpoint].iter().sum::<u64>()).sum()
}

/// Field case wake-office: 200 people of an office whose laptops sleep from the evening to 09:00, which is hour 15 of the run.
/// Each token is dead by then, so that each session refreshes within seconds, and none before.
fn wake_office(model: &str, policy: &str, horizon: &str, sleep: &str) -> Results {
    // Clerk's tokens live 60 s, those of the other clients an hour.
    let life = if model.starts_with("clerk") { "60s" } else { "1h" };
    run(&format!(
        "version = 1\nreplications = 1\nname = \"wake\"\nhorizon = \"{horizon}\"\nbucket = \"10s\"\npolicies = [\"{policy}\"]\n\
         [client]\nmodel = \"{model}\"\n[fleet]\nusers = 200\nusers-per-network = 200\nopens = {{ uniform = [\"0s\", \"60s\"] }}\n\
         {sleep}\n[backend]\ntoken-life = \"{life}\"\nlatency = \"80ms\"\n"
    ))
}

#[test]
fn an_office_that_wakes_refreshes_within_seconds() {
    let sleep = "sleep = { from = { uniform = [\"30m\", \"40m\"] }, to = \"15h\" }";
    for model in ["supabase-js-2.119.1", "firebase-1.13.9"] {
        let results = wake_office(model, model, "15h5m", sleep);
        let policy = &results.policies[0];
        assert_eq!(sent(policy, "token", 2_400, 54_000), 0, "{model} sleeps");
        assert_eq!(sent(policy, "token", 54_000, 54_010), 200, "{model} wakes");
    }
    let results = wake_office("clerk-js-6.3.3", "new", "15h5m", sleep);
    let policy = &results.policies[0];
    assert_eq!(sent(policy, "tokens", 2_400, 54_000), 0, "no timer runs");
    assert!(sent(policy, "tokens", 54_000, 54_010) >= 200, "its poller and its timer may both ask");
}

/// The same by scripted actions: asleep from minute 30 to hour 15.
#[test]
fn actions_send_devices_to_sleep_and_wake_them() {
    let actions = "[[action]]\nat = \"30m\"\nusers = \"all\"\ndo = \"sleep\"\n[[action]]\nat = \"15h\"\nusers = \"all\"\ndo = \"wake\"\n";
    let results = wake_office("firebase-1.13.9", "firebase-1.13.9", "15h5m", actions);
    let policy = &results.policies[0];
    assert_eq!((sent(policy, "token", 1_800, 54_000), sent(policy, "token", 54_000, 54_010)), (0, 200));
}

/// Two nights: a device sleeps from hour 8 to hour 24 of each day, and refreshes its token of an hour in the other eight only.
#[test]
fn a_device_sleeps_in_each_period() {
    let sleep = "sleep = { from = \"8h\", to = \"24h\", every = \"24h\" }";
    let results = wake_office("firebase-1.13.9", "firebase-1.13.9", "49h", sleep);
    let policy = &results.policies[0];
    for (from_h, to_h, awake) in
        [(1, 8, true), (8, 24, false), (24, 32, true), (32, 48, false), (48, 49, true)]
    {
        assert_eq!(
            sent(policy, "token", from_h * 3_600, to_h * 3_600) > 0,
            awake,
            "hours {from_h} to {to_h}"
        );
    }
}

/// An answer that is under way when the device goes to sleep is lost, and its request fails when the device wakes.
#[test]
fn an_answer_that_comes_during_sleep_is_lost() {
    let failed = |actions: &str| {
        let results = run(&format!(
            "version = 1\nreplications = 1\nname = \"lost\"\nhorizon = \"50s\"\npolicies = [\"new\"]\n[client]\nmodel = \"clerk-js-6.3.3\"\n\
             [fleet]\nusers = 1\n[backend]\nlatency = \"2s\"\n{actions}"
        ));
        results.policies[0].metric("responses_failed").values[0]
    };
    let sleep = "[[action]]\nat = \"1s\"\nuser = 0\ndo = \"sleep\"\n[[action]]\nat = \"10s\"\nuser = 0\ndo = \"wake\"\n";
    assert!(failed("") < 0.5 && failed(sleep) > 0.5, "{} and {}", failed(""), failed(sleep));
}

/// Renewal theory: a token of an hour whose timer runs 300 s before its expiry is refreshed each 3,300 s and a round trip. With
/// timers late by 30 s in the mean, each 3,330 s and a round trip. Over 200 hours the count of a user then varies by less
/// than one, because a gap's standard deviation is 17 s.
#[test]
fn late_timers_lengthen_each_gap_by_their_mean() {
    for (late, gap_s) in [("", 3_300.08), ("timers-late = { uniform = [\"0s\", \"60s\"] }", 3_330.08)] {
        let results = run(&format!(
            "version = 1\nreplications = 1\nname = \"late\"\nhorizon = \"200h\"\nbucket = \"1h\"\npolicies = [\"firebase-1.13.9\"]\n\
             [client]\nmodel = \"firebase-1.13.9\"\n[fleet]\nusers = 10\n{late}\n[backend]\ntoken-life = \"1h\"\nlatency = \"80ms\"\n"
        ));
        let refreshes = results.policies[0].metric("requests_token").values[0] / 10.0;
        let expected = 200.0 * 3_600.0 / gap_s;
        assert!((refreshes - expected).abs() < 1.5, "{late}: {refreshes} of {expected}");
    }
}

/// Clerk's client has timers of pollers and refreshes. All of them run one second late: each gap between two refreshes is a second
/// longer, because the token of 60 s still has life left then.
#[test]
fn late_timers_lengthen_each_gap_of_clerk_too() {
    let horizon_s = 20_000.0;
    let refreshes = |late: &str| {
        let results = run(&format!(
            "version = 1\nreplications = 1\nname = \"late\"\nhorizon = \"20000s\"\nbucket = \"1000s\"\npolicies = [\"new\"]\n\
             [client]\nmodel = \"clerk-js-6.3.3\"\n[fleet]\nusers = 1\n{late}\n[backend]\ntoken-life = \"60s\"\nlatency = \"80ms\"\n"
        ));
        results.policies[0].metric("requests_tokens").values[0]
    };
    let expected = horizon_s / (horizon_s / refreshes("") + 1.0);
    let late = refreshes("timers-late = \"1s\"");
    assert!((late - expected).abs() < 1.5, "{late} of {expected}");
}

/// The times in nanoseconds at which timers of `getToken` run, and at which requests leave.
#[derive(Default)]
struct Watch {
    retries: Vec<u64>,
    sent: Vec<u64>,
}

impl Observer for Watch {
    const ACTIVE: bool = true;

    fn input(&mut self, now: Time, _: u32, input: Input, look: &dyn Look) {
        if let Input::Timer(task) = input
            && look.doing(task).task.name == "getToken"
        {
            self.retries.push(now.0);
        }
    }

    fn sent(&mut self, now: Time, _: u32, _: TaskId, _: Activity, _: Endpoint, _: bool) {
        self.sent.push(now.0);
    }
}

fn watched(text: &str) -> Watch {
    let study = Study::parse("timers.toml", text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    observed(&study.plan(), 0, 0, &Control::default(), Watch::default()).unwrap_or_else(|e| panic!("{e}")).1
}

/// A tab is hidden from 10.3 s on. Its client asks for a token offline at 401 s and tries again 3 s after each failure, without a
/// request between two tries. The first four timers wait for a whole second of the tab's hidden time, the next ones for a whole
/// minute, and the one that waits when the tab becomes visible runs at once.
#[test]
fn chained_timers_of_a_hidden_tab_run_once_a_minute_and_at_once_when_it_is_seen() {
    let acts = "[[action]]\nat = \"10300ms\"\nuser = 0\ndo = \"blur\"\n[[action]]\nat = \"400s\"\nuser = 0\ndo = \"offline\"\n\
        [[action]]\nat = \"401s\"\nuser = 0\ndo = \"get-token\"\nskip-cache = true\n[[action]]\nat = \"500s\"\nuser = 0\ndo = \"focus\"\n";
    let text = |timers: &str| {
        format!(
            "version = 1\nreplications = 1\nname = \"hidden\"\nhorizon = \"505s\"\npolicies = [\"patient\"]\n[client]\nmodel = \"clerk-js-6.3.3\"\n\
             [[policy]]\nname = \"patient\"\nenters-unauthenticated-flow = [\"401\"]\n\
             retry = {{ on = [\"network\"], initial = \"3s\", factor = 1, cap = \"3s\", retries = 50, offline-retries = 50, jitter = \"none\" }}\n\
             [fleet]\nusers = 1\n{timers}\n[backend]\ntoken-life = \"100d\"\n{acts}"
        )
    };
    let ms = |times: &[u64]| times.iter().map(|ns| ns / 1_000_000).collect::<Vec<_>>();
    let on_time = watched(&text("")).retries;
    assert_eq!(ms(&on_time)[..5], [404_000, 407_000, 410_000, 413_000, 416_000]);
    let hidden = watched(&text("hidden-timers = {}")).retries;
    assert_eq!(
        ms(&hidden),
        [404_300, 407_300, 410_300, 413_300, 430_300, 490_300, 500_000, 503_000],
        "the last ones in a visible tab"
    );
    let every_10 = watched(&text("hidden-timers = { every = \"10s\", after = \"1d\" }")).retries;
    assert_eq!(ms(&every_10)[..3], [410_300, 420_300, 430_300]);
}

/// An answer ends a chain: the timer that Firebase's client sets after each refresh waits for a second, not for a minute. Each gap
/// is 3,300 s, a round trip, and what is left of the second.
#[test]
fn a_timer_that_an_answer_sets_waits_for_a_second() {
    let blur = "[[action]]\nat = \"10300ms\"\nuser = 0\ndo = \"blur\"\n";
    let times = watched(&format!(
        "version = 1\nreplications = 1\nname = \"hidden\"\nhorizon = \"10h\"\nbucket = \"1h\"\npolicies = [\"firebase-1.13.9\"]\n\
         [client]\nmodel = \"firebase-1.13.9\"\n[fleet]\nusers = 1\nhidden-timers = {{}}\n[backend]\ntoken-life = \"1h\"\nlatency = \"80ms\"\n{blur}"
    ));
    let refreshes: Vec<u64> = times.sent.into_iter().filter(|at| *at > 11_000_000_000).collect();
    assert!(refreshes.len() >= 9, "{refreshes:?}");
    for pair in refreshes.windows(2) {
        let due = pair[0] + 3_300_080_000_000;
        let whole = (due - 10_300_000_000).div_ceil(1_000_000_000);
        assert_eq!(pair[1], whole * 1_000_000_000 + 10_300_000_000, "{refreshes:?}");
    }
}

/// oidc-client-ts asks 60 s before the expiry, by a `setInterval` of 5 s that compares whole seconds. Each of its looks is a
/// timer of a chain, so a tab that has been hidden since 10.3 s and for five minutes looks at its whole minutes. Tokens live 1,000 s
/// from the whole second of their receipt.
///
/// The page loads at 0 s. On time it asks at 940 s, first for the metadata, receives at 940.16 s, and is due at 1,880 s: the look
/// at 1,880.16 s. Hidden, its first look from 940 s on is the 16th minute, at 970.3 s; the next is due at 970 + 940 = 1,910 s, which the look at
/// 32 minutes, 1,930.3 s, sees; the one after at 2,870 s, which the look at 48 minutes, 2,890.3 s, sees. With ticks of ten seconds, a
/// look comes at 940.3 s, and the next sees 1,880 s at 1,880.3 s.
#[test]
fn looks_at_the_clock_are_a_chain_of_timers() {
    let times = |hidden: &str| {
        let ms = |ns: &u64| ns / 1_000_000;
        let times = watched(&format!(
            "version = 1\nreplications = 1\nname = \"looks\"\nhorizon = \"50m\"\nbucket = \"1m\"\n\
             policies = [\"oidc-client-ts-3.5.0\"]\n[client]\nmodel = \"oidc-client-ts-3.5.0\"\n[fleet]\nusers = 1\n{hidden}\n\
             [backend]\ntoken-life = \"1000s\"\nlatency = \"80ms\"\n\
             [[action]]\nat = \"10300ms\"\nuser = 0\ndo = \"blur\"\n"
        ));
        times.sent.iter().map(ms).collect::<Vec<u64>>()
    };
    assert_eq!(times("")[..3], [940_000, 940_080, 1_880_160]);
    assert_eq!(times("hidden-timers = {}")[..4], [970_300, 970_380, 1_930_300, 2_890_300]);
    let tens = times("hidden-timers = { chained-every = \"10s\" }");
    assert_eq!(tens[..3], [940_300, 940_380, 1_880_300]);
}

/// With document-focus = "one", the tab that opens last hides the others. A focus shows its tab and hides the one before.
#[test]
fn tabs_without_the_focus_are_hidden() {
    let times = |focus: &str| {
        let acts = "[[action]]\nat = \"20500ms\"\nuser = 0\ntab = 0\ndo = \"focus\"\n";
        watched(&format!(
            "version = 1\nreplications = 1\nname = \"hidden\"\nhorizon = \"3h\"\nbucket = \"1h\"\npolicies = [\"firebase-1.13.9\"]\n\
             [client]\nmodel = \"firebase-1.13.9\"\n[fleet]\nusers = 1\ntabs = 2\nfurther-tab-opens = \"10s\"\nhidden-timers = {{}}\n{focus}\n\
             [backend]\ntoken-life = \"1h\"\nlatency = \"80ms\"\n{acts}"
        ))
        .sent
    };
    let whole =
        |at: &u64| (*at > 21_000_000_000 && (at - 500_000_000).is_multiple_of(1_000_000_000)).then_some(());
    let (one, all) = (times("document-focus = \"one\""), times("document-focus = \"all\""));
    assert_eq!(all.iter().filter_map(whole).count(), 0, "no tab is hidden: {all:?}");
    assert!(one.iter().filter_map(whole).count() >= 2, "the second tab is: {one:?}");
    assert!(one.len() == all.len(), "{one:?} {all:?}");
}

/// The ticker of supabase-js runs in visible tabs only: a tab that is hidden for two hours refreshes when it becomes visible, and
/// not before.
#[test]
fn the_ticker_of_a_hidden_tab_stops() {
    let sent = |acts: &str| {
        watched(&format!(
            "version = 1\nreplications = 1\nname = \"ticker\"\nhorizon = \"3h\"\nbucket = \"1h\"\npolicies = [\"supabase-js-2.119.1\"]\n\
             [client]\nmodel = \"supabase-js-2.119.1\"\n[fleet]\nusers = 1\n[backend]\ntoken-life = \"1h\"\nlatency = \"80ms\"\n{acts}"
        ))
        .sent
    };
    let act = |at: &str, act: &str| format!("[[action]]\nat = \"{at}\"\nuser = 0\ndo = \"{act}\"\n");
    let seconds = |times: Vec<u64>| times.into_iter().map(|ns| ns / 1_000_000_000).collect::<Vec<_>>();
    let visible = seconds(sent(""));
    assert!(visible.len() == 3 && visible.iter().all(|at| *at < 10_800), "one an hour: {visible:?}");
    assert_eq!(seconds(sent(&act("10s", "blur"))), [] as [u64; 0]);
    let back = seconds(sent(&(act("10s", "blur") + &act("2h", "focus"))));
    assert_eq!(back.first(), Some(&7_200), "{back:?}");
}
