//! Storage of tabs between two inputs. Most of a million tabs are idle at any time: their session objects share one
//! token, and nothing is under way. An idle tab takes 48 bytes. Other state is kept in a second table while it exists.

use super::tab::{PackedEntry, Tab};
use super::task::NONE;
use crate::client::fact::Status;
use crate::client::step::TaskId;
use crate::kernel::{Block, Time};
use crate::protocol::Token;
use std::ops::Range;

/// A packed tab.
#[derive(Clone, Copy, Debug)]
struct Packed {
    touch_after: Time,
    last_token: Option<Token>,
    entry_from_s: u32,
    entry_task: TaskId,
    poll: TaskId,
    /// The index of the tab's [`Rest`], or [`NONE`].
    rest: u32,
    newest_object: u32,
    shown_object: u32,
    visit: u32,
    epoch: u16,
    /// Bits as in [`bit`]; the status is above them.
    flags: u16,
}

const _: () = assert!(size_of::<Packed>() <= 48);

/// Bits of [`Packed::flags`].
mod bit {
    pub(super) const OPEN: u16 = 1;
    pub(super) const CLIENT: u16 = 2;
    pub(super) const SESSION: u16 = 4;
    pub(super) const LISTED: u16 = 8;
    pub(super) const THROTTLED: u16 = 16;
    pub(super) const REFRESHING: u16 = 32;
    pub(super) const SHOWN: u16 = 64;
    /// The cached token is the current session object's.
    pub(super) const CACHED: u16 = 128;
    /// App code has reacted to the object that listeners know.
    pub(super) const ACTED: u16 = 256;
    /// The newest session object refreshes the cache entry.
    pub(super) const REFRESHES: u16 = 512;
    /// Number of bits.
    pub(super) const COUNT: u32 = 10;
}

/// All statuses by discriminant, as stored above the bits of [`Packed::flags`].
const STATUSES: [Status; 4] = [Status::Loading, Status::Ready, Status::Degraded, Status::Error];

/// State that an idle tab does not have: a current session object that is not the newest, one that app code has reacted
/// to and listeners do not know, one that refreshes the cache entry and is not the newest, ages of objects that do not
/// follow from their numbers, separate tokens for the cache and for the newest and the known object, flows that have
/// not settled, a `setActive` that waits for its token, session objects without a token, calls by app code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rest {
    entry_token: Option<Token>,
    newest_token: Option<Token>,
    shown_token: Option<Token>,
    bare_objects: u64,
    object: u32,
    acted_object: u32,
    refreshes: u32,
    object_age: u64,
    shown_age: u64,
    open_flows: u32,
    /// [`Tab::set_active`]. In a free place, the next free place.
    set_active: u32,
    app_calls: u32,
}

/// All tabs of a range of numbers.
#[derive(Clone, Debug)]
pub(super) struct TabStore {
    tabs: Block<Packed>,
    rests: Vec<Rest>,
    free: u32,
}

impl TabStore {
    /// Bytes of an idle tab.
    pub(super) const IDLE_BYTES: usize = size_of::<Packed>();
    /// Additional bytes of a tab with work under way.
    pub(super) const BUSY_BYTES: usize = size_of::<Rest>();

    /// Tabs that have never been opened.
    pub(super) fn new(range: Range<u32>) -> TabStore {
        let (packed, _) = pack(&Tab::default());
        TabStore { tabs: Block::new(range, packed), rests: Vec::new(), free: NONE }
    }

    /// Whether the page is open.
    #[inline]
    pub(super) fn open(&self, tab: u32) -> bool {
        self.tabs[tab as usize].flags & bit::OPEN != 0
    }

    /// Whether a session is active.
    #[inline]
    pub(super) fn session(&self, tab: u32) -> bool {
        self.tabs[tab as usize].flags & bit::SESSION != 0
    }

    /// Number of times the tab was opened.
    #[inline]
    pub(super) fn visit(&self, tab: u32) -> u32 {
        self.tabs[tab as usize].visit
    }

    /// Number of the page load: see [`Tab::epoch`].
    #[inline]
    pub(super) fn epoch(&self, tab: u32) -> u16 {
        self.tabs[tab as usize].epoch
    }

    /// The numbers of the tabs.
    pub(super) fn range(&self) -> Range<u32> {
        self.tabs.range()
    }

    /// Reads a word of each cache line that a tab may span.
    #[inline]
    pub(crate) fn warm(&self, tab: u32) -> u32 {
        let packed = &self.tabs[tab as usize];
        packed.touch_after.0 as u32 ^ u32::from(packed.flags)
    }

    /// Unpacks a tab.
    #[inline]
    pub(super) fn get(&self, tab: u32) -> Tab {
        let packed = &self.tabs[tab as usize];
        let rest = if packed.rest == NONE { rest_of_idle(packed) } else { self.rests[packed.rest as usize] };
        let is = |bit: u16| packed.flags & bit != 0;
        Tab {
            touch_after: packed.touch_after,
            entry: PackedEntry {
                token: rest.entry_token,
                from_s: packed.entry_from_s,
                task: packed.entry_task,
            },
            refreshes: rest.refreshes,
            last_token: packed.last_token,
            newest_token: rest.newest_token,
            shown_token: rest.shown_token,
            poll: packed.poll,
            open_flows: rest.open_flows,
            object: rest.object,
            newest_object: packed.newest_object,
            bare_objects: rest.bare_objects,
            shown_object: packed.shown_object,
            object_age: rest.object_age,
            shown_age: rest.shown_age,
            acted_object: rest.acted_object,
            epoch: packed.epoch,
            status: STATUSES[usize::from(packed.flags >> bit::COUNT)],
            open: is(bit::OPEN),
            client: is(bit::CLIENT),
            session: is(bit::SESSION),
            listed: is(bit::LISTED),
            throttled: is(bit::THROTTLED),
            refreshing: is(bit::REFRESHING),
            shown: is(bit::SHOWN),
            set_active: rest.set_active,
            app_calls: rest.app_calls,
            visit: packed.visit,
        }
    }

    /// Packs a tab.
    #[inline]
    pub(super) fn put(&mut self, tab: u32, whole: &Tab) {
        let (mut packed, rest) = pack(whole);
        let old = self.tabs[tab as usize].rest;
        if rest == rest_of_idle(&packed) {
            if old != NONE {
                self.rests[old as usize].set_active = self.free;
                self.free = old;
            }
        } else {
            packed.rest = if old == NONE { self.place() } else { old };
            match self.rests.get_mut(packed.rest as usize) {
                Some(place) => *place = rest,
                None => self.rests.push(rest),
            }
        }
        self.tabs[tab as usize] = packed;
    }

    /// Index of a free place, or one past the last.
    fn place(&mut self) -> u32 {
        if self.free == NONE {
            return self.rests.len() as u32;
        }
        let place = self.free;
        self.free = self.rests[place as usize].set_active;
        place
    }
}

/// The rest of a tab that has none stored.
#[inline]
fn rest_of_idle(packed: &Packed) -> Rest {
    Rest {
        entry_token: packed.last_token.filter(|_| packed.flags & bit::CACHED != 0),
        newest_token: packed.last_token,
        shown_token: packed.last_token,
        bare_objects: 0,
        object: packed.newest_object,
        acted_object: if packed.flags & bit::ACTED != 0 { packed.shown_object } else { 0 },
        refreshes: if packed.flags & bit::REFRESHES != 0 { packed.newest_object } else { NONE },
        object_age: Tab::age_of(packed.newest_object),
        shown_age: Tab::age_of(packed.shown_object),
        open_flows: 0,
        set_active: NONE,
        app_calls: 0,
    }
}

#[inline]
fn pack(whole: &Tab) -> (Packed, Rest) {
    let PackedEntry { token: entry_token, from_s: entry_from_s, task: entry_task } = whole.entry;
    let cached = entry_token.is_some() && entry_token == whole.last_token;
    let flag = |is: bool, bit: u16| if is { bit } else { 0 };
    let packed = Packed {
        touch_after: whole.touch_after,
        last_token: whole.last_token,
        entry_from_s,
        entry_task,
        poll: whole.poll,
        rest: NONE,
        newest_object: whole.newest_object,
        shown_object: whole.shown_object,
        visit: whole.visit,
        epoch: whole.epoch,
        flags: (whole.status as u16) << bit::COUNT
            | flag(whole.open, bit::OPEN)
            | flag(whole.client, bit::CLIENT)
            | flag(whole.session, bit::SESSION)
            | flag(whole.listed, bit::LISTED)
            | flag(whole.throttled, bit::THROTTLED)
            | flag(whole.refreshing, bit::REFRESHING)
            | flag(whole.shown, bit::SHOWN)
            | flag(whole.acted_object != 0, bit::ACTED)
            | flag(whole.refreshes == whole.newest_object, bit::REFRESHES)
            | flag(cached, bit::CACHED),
    };
    let rest = Rest {
        entry_token,
        newest_token: whole.newest_token,
        shown_token: whole.shown_token,
        bare_objects: whole.bare_objects,
        object: whole.object,
        acted_object: whole.acted_object,
        refreshes: whole.refreshes,
        object_age: whole.object_age,
        shown_age: whole.shown_age,
        open_flows: whole.open_flows,
        set_active: whole.set_active,
        app_calls: whole.app_calls,
    };
    (packed, rest)
}

#[cfg(test)]
mod tests {
    use super::super::tab::Entry;
    use super::*;
    use proptest::prelude::*;

    fn token() -> impl Strategy<Value = Option<Token>> {
        prop_oneof![Just(None), (1u64..4).prop_map(|at| Some(Token::issued(Time(at))))]
    }

    prop_compose! {
        fn tab()(
            tokens in [token(), token(), token()],
            entry in prop_oneof![
                Just(Entry::Empty),
                (0u32..3).prop_map(Entry::Pending),
                (1u64..4, 0u32..9, any::<u32>()).prop_map(|(at, from_s, refresh)| Entry::Cached {
                    token: Token::issued(Time(at)),
                    from_s,
                    refresh,
                }),
            ],
            touch_after in any::<u64>(),
            objects in prop_oneof![Just([3; 4]), any::<[u32; 4]>(), [0u32..3, 0u32..3, 0u32..3, 0u32..3]],
            words in any::<(u32, u32, u16)>(),
            flows in prop_oneof![Just(0u32), any::<u32>()],
            app_calls in prop_oneof![Just(0u32), any::<u32>()],
            set_active in prop_oneof![Just(NONE), any::<u32>()],
            refreshes in prop_oneof![Just(NONE), Just(3), any::<u32>()],
            ages in prop_oneof![Just([6; 2]), any::<[u64; 2]>()],
            bare_objects in prop_oneof![Just(0u64), any::<u64>()],
            flags in any::<[bool; 7]>(),
            status in prop_oneof![Just(Status::Loading), Just(Status::Ready), Just(Status::Degraded), Just(Status::Error)],
        ) -> Tab {
            let [last_token, newest_token, shown_token] = tokens;
            let [object, newest_object, shown_object, acted_object] = objects;
            let (poll, visit, epoch) = words;
            let [open, client, session, listed, throttled, refreshing, shown] = flags;
            let mut tab = Tab {
                touch_after: Time(touch_after), last_token, newest_token, shown_token, poll, open_flows: flows, object,
                newest_object, bare_objects, shown_object, acted_object, epoch, status, open, client, session, listed,
                throttled, refreshing, shown, set_active, app_calls, visit, refreshes, object_age: ages[0],
                shown_age: ages[1], ..Tab::default()
            };
            tab.set_entry(entry);
            tab
        }
    }

    proptest! {
        /// Each place returns the last tab that was stored in it.
        #[test]
        fn a_stored_tab_is_read_back_unchanged(puts in proptest::collection::vec((0u32..4, tab()), 1..60)) {
            let mut tabs = TabStore::new(10..14);
            let mut model = vec![Tab::default(); 4];
            for (n, whole) in puts {
                tabs.put(10 + n, &whole);
                model[n as usize] = whole;
                for (n, whole) in (10..).zip(&model) {
                    prop_assert_eq!(&tabs.get(n), whole);
                    prop_assert_eq!(
                        (tabs.open(n), tabs.session(n), tabs.visit(n), tabs.epoch(n)),
                        (whole.open, whole.session, whole.visit, whole.epoch)
                    );
                }
            }
            let kept = tabs.tabs.iter().filter(|packed| packed.rest != NONE).count();
            prop_assert!(tabs.rests.len() <= 4 && kept <= tabs.rests.len(), "places are used again");
        }
    }

    #[test]
    fn an_idle_tab_has_no_rest() {
        let token = Some(Token::issued(Time(7)));
        let mut tab =
            Tab { last_token: token, newest_token: token, shown_token: token, open: true, ..Tab::default() };
        let mut tabs = TabStore::new(0..2);
        for entry in [
            Entry::Empty,
            Entry::Pending(3),
            Entry::Cached { token: Token::issued(Time(7)), from_s: 1, refresh: 5 },
        ] {
            tab.set_entry(entry);
            tabs.put(0, &tab);
            assert_eq!((tabs.get(0), tabs.rests.len()), (tab, 0));
        }
        tab.open_flows = 1;
        tabs.put(0, &tab);
        assert_eq!(tabs.rests.len(), 1);
        tab.open_flows = 0;
        tabs.put(0, &tab);
        tab.newest_token = None;
        tabs.put(1, &tab);
        assert_eq!((tabs.get(1), tabs.rests.len()), (tab, 1), "the place is used again");
    }
}
