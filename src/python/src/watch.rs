//! Long work without the interpreter's lock: it can be interrupted, and tells how far it is.

use crate::errors;
use authstorm::{Control, Error};
use pyo3::prelude::*;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Time between two looks at signals and progress.
const TICK: Duration = Duration::from_millis(50);

/// Does some work on so many threads (0: one per core) while this thread looks at signals, and calls `progress` with how far the
/// work is. An exception of either stops the work.
pub(crate) fn watched<T: Send>(
    py: Python<'_>,
    threads: usize,
    control: &Control,
    (done, progress): (impl Fn() -> u64, Option<&Bound<'_, PyAny>>),
    work: impl FnOnce() -> Result<T, Error> + Send,
) -> PyResult<T> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|error| errors::bad_request(py, error))?;
    let (sender, receiver) = channel();
    let mut raised: Option<PyErr> = None;
    let ended = std::thread::scope(|scope| {
        scope.spawn(move || sender.send(pool.install(work)));
        let mut receiver = receiver;
        loop {
            let next;
            (receiver, next) = py.detach(move || {
                let next = receiver.recv_timeout(TICK);
                (receiver, next)
            });
            match next {
                Ok(ended) => return Some(ended),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) if raised.is_none() => {
                    let told = py.check_signals().and_then(|()| match progress {
                        Some(progress) => progress.call1((done(),)).map(|_| ()),
                        None => Ok(()),
                    });
                    if let Err(error) = told {
                        control.stop();
                        raised = Some(error);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    });
    if let Some(error) = raised {
        return Err(error);
    }
    let ended = ended.ok_or_else(|| errors::bad_request(py, "a bug in authstorm: the work has panicked"))?;
    if let Some(progress) = progress {
        progress.call1((done(),))?;
    }
    ended.map_err(|error| errors::of(py, &error))
}
