//! `authstorm report`

use super::exit::{Exit, Failure};
use super::kept::Kept;
use super::output::{Birth, Output};
use super::{files, terminal};
use authstorm::report::{csv, read, told};
use std::path::{Path, PathBuf};

/// Options.
#[derive(clap::Args)]
pub struct Args {
    /// Results directories
    #[arg(value_name = "DIR", required = true)]
    dirs: Vec<PathBuf>,
}

/// What cannot be made from other files.
const DATA: [&str; 6] =
    ["scenario.toml", "summary.json", "timeline.csv", "flow.csv", "sessions.csv", "stories.json"];

struct Rebuilt {
    birth: Birth,
    files: Vec<(String, Vec<u8>)>,
}

/// Makes everything derived again. All directories are read before the first is written.
pub fn run(args: Args) -> Result<Exit, Failure> {
    let rebuilt = args.dirs.iter().map(|dir| rebuild(dir)).collect::<Result<Vec<_>, _>>()?;
    for (dir, Rebuilt { birth, files }) in args.dirs.iter().zip(rebuilt) {
        // The bytes there are read back already: what is replaced are results, and nothing of them is lost.
        let output = Output::reserve(dir, &birth, true, Path::new(""))?;
        let place = output.fill(&birth, files)?;
        terminal::say(&format!("{place}\n"))?;
    }
    Ok(Exit::Yes)
}

fn rebuild(dir: &Path) -> Result<Rebuilt, Failure> {
    let kept = Kept::open(dir)?;
    let data = DATA.map(|name| kept.read(name));
    let [scenario, summary, timeline, flow, sessions, stories] = data;
    let (scenario, summary, timeline, flow, sessions, stories) =
        (scenario?, summary?, timeline?, flow?, sessions?, stories?);
    let files = read::Files { summary: &summary, timeline: &timeline, flow: &flow, sessions: &sessions };
    let results = kept.parse(files)?;
    let told = told::read(&stories).map_err(|e| kept.wrong(e))?;
    let text = kept.text("scenario.toml")?;
    let derived = files::derived(&results, &told, &text)?;
    let birth = Birth::again(&kept.manifest, text).map_err(|e| kept.wrong(e))?;
    let table = csv::summary(&results);
    let all = [scenario, summary, table, timeline, flow, sessions, stories];
    let names = [DATA[0], DATA[1], "summary.csv", DATA[2], DATA[3], DATA[4], DATA[5]];
    let mut files: Vec<(String, Vec<u8>)> = names.map(str::to_owned).into_iter().zip(all).collect();
    files.extend(derived);
    Ok(Rebuilt { birth, files })
}
