//! Examples in the help of every command, and what `authstorm` alone prints.

use clap::Command;

/// Examples of each verb, without `authstorm` and the verb, and what each does.
const EXAMPLES: [(&str, &[(&str, &str)]); 24] = [
    (
        "run",
        &[
            ("scenarios/touch-429-cascade.toml", "the incident of README, into results/touch-429-cascade"),
            (
                "mine.toml --set fleet.users=500 --out small",
                "with another number of users, into another directory",
            ),
            ("mine.toml --estimate", "how long it would take"),
            (
                "mine.toml --precision new.requests_total=5% --precision new.false_sign_outs=0.5",
                "until the mean requests are known to 5%, and the mean false sign-outs to half a one",
            ),
        ],
    ),
    (
        "check",
        &[
            ("mine.toml", "exit code 1 if an [[expect]] fails or is not decided: for CI"),
            ("mine.toml other.toml --junit report.xml", "several files, and a report for CI"),
            (
                "mine.toml --baseline results",
                "no worse than in results/mine, where an [[expect]] names baseline(..)",
            ),
            ("mine.toml other.toml --format csv", "one table: a row for each [[expect]] of each file"),
        ],
    ),
    ("validate", &[("mine.toml other.toml", "every error of both files")]),
    (
        "explain",
        &[
            ("mine.toml --policy old --session worst", "the story of the session that came to most harm"),
            ("mine.toml --policy old --session 7 --from 2m --out story.svg", "a part of a story as a chart"),
            (
                "mine.toml --policy old --against new --session worst",
                "up to the first difference, and what followed",
            ),
        ],
    ),
    (
        "find",
        &[
            (
                "mine.toml --vary backend.limit[0].burst=10..2000 --target new.responses_429==0",
                "the smallest burst at which 95% of runs see no 429, into results/NAME-find",
            ),
            (
                "mine.toml --vary fleet.users=10..5000 --largest --target new.false_sign_outs==0 --share 99%",
                "the most users at which 99% of runs sign nobody out falsely",
            ),
        ],
    ),
    (
        "sweep",
        &[
            (
                "mine.toml --vary fleet.users=50..500/10 --vary backend.limit[0].burst=10,20,50",
                "a map of 30 points under each policy, into results/NAME-sweep",
            ),
            (
                "mine.toml --vary fleet.users=10..5000 --vary horizon=1m..1h --design lhs:100 --out map",
                "100 points spread over two ranges",
            ),
            ("mine.toml --vary fleet.users=50..500/10 --estimate", "how many runs, how long they would take"),
        ],
    ),
    (
        "merge",
        &[
            (
                "part-1 part-2 part-3 --out map",
                "the whole of authstorm sweep mine.toml --vary ... --shard I/3 --out part-I, for I from 1 to 3",
            ),
            (
                "round-*/part-* --out limit --finish",
                "the answer of a search; what its parts lack is run here",
            ),
        ],
    ),
    (
        "rank",
        &[
            (
                "mine.toml --metric requests_total --vary fleet.users=50..500 --vary backend.limit[0].burst=10..100",
                "which of two assumptions matters more, into results/NAME-rank",
            ),
            (
                "mine.toml --metric false_sign_outs --vary fleet.users=50..500 --vary horizon=5m..1h --keep 0 --estimate",
                "the cost of a screening alone",
            ),
        ],
    ),
    (
        "map",
        &[
            (
                "mine.toml --load workload[0].clients=100..300/5 --trigger fault[0].to=70s,90s --replications 20",
                "ten cells and five loads without a trigger, into results/NAME-map",
            ),
            (
                "mine.toml --capacity backend.pool[0].workers=4,5,6,8 --trigger fault[0].to=70s,90s",
                "time to recover against capacity",
            ),
        ],
    ),
    (
        "rollout",
        &[
            (
                "mine.toml --from old --to new",
                "harms at 0%, 10%, ... 100% on the new policy, of each policy's users",
            ),
            (
                "mine.toml --from old --to new --shares 0%,1%,5%,25%,100% --find",
                "and the share at which the storm stops",
            ),
            ("mine.toml --from old --to new --over 10m --start 2m", "users get the policy during the run"),
        ],
    ),
    (
        "diff",
        &[
            ("results/before results/after", "exit code 1 if a metric changed beyond noise"),
            ("results/before results/after --format md", "for a review"),
        ],
    ),
    ("report", &[("results/mine", "charts and page again, from the data files")]),
    ("open", &[("results/mine", "its report.html in the browser")]),
    (
        "conform",
        &[
            ("recording.json", "with the shipped profile of the recording's release"),
            ("--profile my-sdk.toml recording.json", "with a profile of your own"),
            ("recording.json other.json --format csv", "a row for each recording"),
        ],
    ),
    (
        "new",
        &[
            ("mine", "writes mine.toml; asks on a terminal"),
            ("mine --status 503 --endpoint tokens --lasts 2m", "asks nothing"),
            ("mine --model auth0-spa-js-2.28.3", "for users of another client"),
        ],
    ),
    ("new-client", &[("my-sdk", "writes my-sdk.toml with every key of a client profile")]),
    (
        "explain-client",
        &[
            ("auth0-spa-js-2.28.3", "a shipped profile"),
            ("my-sdk.toml --format md", "yours, as Markdown"),
            ("--all", "what every shipped client does under stress, as one page"),
        ],
    ),
    (
        "verify-determinism",
        &[
            ("mine.toml", "the same bytes on one thread and on several"),
            ("mine.toml --ties", "whether a result depends on the order of simultaneous events"),
        ],
    ),
    (
        "verify",
        &[
            ("--fast", "the checks that take seconds"),
            ("--family mm1 --format csv", "one family of closed forms, a row for each check"),
        ],
    ),
    ("metrics", &[("--format json", "names, units and definitions as JSON")]),
    (
        "keys",
        &[
            ("backend.limit", "one table of a scenario"),
            ("--of client-profile answer", "one table of a client profile"),
            ("--format md", "every key of a scenario as a table in Markdown"),
        ],
    ),
    (
        "schema",
        &[
            ("--of client-profile", "the schema of client profiles"),
            ("--of story", "the schema of what explain --format json prints"),
        ],
    ),
    ("completions", &[("bash", "completions for bash: put them where bash looks for them")]),
    ("man", &[("--out man", "a page for each command")]),
];

/// What `authstorm` alone prints.
pub(super) const FIRST_COMMANDS: &str = "\
authstorm simulates auth retry storms: client policies against a rate-limited authentication backend, in virtual time.

  authstorm run scenarios/touch-429-cascade.toml       run a scenario, write results, charts and a page
  authstorm new mine                                   write a scenario of your own, to edit and run
  authstorm explain mine.toml --policy old --session worst
                                                       tell what happened to one session, and why
  authstorm find scenarios/office-nat.toml --vary backend.limit[0].burst=1..500 --target new.responses_429==0
                                                       find how large a limit must be
  authstorm explain-client auth0-spa-js-2.28.3         see what a client SDK is prone to; new-client: your own

`authstorm --help` lists all commands, `authstorm help COMMAND` explains one.
";

/// The command with the examples of each verb after its options.
pub(super) fn with_examples(mut command: Command) -> Command {
    for (verb, examples) in EXAMPLES {
        let lines: Vec<String> = examples
            .iter()
            .map(|(words, does)| format!("  authstorm {verb} {words}\n      {does}"))
            .collect();
        command = command.mut_subcommand(verb, |c| c.after_help(format!("Examples:\n{}", lines.join("\n"))));
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn every_verb_has_examples_that_can_be_parsed() {
        let command = super::super::Cli::command();
        for verb in command.get_subcommands() {
            let (_, examples) = EXAMPLES
                .iter()
                .find(|(name, _)| *name == verb.get_name())
                .unwrap_or_else(|| panic!("{} has no examples", verb.get_name()));
            for (words, does) in *examples {
                let line = ["authstorm", verb.get_name()].into_iter().chain(words.split(' '));
                command.clone().try_get_matches_from(line).unwrap_or_else(|e| panic!("{words}: {e}"));
                assert!(!does.is_empty());
            }
        }
    }

    #[test]
    fn the_first_commands_can_be_parsed_and_name_what_is_there() {
        let command = super::super::Cli::command();
        let lines = FIRST_COMMANDS.lines().filter_map(|line| line.strip_prefix("  authstorm "));
        let lines: Vec<&str> = lines.filter_map(|line| line.split("  ").next()).collect();
        assert_eq!(lines.len(), 5);
        for line in lines {
            let words = ["authstorm"].into_iter().chain(line.split(' '));
            command.clone().try_get_matches_from(words).unwrap_or_else(|e| panic!("{line}: {e}"));
            for file in line.split(' ').filter(|word| word.starts_with("scenarios/")) {
                assert!(std::path::Path::new(file).is_file(), "{file}");
            }
        }
    }
}
