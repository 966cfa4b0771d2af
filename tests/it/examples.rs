//! The examples of the library do what they say.

#[path = "../../examples/compare_limits.rs"]
mod compare_limits;

#[test]
fn the_example_of_a_comparison_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = compare_limits::compare(folder.path()).unwrap_or_else(|e| panic!("{e}"));
    assert!(said.contains("metrics") && said.contains("Under old"), "{said}");
    for name in ["five", "two"] {
        assert!(folder.path().join(name).join("summary.json").exists(), "{name} is written");
    }
    // Written once more, the same results are there already.
    assert_eq!(compare_limits::compare(folder.path()).expect("again"), said);
}

#[path = "../../examples/own_sdk.rs"]
mod own_sdk;

#[path = "../../examples/own_limiter.rs"]
mod own_limiter;

/// The lines of the SDK in the example, without comments and blank lines.
fn lines_of_the_sdk() -> usize {
    let text = include_str!("../../examples/own_sdk.rs");
    let (_, rest) = text.split_once("// The SDK begins here.").expect("the mark");
    let (sdk, _) = rest.split_once("// The SDK ends here.").expect("the mark");
    sdk.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

#[test]
fn an_own_sdk_runs_with_faults_limits_metrics_charts_and_stories() {
    assert!(lines_of_the_sdk() <= 60, "{}", lines_of_the_sdk());
    let folder = tempfile::tempdir().expect("a folder");
    let (results, said) = own_sdk::show(folder.path()).unwrap_or_else(|e| panic!("{e}"));
    assert!(results.passes_check(), "{:?}", results.expectations);
    assert!(said.starts_with("Under old (mean of 3 replications), "), "{said}");
    assert!(said.contains("users whose session is valid are signed out; "), "{said}");
    assert!(
        said.contains("client model own my-sdk") && said.contains("refreshes its token (entry 1)"),
        "{said}"
    );
    // Results, page and charts speak the words of token clients, also after they were read.
    let read = authstorm::results::ResultsDir::open(folder.path().join("data")).and_then(|dir| dir.results());
    let read = read.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(read, results);
    assert_eq!((read.client_model.as_str(), read.flow().entries), ("own my-sdk", "refreshes"));
    let page = std::fs::read_to_string(folder.path().join("report.html")).expect("the page");
    assert!(
        page.contains("own my-sdk") && page.contains("refreshes"),
        "the page names the client and its flow"
    );
    for chart in ["requests.svg", "sign-outs.svg", "flow.svg"] {
        assert!(folder.path().join(chart).exists(), "{chart}");
    }
}

/// A healthy SDK that refreshes 30 s before a life of 300 s ends, opened at 0 s with a round trip of 80 ms: the refreshes begin
/// at 270 s and then every 270 s, since `exp` counts whole seconds from the issue.
#[test]
fn an_own_sdk_refreshes_when_its_timer_says_so_on_one_thread_and_on_many() {
    let own = authstorm::Extensions::default().client::<authstorm::client::own::Own<own_sdk::MySdk>>();
    let text = "version = 1\nname = \"t\"\nhorizon = \"20m\"\npolicies = [\"new\"]\n\
        client = { model = \"own\", sdk = \"my-sdk\" }\nfleet = { users = 9000 }\n\
        backend = { token-life = \"5m\", latency = \"80ms\" }\n";
    let study = authstorm::Study::parse_extended("t.toml", text, &own).unwrap_or_else(|e| panic!("{e}"));
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| study.run()).unwrap_or_else(|e| panic!("{e}"))
    };
    let one = on(1);
    assert!(one.engine.parts > 1, "the users run in parts");
    let refreshes = one.policies[0].metric("refreshes").mean;
    assert_eq!(refreshes.to_bits(), f64::to_bits(9_000.0 * f64::from(1_200 / 270)), "{refreshes}");
    assert_eq!(on(2), one);
}

/// A scenario names code that the command, or another program, does not have.
#[test]
fn a_client_or_a_limiter_that_the_program_does_not_have_is_refused_at_its_place() {
    let client = "version = 1\nname = \"t\"\nhorizon = \"1m\"\npolicies = [\"new\"]\n[client]\nmodel = \"own\"\n\
        sdk = \"my-sdk\"\n[fleet]\nusers = 1\n";
    let limit = "version = 1\nname = \"t\"\nhorizon = \"1m\"\npolicies = [\"new\"]\n[[workload]]\nname = \"w\"\nclients = 1\n\
        at = [\"1s\"]\n[[backend.limit]]\nendpoints = [\"generic\"]\nkey = \"ip\"\nkind = \"own\"\n\
        limiter = \"forgiving\"\n";
    for (text, place) in [(client, "t.toml:7:7"), (limit, "t.toml:13:11")] {
        let said = authstorm::Study::parse("t.toml", text).expect_err("no such code").to_string();
        assert!(said.contains(place) && said.contains("no code of this name"), "{said}");
    }
}

/// By hand. The bucket is empty 10 s after the last request that passed for each request in it, and has room 20 s earlier. So
/// the calls of 1, 2 and 3 s pass, and there is room again at 11 s. The call of 4 s is refused and blocks until 9 s, that of
/// 9 s until 14 s, and that of 14 s passes: room at 21 s. Refused at 15 and 20 s, passed at 25 s: room at 31 s. Refused at
/// 26 s, passed at 31 s: room at 41 s. Refused at 32 and 37 s, passed at 42 s: room at 51 s. Refused at 43 and 48 s, passed
/// at 53 s: room at 61 s. Refused at 54 and 59 s. Eight pass, and no bucket of this rate and size can let a ninth through
/// before 61 s.
#[test]
fn an_own_limiter_lets_through_what_its_law_says() {
    assert_eq!(own_limiter::passes("forgiving").expect("runs"), (8.0, 52.0));
    // A client that never waits for five seconds never gets through again.
    assert_eq!(own_limiter::passes("prolonging").expect("runs"), (3.0, 57.0));
}
