//! Visible and hidden tabs. To a token client the focus of a tab is its visibility.

use super::Token;
use super::store::Pages;
use crate::client::app::DocumentFocus;
use crate::client::family::Who;
use crate::client::token;
use crate::kernel::Time;

impl Pages {
    /// Tells the client objects of a tab that the tab is visible, or hidden.
    pub(super) fn shows(&mut self, who: &Who<'_, Token>, tab: u32, visible: bool, now: Time) {
        let mut next = self.first_object(tab);
        while let Some(object) = next {
            let input = if visible { token::Input::Visible } else { token::Input::Hidden };
            self.feed(who, object, input, now);
            next = self.object_after(object);
        }
    }

    /// The tab is the visible one of its browser, where at most one is.
    pub(super) fn hides_others(&mut self, who: &Who<'_, Token>, now: Time) {
        if who.setup.focus == DocumentFocus::One {
            let others = self.numbers.of(who.user).filter(|tab| *tab != who.tab);
            others.for_each(|tab| self.shows(who, tab, false, now));
        }
    }

    /// Whether the page that opens in a tab is visible. A reload changes nothing.
    pub(super) fn opens_visible(&self, who: &Who<'_, Token>) -> bool {
        match self.first_object(who.tab) {
            Some(object) => self.store.agents.at(object.slot).traits.is_visible(),
            None => who.setup.focus != DocumentFocus::None,
        }
    }
}
