//! `--precision`: replications until some numbers are known precisely.

use super::exit::Failure;
use super::points::what;
use super::terminal;
use authstorm::Study;
use authstorm::experiment::Keeper;
use authstorm::experiment::precision::{MOST_REPLICATIONS, Precision};
use authstorm::results::dir::Unfinished;
use authstorm::results::{DataFile, Provenance, ResultsDir, Written};
use serde_json::json;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Options.
#[derive(clap::Args)]
pub(super) struct PrecisionArgs {
    /// Replicate until the half width of a 95% interval is small enough, as in new.requests_total=5% of its mean, or =20 in its
    /// unit; of a condition, as in "new.false_sign_outs == 0=5%", the share of runs that meet it. A percentage alone is that of
    /// the requests and of every harm. May be given several times. The rule looks at 30 replications, then each time they
    /// have grown by half; exit code 1 if the most replications do not reach it
    #[arg(long, value_name = "[NUMBER=]WIDTH", conflicts_with_all = ["replications", "estimate", "shard", "rows"])]
    precision: Vec<String>,
    /// Half width of a mean that is enough however small the mean is, in the unit of the metric [default: 0.1, of a metric
    /// that is a share 0.01]
    #[arg(long, value_name = "WIDTH", requires = "precision", allow_negative_numbers = true)]
    precision_floor: Option<f64>,
    /// The most replications that --precision runs
    #[arg(long, value_name = "N", requires = "precision", default_value_t = MOST_REPLICATIONS)]
    max_replications: u32,
}

impl PrecisionArgs {
    /// The precision that is asked for.
    pub(super) fn read(&self) -> Result<Option<Precision>, Failure> {
        let failed = |option: &'static str| move |bad| Failure::usage(format!("error: {option}: {bad}"));
        let Some((first, others)) = self.precision.split_first() else { return Ok(None) };
        let mut precision = Precision::parse(first).map_err(failed("--precision"))?;
        for other in others {
            precision = precision.and(other).map_err(failed("--precision"))?;
        }
        if let Some(floor) = self.precision_floor {
            precision = precision.floor(floor).map_err(failed("--precision-floor"))?;
        }
        precision.at_most(self.max_replications).map_err(failed("--max-replications")).map(Some)
    }
}

/// Keeps runs in the journal of unfinished work.
pub(super) struct Journal(Mutex<Unfinished>);

impl Journal {
    /// Begins replications whose results are to be at a place that is free, or continues them with `resume`.
    pub(super) fn begin(
        out: &Path,
        study: &Study,
        (precision, all_sessions, command): (&Precision, bool, &str),
        resume: bool,
    ) -> Result<Journal, Failure> {
        study.check_precision(precision)?;
        let own = json!({ "precision": precision.asked(), "all_sessions": all_sessions });
        Ok(Journal(Mutex::new(Unfinished::begin(out, &what("run", study, own, command), resume)?)))
    }

    fn work(&self) -> MutexGuard<'_, Unfinished> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that finished runs stay.
    pub(super) fn tell(&self) {
        let work = self.work();
        terminal::complain(&format!(
            "{} runs are finished and stay in {}; the same command with --resume continues",
            work.count(),
            terminal::shown(work.path())
        ));
    }

    /// Puts results into place and removes the runs.
    pub(super) fn fill(self, provenance: &Provenance, files: &[DataFile]) -> Result<Written, Failure> {
        Ok(self.0.into_inner().unwrap_or_else(PoisonError::into_inner).fill(provenance, files)?)
    }
}

impl Keeper for Journal {
    fn kept(&self, number: u64) -> io::Result<Option<String>> {
        let work = self.work();
        work.has(number).then(|| work.row(number)).transpose()
    }

    fn keep(&self, number: u64, run: &str) -> io::Result<()> {
        self.work().add(number, run)
    }
}

/// The provenance of what will be written to a place. Results of the same question there tell the number of replications, which
/// the same version and scenario will come to again.
pub(super) fn expected(out: &Path, study: &Study, precision: &Precision) -> Result<Provenance, Failure> {
    let mut study = study.clone();
    let there = ResultsDir::open(out).and_then(|dir| dir.provenance()).ok();
    let same = there.filter(|there| there.precision.as_ref() == Some(&precision.asked()));
    study.replications(same.map_or(precision.most(), |there| there.replications))?;
    let mut provenance = study.provenance();
    provenance.precision = Some(precision.asked());
    Ok(provenance)
}
