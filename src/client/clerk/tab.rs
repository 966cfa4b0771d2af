//! The state of one tab: what every tab has, and what an idle one does not.

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

/// One tab. What an idle tab does not need is its [`Rest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tab {
    /// Touches on focus are suppressed until this time.
    pub(super) touch_after: Time,
    /// Last active token of the current session object.
    pub(super) last_token: Option<Token>,
    /// When the age of the cached token begins, in seconds.
    pub(super) entry_from_s: u32,
    /// The fetch of a pending cache entry, or the refresh of a cached token.
    pub(super) entry_task: TaskId,
    /// The poller's chain of ticks, or [`NONE`].
    pub(super) poll: TaskId,
    /// The number of the newest session object, which belongs to the client resource. A `setActive` that ends late
    /// makes an older object current again. Each page load counts from 0, and each new object takes an answer.
    pub(super) newest_object: u32,
    /// The number of the session object that listeners know.
    pub(super) shown_object: u32,
    /// Number of times the tab was opened.
    pub(super) visit: u32,
    /// Number of the page load, from 1 to [`LAST_EPOCH`](super::task::LAST_EPOCH) and from 1 again; 0 before the first.
    pub(super) epoch: u16,
    /// Bits as in [`bit`]; the status is above them.
    flags: u16,
    /// The place of the rest in the [`TabStore`](super::tabs::TabStore), or [`NONE`] of an idle tab. Only the store uses it.
    pub(super) place: u32,
}

const _: () = assert!(size_of::<Tab>() <= 48);

/// Bits of [`Tab::flags`].
mod bit {
    pub(super) const OPEN: u16 = 1;
    pub(super) const CLIENT: u16 = 2;
    pub(super) const SESSION: u16 = 4;
    pub(super) const LISTED: u16 = 8;
    pub(super) const THROTTLED: u16 = 16;
    pub(super) const REFRESHING: u16 = 32;
    pub(super) const SHOWN: u16 = 64;
    /// Of an idle tab: the cached token is the current session object's.
    pub(super) const CACHED: u16 = 128;
    /// Of an idle tab: app code has reacted to the object that listeners know.
    pub(super) const ACTED: u16 = 256;
    /// Of an idle tab: the newest session object refreshes the cache entry.
    pub(super) const REFRESHES: u16 = 512;
    /// Number of bits.
    pub(super) const COUNT: u32 = 10;
    /// The bits of idle tabs.
    pub(super) const IDLE: u16 = CACHED | ACTED | REFRESHES;
}

/// All statuses by discriminant, as stored above the bits of [`Tab::flags`].
const STATUSES: [Status; 4] = [Status::Loading, Status::Ready, Status::Degraded, Status::Error];

/// State that follows from the [`Tab`] while the tab is idle. A tab that is not idle has a current session object that is
/// not the newest, one that app code has reacted to and listeners do not know, one that refreshes the cache entry and is
/// not the newest, ages of objects that do not follow from their numbers, separate tokens for the cache and for the newest
/// and the known object, flows that have not settled, a `setActive` that waits for its token, session objects without a
/// token, or calls by app code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rest {
    /// The cached token.
    pub(super) entry_token: Option<Token>,
    /// Last active token of the newest session object.
    pub(super) newest_token: Option<Token>,
    /// Last active token of the session object that listeners know.
    pub(super) shown_token: Option<Token>,
    /// A bit per session object, by number, for the last 64: set if the object has no last active token.
    pub(super) bare_objects: u64,
    /// How new the current session object is: see [`Tab::age_of`]. Used where the server moves `updated_at`.
    pub(super) object_age: u64,
    /// How new the session object is that listeners know.
    pub(super) shown_age: u64,
    /// The number of the current session object.
    pub(super) object: u32,
    /// The number of the session object that app code reacted to last; 0 for none.
    pub(super) acted_object: u32,
    /// The number of the session object that refreshes the cache entry (`onRefresh`), or [`NONE`]. Used by releases that
    /// take late tokens.
    pub(super) refreshes: u32,
    /// Calls of the unauthenticated flow that have not settled.
    pub(super) open_flows: u32,
    /// The newest `setActive` that waits for its token, or [`NONE`]. [`Task::next`](super::task::Task::next) links to the
    /// older ones.
    pub(super) set_active: TaskId,
    /// Calls by app code that have not ended.
    pub(super) app_calls: u32,
}

impl Default for Tab {
    fn default() -> Tab {
        Tab {
            touch_after: Time::ZERO,
            last_token: None,
            entry_from_s: 0,
            entry_task: NONE,
            poll: NONE,
            newest_object: 0,
            shown_object: 0,
            visit: 0,
            epoch: 0,
            flags: 0,
            place: NONE,
        }
    }
}

impl Default for Rest {
    fn default() -> Rest {
        Tab::default().rest_when_idle()
    }
}

/// Reads and writes the bit of a flag.
macro_rules! flags {
    ($($(#[$doc:meta])* $get:ident, $set:ident: $bit:ident;)*) => {
        $(
            $(#[$doc])*
            #[inline]
            pub(super) fn $get(&self) -> bool {
                self.flags & bit::$bit != 0
            }

            #[inline]
            pub(super) fn $set(&mut self, is: bool) {
                self.flags = self.flags & !bit::$bit | u16::from(is) * bit::$bit;
            }
        )*
    };
}

impl Tab {
    flags! {
        /// Whether the page is open.
        open, set_open: OPEN;
        /// Whether the client resource has loaded.
        client, set_client: CLIENT;
        /// Whether a session is active.
        session, set_session: SESSION;
        /// Whether the client resource lists the session.
        listed, set_listed: LISTED;
        /// Whether touches on focus are throttled, by the environment in force. Before it has loaded that is the client's
        /// default, the environment of a multi-session app.
        throttled, set_throttled: THROTTLED;
        /// Whether a background refresh is in flight.
        refreshing, set_refreshing: REFRESHING;
        /// Whether listeners know a session object.
        shown, set_shown: SHOWN;
    }

    /// The client's status.
    #[inline]
    pub(super) fn status(&self) -> Status {
        STATUSES[usize::from(self.flags >> bit::COUNT)]
    }

    #[inline]
    pub(super) fn set_status(&mut self, status: Status) {
        self.flags = self.flags & ((1 << bit::COUNT) - 1) | (status as u16) << bit::COUNT;
    }

    /// How new a session object is by its `updated_at`, from its number: each answer makes a new object with a later
    /// `updated_at`. A touch whose answer lacks the client moves the touched object's to between two numbers.
    pub(super) const fn age_of(object: u32) -> u64 {
        2 * object as u64
    }

    /// The rest of an idle tab.
    #[inline]
    pub(super) fn rest_when_idle(&self) -> Rest {
        let is = |bit: u16| self.flags & bit != 0;
        Rest {
            entry_token: self.last_token.filter(|_| is(bit::CACHED)),
            newest_token: self.last_token,
            shown_token: self.last_token,
            bare_objects: 0,
            object_age: Tab::age_of(self.newest_object),
            shown_age: Tab::age_of(self.shown_object),
            object: self.newest_object,
            acted_object: if is(bit::ACTED) { self.shown_object } else { 0 },
            refreshes: if is(bit::REFRESHES) { self.newest_object } else { NONE },
            open_flows: 0,
            set_active: NONE,
            app_calls: 0,
        }
    }

    /// Whether the tab is idle, so that its rest follows from it. Notes in the tab what the rest follows from.
    #[inline]
    pub(super) fn absorbs(&mut self, rest: &Rest) -> bool {
        // What makes most tabs busy comes first.
        if rest.app_calls != 0 || rest.open_flows != 0 || rest.set_active != NONE {
            return false;
        }
        let flag = |is: bool, bit: u16| u16::from(is) * bit;
        self.flags = self.flags & !bit::IDLE
            | flag(rest.entry_token.is_some() && rest.entry_token == self.last_token, bit::CACHED)
            | flag(rest.acted_object != 0, bit::ACTED)
            | flag(rest.refreshes == self.newest_object, bit::REFRESHES);
        self.rest_when_idle() == *rest
    }

    /// Removes what the store notes in a tab.
    #[cfg(test)]
    pub(super) fn forget_notes(&mut self) {
        self.flags &= !bit::IDLE;
        self.place = NONE;
    }
}
