//! Storage of tabs between two inputs. Most of a million tabs are idle at any time: their session objects share one
//! token, and nothing is under way. An idle tab takes 48 bytes. The rest of a busy one is kept in a second table.

use super::tab::{Rest, Tab};
use super::task::NONE;
use crate::kernel::Block;
use std::ops::Range;

/// All tabs of a range of numbers.
#[derive(Clone, Debug)]
pub(super) struct TabStore {
    tabs: Block<Tab>,
    rests: Vec<Rest>,
    /// The first free place of `rests`, or [`NONE`]. [`Rest::set_active`] of a free place is the next free place.
    free: u32,
    /// The rest of the idle tab that is borrowed.
    borrowed: Rest,
}

impl TabStore {
    /// Bytes of an idle tab.
    pub(super) const IDLE_BYTES: usize = size_of::<Tab>();
    /// Additional bytes of a tab with work under way.
    pub(super) const BUSY_BYTES: usize = size_of::<Rest>();

    /// Tabs that have never been opened.
    pub(super) fn new(range: Range<u32>) -> TabStore {
        let tabs = Block::new(range, Tab::default());
        TabStore { tabs, rests: Vec::new(), free: NONE, borrowed: Rest::default() }
    }

    /// A tab, without its rest.
    #[inline]
    pub(super) fn tab(&self, tab: u32) -> &Tab {
        &self.tabs[tab as usize]
    }

    /// The numbers of the tabs.
    pub(super) fn range(&self) -> Range<u32> {
        self.tabs.range()
    }

    /// Reads a word of each cache line that a tab may span.
    #[inline]
    pub(crate) fn warm(&self, tab: u32) -> u32 {
        let tab = self.tab(tab);
        tab.touch_after.0 as u32 ^ tab.place
    }

    /// Lends a tab and its rest. The borrower gives them back to [`TabStore::give_back`], with this place of the rest.
    #[inline]
    pub(super) fn borrow(&mut self, tab: u32) -> (u32, &mut Tab, &mut Rest) {
        let tab = &mut self.tabs[tab as usize];
        let place = tab.place;
        let rest = match self.rests.get_mut(place as usize) {
            Some(rest) => rest,
            None => {
                self.borrowed = tab.rest_when_idle();
                &mut self.borrowed
            }
        };
        (place, tab, rest)
    }

    /// Takes a tab back, whose rest was at this place.
    #[inline]
    pub(super) fn give_back(&mut self, tab: u32, place: u32) {
        let tab = &mut self.tabs[tab as usize];
        let idle = tab.absorbs(self.rests.get(place as usize).unwrap_or(&self.borrowed));
        tab.place = match (idle, place) {
            (true, NONE) => NONE,
            (true, place) => {
                self.rests[place as usize].set_active = self.free;
                self.free = place;
                NONE
            }
            (false, NONE) if self.free == NONE => {
                self.rests.push(self.borrowed);
                (self.rests.len() - 1) as u32
            }
            (false, NONE) => {
                let place = self.free;
                let next = std::mem::replace(&mut self.rests[place as usize], self.borrowed);
                self.free = next.set_active;
                place
            }
            (false, place) => place,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::fact::Status;
    use crate::kernel::Time;
    use crate::protocol::Token;
    use proptest::prelude::*;

    fn token() -> impl Strategy<Value = Option<Token>> {
        prop_oneof![Just(None), (1u64..4).prop_map(|at| Some(Token::issued(Time(at))))]
    }

    prop_compose! {
        fn tab()(
            tokens in [token(), token(), token(), token()],
            objects in prop_oneof![Just([3; 4]), any::<[u32; 4]>(), [0u32..3, 0u32..3, 0u32..3, 0u32..3]],
            words in any::<(u64, u32, u32, u32, u32, u16)>(),
            open_flows in prop_oneof![Just(0u32), any::<u32>()],
            app_calls in prop_oneof![Just(0u32), any::<u32>()],
            set_active in prop_oneof![Just(NONE), any::<u32>()],
            refreshes in prop_oneof![Just(NONE), Just(3), any::<u32>()],
            ages in prop_oneof![Just([6; 2]), any::<[u64; 2]>()],
            bare_objects in prop_oneof![Just(0u64), any::<u64>()],
            flags in any::<[bool; 7]>(),
            status in prop_oneof![Just(Status::Loading), Just(Status::Ready), Just(Status::Degraded), Just(Status::Error)],
        ) -> (Tab, Rest) {
            let [last_token, newest_token, shown_token, entry_token] = tokens;
            let [object, newest_object, shown_object, acted_object] = objects;
            let (touch_after, entry_from_s, entry_task, poll, visit, epoch) = words;
            let [object_age, shown_age] = ages;
            let mut tab = Tab::default();
            (tab.touch_after, tab.last_token, tab.entry_from_s, tab.entry_task) = (Time(touch_after), last_token, entry_from_s, entry_task);
            (tab.poll, tab.newest_object, tab.shown_object) = (poll, newest_object, shown_object);
            (tab.visit, tab.epoch) = (visit, epoch);
            let rest = Rest {
                entry_token, newest_token, shown_token, bare_objects, object_age, shown_age, object, acted_object,
                refreshes, open_flows, set_active, app_calls,
            };
            set(&mut tab, flags, status);
            (tab, rest)
        }
    }

    fn set(
        tab: &mut Tab,
        [open, client, session, listed, throttled, refreshing, shown]: [bool; 7],
        status: Status,
    ) {
        tab.set_open(open);
        tab.set_client(client);
        tab.set_session(session);
        tab.set_listed(listed);
        tab.set_throttled(throttled);
        tab.set_refreshing(refreshing);
        tab.set_shown(shown);
        tab.set_status(status);
    }

    fn read(tab: &Tab) -> ([bool; 7], Status) {
        let flags = [
            tab.open(),
            tab.client(),
            tab.session(),
            tab.listed(),
            tab.throttled(),
            tab.refreshing(),
            tab.shown(),
        ];
        (flags, tab.status())
    }

    /// What a borrower gets, without the store's notes.
    fn borrowed(tabs: &mut TabStore, n: u32) -> (Tab, Rest) {
        let (place, tab, rest) = tabs.borrow(n);
        let (mut tab, rest) = (*tab, *rest);
        tabs.give_back(n, place);
        tab.forget_notes();
        (tab, rest)
    }

    fn put(tabs: &mut TabStore, n: u32, (new, new_rest): (Tab, Rest)) {
        let (place, tab, rest) = tabs.borrow(n);
        (*tab, *rest) = (new, new_rest);
        tabs.give_back(n, place);
    }

    proptest! {
        /// Each place returns the last tab that was stored in it.
        #[test]
        fn a_stored_tab_is_read_back_unchanged(puts in proptest::collection::vec((0u32..4, tab()), 1..60)) {
            let mut tabs = TabStore::new(10..14);
            let mut model = vec![(Tab::default(), Rest::default()); 4];
            for (n, whole) in puts {
                put(&mut tabs, 10 + n, whole);
                model[n as usize] = whole;
                for (n, whole) in (10..).zip(&model) {
                    prop_assert_eq!(&borrowed(&mut tabs, n), whole);
                }
            }
            let kept = tabs.tabs.iter().filter(|tab| tab.place != NONE).count();
            prop_assert!(tabs.rests.len() <= 4 && kept <= tabs.rests.len(), "places are used again");
        }

        /// A flag and the status are read back, and change no other flag.
        #[test]
        fn flags_are_read_back(whole in tab(), flags in any::<[bool; 7]>()) {
            let (mut tab, _) = whole;
            for status in [Status::Error, Status::Loading, Status::Degraded, Status::Ready] {
                set(&mut tab, flags, status);
                prop_assert_eq!(read(&tab), (flags, status));
            }
        }
    }

    #[test]
    fn an_idle_tab_has_no_rest() {
        let token = Some(Token::issued(Time(7)));
        let mut tab = Tab::default();
        tab.last_token = token;
        tab.set_open(true);
        let mut rest = tab.rest_when_idle();
        let mut tabs = TabStore::new(0..2);
        for (entry_token, task, from_s) in [(None, NONE, 0), (None, 3, 0), (token, 5, 1)] {
            (tab.entry_task, tab.entry_from_s, rest.entry_token) = (task, from_s, entry_token);
            put(&mut tabs, 0, (tab, rest));
            assert_eq!((borrowed(&mut tabs, 0), tabs.rests.len()), ((tab, rest), 0));
        }
        rest.open_flows = 1;
        put(&mut tabs, 0, (tab, rest));
        assert_eq!(tabs.rests.len(), 1);
        rest.open_flows = 0;
        put(&mut tabs, 0, (tab, rest));
        rest.newest_token = None;
        put(&mut tabs, 1, (tab, rest));
        assert_eq!((borrowed(&mut tabs, 1), tabs.rests.len()), ((tab, rest), 1), "the place is used again");
    }
}
