//! Replays recordings and prints for each whether it matches: `conform [-q] FILE...`.

use authstorm::conform::{Comparison, Outcome, Recording, Request, compare};

fn words(list: &[Request]) -> String {
    let one = |r: &Request| {
        let status = match &r.status {
            Some(authstorm::conform::Status::Http(n)) => n.to_string(),
            Some(authstorm::conform::Status::Word(w)) => w.clone(),
            None => "-".to_owned(),
        };
        format!("[{} t{} {:?} {} {:?}]", r.t, r.tab, r.endpoint, status, r.t_done)
    };
    list.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn main() {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let quiet = args.first().is_some_and(|a| a == "-q");
    if quiet {
        args.remove(0);
    }
    let (mut same, mut other) = (0, 0);
    for file in &args {
        let text = std::fs::read_to_string(file).expect("readable");
        let name = file.rsplit('/').next().unwrap_or(file);
        let recording = match Recording::parse(&text) {
            Ok(recording) => recording,
            Err(why) => {
                other += 1;
                println!("UNREADABLE {name}: {why}");
                continue;
            }
        };
        let Comparison { outcome, .. } = compare(&recording);
        match outcome {
            Outcome::Match { requests, entries } => {
                same += 1;
                if !quiet {
                    println!("match {name}: {requests} requests, {entries} entries");
                }
            }
            Outcome::Diverged(d) => {
                other += 1;
                println!("PART {name}: {} at {} ms", d.what, d.at_ms);
                println!("   recorded  {}", words(&d.recorded));
                println!("   simulated {}", words(&d.simulated));
                if !d.detail.is_empty() {
                    println!("   {}", d.detail);
                }
            }
            Outcome::Impossible(why) => {
                other += 1;
                println!("IMPOSSIBLE {name}: {why}");
            }
        }
    }
    println!("{same} match, {other} do not");
}
