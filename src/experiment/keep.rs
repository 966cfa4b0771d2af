//! Keeps the runs of a study that have ended, so that a study that was interrupted continues.

use super::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;

/// Keeps the runs of a study that have ended. Only the version and the study that kept a run may read it.
pub trait Keeper: Sync {
    /// The run of this number, if it is kept. Numbers follow from replication and policy.
    ///
    /// # Errors
    /// If it cannot be read.
    fn kept(&self, number: u64) -> io::Result<Option<String>>;

    /// Keeps a run, which is a line of text. Runs end in any order.
    ///
    /// # Errors
    /// If it cannot be written.
    fn keep(&self, number: u64, run: &str) -> io::Result<()>;
}

/// The run of this number: the kept one, or that of `run`, which is then kept. `keeper` is `None` where nothing is kept.
///
/// # Errors
/// If `run` fails, or the keeper does.
pub(super) fn kept_or<R: Serialize + DeserializeOwned, E: Into<Error>>(
    keeper: Option<&dyn Keeper>,
    number: u64,
    run: impl FnOnce() -> Result<R, E>,
) -> Result<R, Error> {
    let Some(keeper) = keeper else { return run().map_err(Into::into) };
    let read = |text: String| serde_json::from_str::<R>(&text).map_err(io::Error::from);
    if let Some(kept) =
        keeper.kept(number).and_then(|kept| kept.map(read).transpose()).map_err(Error::Kept)?
    {
        return Ok(kept);
    }
    let ended = run().map_err(Into::into)?;
    let text = serde_json::to_string(&ended).expect("numbers, texts and lists are JSON");
    keeper.keep(number, &text).map_err(Error::Kept)?;
    Ok(ended)
}
