//! Users: when they open, focus, reload, close and leave; what the script and the faults do to them.

use super::answer::Answer;
use super::cohorts::Cohort;
use super::draws::Waits;
use super::endpoints::SIGN_IN;
use super::page::{Ask, Page};
use super::world::World;
use crate::fleet::Tabs;
use crate::kernel::Dist;
use crate::kernel::random::{Purpose, chance};
use crate::scenario::users::most_opened;
use crate::scenario::{Act, ActionSpec, Scenario, Users};
use std::rc::Rc;

/// Tabs of one user at most, those included that actions open.
pub(super) fn most_tabs(scenario: &Scenario, cohorts: &[Cohort]) -> u64 {
    let most = cohorts.iter().map(|cohort| cohort.fleet.tabs.most()).max().unwrap_or(1);
    u64::from(most + most_opened(&scenario.actions))
}

/// What a tab does again and again in one visit.
#[derive(Clone, Copy, PartialEq)]
enum Habit {
    Focus,
    Blur,
    GetToken,
    SetActive,
    Reload,
    Close,
}

/// Plans what comes from outside. What is due at the horizon or later does not happen.
pub(super) fn begin(world: &Rc<World>) {
    let scenario = &world.scenario;
    for (place, action) in scenario.actions.iter().enumerate().filter(|(_, of)| of.at < scenario.horizon) {
        let (again, action) = (Rc::clone(world), action.clone());
        // In the recordings an act comes after the timers of its instant.
        world.clock.at(action.at.0, move || {
            let acts = Rc::clone(&again);
            again.clock.after(0, move || acts.act(place, &action));
        });
    }
    for (index, fault) in scenario.faults.iter().enumerate().filter(|(_, fault)| fault.strikes_sessions()) {
        for (number, begin) in world.begins(fault).enumerate() {
            let revokes = Rc::clone(world);
            let share = fault.kind.share();
            world.clock.at(begin, move || {
                for user in &revokes.users {
                    let draws = revokes.draws_of(user.number, number as u64);
                    if chance(revokes.draws.fault(index, draws), share) {
                        user.revoked.set(true);
                    }
                }
            });
        }
    }
    world.plans_restarts();
    for user in 0..world.users.len() as u64 {
        let fleet = world.fleet(user);
        let mut at = world.draws.time(&fleet.opens, Purpose::Arrival, world.draws_of(user, 0));
        for within in 0..tabs_of(world, user) {
            if within > 0 {
                let draws = world.draws_of(user, within);
                at += world.draws.time(&fleet.further_tab_opens, Purpose::Arrival, draws);
            }
            let opens = Rc::clone(world);
            world.clock.at(at, move || opens.visit_begins(user, within as usize));
        }
        if let Some(offline) = &fleet.offline {
            let first = world.draws.time(&offline.every, Purpose::Offline, world.draws_of(user, 0));
            let goes = Rc::clone(world);
            world.clock.at(first, move || goes.goes_offline(user, 0));
        }
    }
}

/// Tabs that a user opens without being told to.
fn tabs_of(world: &World, user: u64) -> u64 {
    match &world.fleet(user).tabs {
        Tabs::Fixed(tabs) => u64::from(*tabs),
        Tabs::Shares(shares) => {
            // By the number of tabs: the order in the scenario changes nothing.
            let mut shares = shares.clone();
            shares.sort_by_key(|share| share.tabs);
            let bits = world.draws.of(Purpose::Tabs, world.draws_of(user, 0));
            let mut up_to = 0.0;
            let mine = shares.iter().find(|share| {
                up_to += share.share;
                chance(bits, up_to)
            });
            u64::from(mine.or(shares.last()).expect("at least one share").tabs)
        }
    }
}

impl World {
    fn page(&self, user: u64, within: usize) -> Option<Rc<Page>> {
        self.users[user as usize].tabs.borrow()[within].clone()
    }

    fn goes_offline(self: &Rc<World>, user: u64, round: u64) {
        self.users[user as usize].offline.set(true);
        let Some(offline) = &self.fleet(user).offline else { return };
        let lasts = self.draws.time(&offline.lasts, Purpose::Offline, self.draws_of(user, 2 * round + 1));
        let world = Rc::clone(self);
        self.clock.after(lasts, move || {
            world.users[user as usize].offline.set(false);
            let Some(offline) = &world.fleet(user).offline else { return };
            let next =
                world.draws.time(&offline.every, Purpose::Offline, world.draws_of(user, 2 * round + 2));
            let goes = Rc::clone(&world);
            world.clock.after(next, move || goes.goes_offline(user, round + 1));
        });
    }

    /// A page opens in a closed tab; with it begin the tab's habits.
    fn visit_begins(self: &Rc<World>, user: u64, within: usize) {
        if self.page(user, within).is_some() {
            return;
        }
        self.users[user as usize].visits.borrow_mut()[within] += 1;
        self.opens_page(user, within);
        for habit in [Habit::Focus, Habit::GetToken, Habit::SetActive, Habit::Reload, Habit::Close] {
            self.plans(habit, user, within, 0);
        }
    }

    fn visit(&self, user: u64, within: usize) -> u64 {
        self.users[user as usize].visits.borrow()[within]
    }

    /// Plans round number `round` of a habit. It ends with the visit.
    fn plans(self: &Rc<World>, habit: Habit, user: u64, within: usize, round: u64) {
        let fleet = self.fleet(user);
        let visit = self.visit(user, within);
        let in_rounds = visit << 32 | round;
        let (every, purpose, key): (Option<&Dist>, _, _) = match habit {
            Habit::Focus => (fleet.focus_every.as_ref(), Purpose::Focus, in_rounds),
            Habit::Blur => (fleet.focus_lasts.as_ref(), Purpose::FocusLasts, in_rounds),
            Habit::GetToken => (fleet.app_get_token.as_ref().map(|app| &app.every), Purpose::App, in_rounds),
            Habit::SetActive => {
                (fleet.set_active.as_ref().map(|app| &app.every), Purpose::SetActive, in_rounds)
            }
            Habit::Reload => (fleet.reload_every.as_ref(), Purpose::Reload, in_rounds),
            Habit::Close => (fleet.stays.as_ref(), Purpose::Visit, 2 * visit),
        };
        if habit == Habit::Focus {
            self.plans(Habit::Blur, user, within, round);
        }
        let Some(every) = every else { return };
        let tab = self.tab_draws(user * self.tabs_per_user + within as u64);
        let delay = self.draws.time(every, purpose, (tab, key));
        if habit == Habit::Blur
            && let Some(every) = &fleet.focus_every
            && self.draws.time(every, Purpose::Focus, (tab, key)) <= delay
        {
            // The tab's next focus comes first.
            return;
        }
        let world = Rc::clone(self);
        self.clock.after(delay, move || {
            if world.page(user, within).is_some() && world.visit(user, within) == visit {
                if !matches!(habit, Habit::Close | Habit::Blur) {
                    world.plans(habit, user, within, round + 1);
                }
                world.does(habit, user, within);
            }
        });
    }

    fn does(self: &Rc<World>, habit: Habit, user: u64, within: usize) {
        let fleet = self.fleet(user);
        let Some(page) = self.page(user, within) else { return };
        match habit {
            Habit::Focus => page.gains_focus(),
            Habit::Blur => page.loses_focus(),
            Habit::Reload => self.opens_page(user, within),
            Habit::GetToken => {
                if let Some(app) = &fleet.app_get_token {
                    app_gets_tokens(&page, app.callers, app.skip_cache);
                }
            }
            Habit::SetActive => {
                app_sets_active(&page, fleet.set_active.as_ref().is_some_and(|app| app.navigate));
            }
            Habit::Close => {
                self.closes_page(user, within);
                if let Some(away) = &fleet.away {
                    let draws = (self.tab_draws(page.tab), 2 * self.visit(user, within) + 1);
                    let after = self.draws.time(away, Purpose::Visit, draws);
                    let world = Rc::clone(self);
                    self.clock.after(after, move || world.visit_begins(user, within));
                }
            }
        }
    }

    /// An action that names a cohort is of its users, numbered from its first.
    fn act(self: &Rc<World>, place: usize, action: &ActionSpec) {
        let whom = action.whom();
        let named = |name: &String| self.cohorts.iter().find(|cohort| cohort.name == *name);
        let cohort = action.cohort.as_ref().and_then(named);
        let users = cohort.map_or(0..self.users.len() as u64, Cohort::users);
        for user in users.clone() {
            let meant = match whom {
                Users::All => true,
                Users::Range(first, last) => {
                    (u64::from(first)..=u64::from(last)).contains(&(user - users.start))
                }
                Users::Share(share) => chance(self.draws.of(Purpose::Action, self.draws_of(user, 0)), share),
            };
            match &action.spread {
                _ if !meant => {}
                None => self.acts(user, action),
                Some(spread) => {
                    let draws = self.draws_of(user, (1 << 32) + place as u64);
                    let after = self.draws.time(spread, Purpose::Action, draws);
                    let (again, action) = (Rc::clone(self), action.clone());
                    self.clock.after(after, move || {
                        let acts = Rc::clone(&again);
                        again.clock.after(0, move || acts.acts(user, &action));
                    });
                }
            }
        }
    }

    /// An action on a page that is not open acts on nobody; a reload opens it.
    fn acts(self: &Rc<World>, user: u64, action: &ActionSpec) {
        let within = usize::from(action.tab);
        let page = self.page(user, within);
        let one = &self.users[user as usize];
        match action.act {
            Act::Focus => page.iter().for_each(Page::gains_focus),
            Act::Blur => page.iter().for_each(|page| page.loses_focus()),
            Act::SetActive if action.no_session => {
                page.iter().for_each(|page| page.app_sets_none_active(action.navigate));
            }
            Act::SetActive => page.iter().for_each(|page| app_sets_active(page, action.navigate)),
            Act::GetToken => {
                page.iter().for_each(|page| app_gets_tokens(page, action.callers, action.skip_cache));
            }
            Act::OpenTab => {
                let closed = one.tabs.borrow().iter().position(Option::is_none);
                if let Some(within) = closed {
                    self.visit_begins(user, within);
                }
            }
            Act::Reload => {
                if page.is_none() {
                    one.visits.borrow_mut()[within] += 1;
                }
                self.opens_page(user, within);
            }
            Act::Offline => one.offline.set(true),
            Act::Online => one.offline.set(false),
            Act::Revoke => one.revoked.set(true),
            Act::Sleep | Act::Wake => unreachable!("a sleep has no second definition and is not drawn"),
        }
    }

    /// A signed-out user may fill in the sign-in page.
    pub(super) fn plans_sign_in(self: &Rc<World>, page: &Page, again: bool) {
        let (user, tab) = (page.user, page.tab);
        let Some(spec) = &self.fleet(user).sign_in_again else { return };
        if !chance(self.draws.of(Purpose::SignIn, self.draws_of(user, u64::MAX)), spec.share) {
            return;
        }
        let after = self.draws.time(&spec.after, Purpose::SignIn, self.draws_of(user, self.now()));
        let world = Rc::clone(self);
        let within = (tab - user * self.tabs_per_user) as usize;
        self.clock.after(after, move || {
            if let Some(page) = world.page(user, within) {
                let signs = Rc::clone(&page);
                page.spawn(async move { signs.signs_in(again).await });
            }
        });
    }
}

fn app_gets_tokens(page: &Rc<Page>, callers: u8, skips_cache: bool) {
    let Some(session) = page.current() else { return };
    for ordinal in 0..callers {
        page.app_gets_token(Rc::clone(&session), skips_cache, 0, u64::from(ordinal));
    }
}

fn app_sets_active(page: &Rc<Page>, navigates: bool) {
    page.app_sets_active(page.current(), navigates, 0);
}

impl Page {
    async fn signs_in(self: &Rc<Page>, again: bool) {
        let ask = Ask { endpoint: SIGN_IN, depth: 0, ordinal: 0, first: !again, waits: Waits::GetToken };
        if self.session.borrow().is_some() {
            return;
        }
        let answer = self.fetch(ask).await;
        if !matches!(answer, Ok(Answer::Ok { .. })) {
            return self.world.plans_sign_in(self, true);
        }
        let user = self.user();
        user.revoked.set(false);
        user.newest.set(None);
        // The app is loaded in every tab that shows the sign-in page.
        for page in user.open_pages() {
            if page.session.borrow().is_none() {
                let (world, page) = (Rc::clone(&self.world), Rc::clone(&page));
                let within = (page.tab - page.user * world.tabs_per_user) as usize;
                let visit = world.visit(page.user, within);
                self.world.clock.after(0, move || {
                    if world.page(page.user, within).is_some() && world.visit(page.user, within) == visit {
                        world.opens_page(page.user, within);
                    }
                });
            }
        }
    }
}
