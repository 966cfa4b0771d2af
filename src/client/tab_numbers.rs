//! How tabs are numbered.

use std::ops::Range;

/// The numbers of tabs: user `u` has those from `u` times the most tabs of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TabNumbers {
    per_user: u32,
}

impl TabNumbers {
    /// The numbers of tabs when each user has at most this many.
    ///
    /// # Panics
    /// Without tabs.
    pub fn new(per_user: u32) -> TabNumbers {
        assert!(per_user > 0, "a user has a tab");
        TabNumbers { per_user }
    }

    /// The most tabs of a user.
    #[inline]
    pub fn per_user(self) -> u32 {
        self.per_user
    }

    /// The user of a tab.
    #[inline]
    pub fn user_of(self, tab: u32) -> u32 {
        // Most scenarios have one tab per user, and a division takes longer than this test.
        if self.per_user == 1 { tab } else { tab / self.per_user }
    }

    /// The number of a tab within the tabs of this user, its own.
    #[inline]
    pub fn within(self, tab: u32, user: u32) -> u32 {
        tab - user * self.per_user
    }

    /// The tabs of a user.
    #[inline]
    pub fn of(self, user: u32) -> Range<u32> {
        self.of_users(user..user + 1)
    }

    /// The tabs of these users.
    #[inline]
    pub fn of_users(self, users: Range<u32>) -> Range<u32> {
        users.start * self.per_user..users.end * self.per_user
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tab_is_among_the_tabs_of_its_user() {
        for per_user in [1, 2, 3, 16] {
            let tabs = TabNumbers::new(per_user);
            let mut next = 0;
            for user in 0..5 {
                for (n, tab) in tabs.of(user).enumerate() {
                    assert_eq!((tab, tabs.user_of(tab), tabs.within(tab, user)), (next, user, n as u32));
                    next += 1;
                }
            }
            assert_eq!(tabs.of_users(1..4), per_user..4 * per_user);
        }
    }
}
