//! The state of one tab.

use super::task::NONE;
use crate::client::fact::Status;
use crate::client::step::TaskId;
use crate::kernel::Time;
use crate::protocol::Token;

/// The entry of the token cache. A tab has one session token; templates and organisations are not modelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Nothing cached.
    Empty,
    /// A fetch is under way; callers share it.
    Pending(TaskId),
    /// A token, and the second from which its age counts.
    Cached {
        /// The token.
        token: Token,
        /// When its age begins, in seconds.
        from_s: u32,
        /// The armed background refresh of this entry, or [`NONE`].
        refresh: TaskId,
    },
}

/// A cache entry packed into 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PackedEntry {
    pub(super) token: Option<Token>,
    pub(super) from_s: u32,
    pub(super) task: TaskId,
}

/// One tab. Between two inputs the tab is stored packed in the [`TabStore`](super::tabs::TabStore).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tab {
    /// Touches on focus are suppressed until this time.
    pub touch_after: Time,
    pub(super) entry: PackedEntry,
    /// The number of the session object that refreshes the cache entry (`onRefresh`), or [`NONE`]. Used by releases that
    /// take late tokens.
    pub(super) refreshes: u32,
    /// Last active token of the current session object.
    pub last_token: Option<Token>,
    /// Last active token of the newest session object.
    pub newest_token: Option<Token>,
    /// Last active token of the session object that listeners know.
    pub shown_token: Option<Token>,
    /// The poller's chain of ticks, or [`NONE`].
    pub poll: TaskId,
    /// Calls of the unauthenticated flow that have not settled.
    pub open_flows: u32,
    /// The number of the current session object.
    pub object: u32,
    /// The number of the newest session object, which belongs to the client resource. A `setActive` that ends late
    /// makes an older object current again. Each page load counts from 0, and each new object takes an answer.
    pub newest_object: u32,
    /// A bit per session object, by number, for the last 64: set if the object has no last active token.
    pub bare_objects: u64,
    /// The number of the session object that listeners know.
    pub shown_object: u32,
    /// How new the current session object is: see [`Tab::age_of`]. Used where the server moves `updated_at`.
    pub(super) object_age: u64,
    /// How new the session object is that listeners know.
    pub(super) shown_age: u64,
    /// The number of the session object that app code reacted to last; 0 for none.
    pub acted_object: u32,
    /// Number of the page load, from 1 to [`LAST_EPOCH`](super::task::LAST_EPOCH) and from 1 again; 0 before the first.
    pub epoch: u16,
    /// The client's status.
    pub status: Status,
    /// Whether the page is open.
    pub open: bool,
    /// Whether the client resource has loaded.
    pub client: bool,
    /// Whether a session is active.
    pub session: bool,
    /// Whether the client resource lists the session.
    pub listed: bool,
    /// Whether touches on focus are throttled, by the environment in force. Before it has loaded that is the client's
    /// default, the environment of a multi-session app.
    pub throttled: bool,
    /// Whether a background refresh is in flight.
    pub refreshing: bool,
    /// Whether listeners know a session object.
    pub shown: bool,
    /// The newest `setActive` that waits for its token, or [`NONE`]. [`Task::next`](super::task::Task::next) links to the
    /// older ones.
    pub set_active: TaskId,
    /// Calls by app code that have not ended.
    pub app_calls: u32,
    /// Number of times the tab was opened.
    pub visit: u32,
}

impl Default for Tab {
    fn default() -> Tab {
        Tab {
            touch_after: Time::ZERO,
            entry: PackedEntry { token: None, from_s: 0, task: NONE },
            refreshes: NONE,
            last_token: None,
            newest_token: None,
            shown_token: None,
            poll: NONE,
            open_flows: 0,
            object: 0,
            newest_object: 0,
            bare_objects: 0,
            shown_object: 0,
            object_age: 0,
            shown_age: 0,
            acted_object: 0,
            epoch: 0,
            status: Status::Loading,
            open: false,
            client: false,
            session: false,
            listed: false,
            throttled: false,
            refreshing: false,
            shown: false,
            set_active: NONE,
            app_calls: 0,
            visit: 0,
        }
    }
}

impl Tab {
    /// How new a session object is by its `updated_at`, from its number: each answer makes a new object with a later
    /// `updated_at`. A touch whose answer lacks the client moves the touched object's to between two numbers.
    pub(super) const fn age_of(object: u32) -> u64 {
        2 * object as u64
    }

    /// The token cache.
    #[inline]
    pub(super) fn entry(&self) -> Entry {
        match self.entry {
            PackedEntry { token: Some(token), from_s, task } => {
                Entry::Cached { token, from_s, refresh: task }
            }
            PackedEntry { token: None, task: NONE, .. } => Entry::Empty,
            PackedEntry { token: None, task, .. } => Entry::Pending(task),
        }
    }

    /// Sets the token cache.
    #[inline]
    pub(super) fn set_entry(&mut self, entry: Entry) {
        self.entry = match entry {
            Entry::Empty => PackedEntry { token: None, from_s: 0, task: NONE },
            Entry::Pending(task) => PackedEntry { token: None, from_s: 0, task },
            Entry::Cached { token, from_s, refresh } => {
                PackedEntry { token: Some(token), from_s, task: refresh }
            }
        };
    }
}
