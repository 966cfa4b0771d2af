//! Virtual time, and what waits for it: acts at a time, messages that take none, and jobs that await promises.
//!
//! The order of one instant is the engine's: acts come in the order in which they were scheduled, and what passes between
//! the tabs of a browser (messages, locks) comes before any other act of its instant. After each act all jobs go on that
//! it woke, first woken first, until none can.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

/// Something that happens at a time.
type Act = Box<dyn FnOnce()>;

/// Jobs that can go on, first woken first.
type Ready = Arc<Mutex<VecDeque<u64>>>;

/// Says of a page whether it is gone; its jobs end with it.
pub(super) type Gone = Rc<Cell<bool>>;

/// What awaits something, of a page or of nobody.
struct Job {
    of: Option<Gone>,
    work: Pin<Box<dyn Future<Output = ()>>>,
}

/// The clock of one simulation.
pub(super) struct Clock {
    now: Cell<u64>,
    horizon: u64,
    scheduled: Cell<u64>,
    events: RefCell<BTreeMap<(u64, u64), Act>>,
    at_once: RefCell<VecDeque<Act>>,
    jobs: RefCell<BTreeMap<u64, Job>>,
    ready: Ready,
}

/// Wakes one job.
struct Bell {
    job: u64,
    ready: Ready,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ready.lock().expect("one thread").push_back(self.job);
    }
}

impl Clock {
    pub(super) fn new(horizon: u64) -> Clock {
        Clock {
            now: Cell::new(0),
            horizon,
            scheduled: Cell::new(0),
            events: RefCell::default(),
            at_once: RefCell::default(),
            jobs: RefCell::default(),
            ready: Ready::default(),
        }
    }

    /// Nanoseconds since the start of the run.
    pub(super) fn now(&self) -> u64 {
        self.now.get()
    }

    /// What is due after the horizon does not happen.
    pub(super) fn at(&self, time: u64, act: impl FnOnce() + 'static) {
        if time <= self.horizon {
            self.scheduled.set(self.scheduled.get() + 1);
            self.events.borrow_mut().insert((time, self.scheduled.get()), Box::new(act));
        }
    }

    /// After so long.
    pub(super) fn after(&self, delay: u64, act: impl FnOnce() + 'static) {
        self.at(self.now().saturating_add(delay), act);
    }

    /// Before anything else of this instant that has not begun.
    pub(super) fn at_once(&self, act: impl FnOnce() + 'static) {
        self.at_once.borrow_mut().push_back(Box::new(act));
    }

    pub(super) fn sleep(&self, delay: u64) -> Promise<()> {
        let promise = Promise::new();
        let due = promise.clone();
        self.after(delay, move || {
            due.resolve(());
        });
        promise
    }

    /// Lets all jobs go on first until each waits.
    pub(super) fn all_else(&self) -> Promise<()> {
        let promise = Promise::new();
        let due = promise.clone();
        self.at_once(move || {
            due.resolve(());
        });
        promise
    }

    /// Lets every job go on first that can.
    pub(super) fn turn(&self) -> Turn {
        Turn(false)
    }

    /// Begins a job; it goes on at once as far as it can.
    pub(super) fn spawn(&self, of: Option<&Gone>, work: impl Future<Output = ()> + 'static) {
        self.scheduled.set(self.scheduled.get() + 1);
        self.go_on(self.scheduled.get(), Job { of: of.cloned(), work: Box::pin(work) });
    }

    fn go_on(&self, id: u64, mut job: Job) {
        if job.of.as_ref().is_some_and(|gone| gone.get()) {
            return;
        }
        let waker = Waker::from(Arc::new(Bell { job: id, ready: Arc::clone(&self.ready) }));
        if job.work.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            self.jobs.borrow_mut().insert(id, job);
        }
    }

    /// Continues jobs until each waits, or until so many acts have happened. Adds each continuation to `done`.
    fn go_on_with_all(&self, done: &mut u64, most: u64) {
        while *done < most {
            let next = self.ready.lock().expect("one thread").pop_front();
            let Some(id) = next else { break };
            *done += 1;
            let job = self.jobs.borrow_mut().remove(&id);
            if let Some(job) = job {
                self.go_on(id, job);
            }
        }
    }

    /// Runs to the horizon, or until so many acts and continuations of jobs have happened: then `false`. Nothing is left of
    /// what waits.
    pub(super) fn run(&self, most: u64) -> bool {
        let mut done = 0;
        self.go_on_with_all(&mut done, most);
        while done < most {
            let message = self.at_once.borrow_mut().pop_front();
            let act = match message {
                Some(act) => act,
                None => {
                    let next = self.events.borrow_mut().pop_first();
                    let Some(((time, _), act)) = next else { break };
                    self.now.set(time);
                    act
                }
            };
            act();
            done += 1;
            self.go_on_with_all(&mut done, most);
        }
        // What waits holds the world, and the world holds the clock.
        drop(self.events.take());
        drop(self.jobs.take());
        drop(self.at_once.take());
        self.now.set(self.horizon);
        done < most
    }
}

/// See [`Clock::turn`].
pub(super) struct Turn(bool);

impl Future for Turn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Something that will be known: everybody who awaits it gets a copy.
pub(super) struct Promise<T>(Rc<RefCell<State<T>>>);

struct State<T> {
    value: Option<T>,
    waiting: Vec<Waker>,
}

impl<T> Clone for Promise<T> {
    fn clone(&self) -> Promise<T> {
        Promise(Rc::clone(&self.0))
    }
}

impl<T: Clone> Promise<T> {
    pub(super) fn new() -> Promise<T> {
        Promise(Rc::new(RefCell::new(State { value: None, waiting: Vec::new() })))
    }

    pub(super) fn known(value: T) -> Promise<T> {
        let promise = Promise::new();
        promise.resolve(value);
        promise
    }

    /// The first value counts; whether it is this one.
    pub(super) fn resolve(&self, value: T) -> bool {
        let mut state = self.0.borrow_mut();
        if state.value.is_some() {
            return false;
        }
        state.value = Some(value);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        true
    }

    pub(super) fn is_known(&self) -> bool {
        self.0.borrow().value.is_some()
    }
}

impl<T: Clone> Future for Promise<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut state = self.0.borrow_mut();
        match &state.value {
            Some(value) => Poll::Ready(value.clone()),
            None => {
                state.waiting.push(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
