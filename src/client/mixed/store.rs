//! The pages and the server's side of several families: each call goes to those of the user's or the task's family.

/// Makes the traits of the store and of the accounts. The lines are those of the family.
macro_rules! stores {
    ($($field:ident: $family:ident = $client:ty;)*) => {
        /// Calls a store of its family with the task's number in it.
        macro_rules! of_task {
            ($self_:ident, $task:ident, $as_ref:ident, |$store:ident| $call:expr) => {
                match Numbering::family_of($task, COUNT) {
                    $(n if n == Family::$family as u8 => {
                        let $task = numbers::$family.inner($task);
                        let $store = $self_.$field.$as_ref().expect("a task belongs to a family with users");
                        $call
                    })*
                    _ => unreachable!("a task has one of {COUNT} families"),
                }
            };
        }

        /// Calls a store or an account of the user's family.
        macro_rules! of_user {
            ($self_:ident, $user:expr, $as_ref:ident, |$of:ident| $call:expr) => {
                match $self_.belongs[$user as usize] {
                    $(n if n == Family::$family as u8 => {
                        let $of = $self_.$field.$as_ref().expect("a user belongs to a family with users");
                        $call
                    })*
                    _ => unreachable!("a user has one of {COUNT} families"),
                }
            };
        }

        impl family::Store for Pages {
            type Reply = Reply;

            #[inline]
            fn warm(&self, tab: u32) -> u32 {
                of_user!(self, self.tabs.user_of(tab), as_ref, |store| store.warm(tab))
            }

            #[inline]
            fn open(&self, tab: u32) -> bool {
                of_user!(self, self.tabs.user_of(tab), as_ref, |store| store.open(tab))
            }

            #[inline]
            fn session(&self, tab: u32) -> bool {
                of_user!(self, self.tabs.user_of(tab), as_ref, |store| store.session(tab))
            }

            #[inline]
            fn visit(&self, tab: u32) -> u32 {
                of_user!(self, self.tabs.user_of(tab), as_ref, |store| store.visit(tab))
            }

            #[inline]
            fn offline(&self, user: u32) -> bool {
                of_user!(self, user, as_ref, |store| store.offline(user))
            }

            fn set_offline(&mut self, user: u32, offline: bool) {
                of_user!(self, user, as_mut, |store| store.set_offline(user, offline));
            }

            fn seed(&mut self, bits: &dyn Fn(u32) -> u64) {
                $(if let Some(store) = &mut self.$field {
                    store.seed(bits);
                })*
            }

            fn set_clock(&mut self, user: u32, ahead_ns: i64) {
                of_user!(self, user, as_mut, |store| store.set_clock(user, ahead_ns));
            }

            #[inline]
            fn tab(&self, task: TaskId) -> u32 {
                of_task!(self, task, as_ref, |store| store.tab(task))
            }

            #[inline]
            fn generation(&self, task: TaskId) -> u32 {
                of_task!(self, task, as_ref, |store| store.generation(task))
            }

            fn draws(&self, task: TaskId) -> (u8, u8) {
                of_task!(self, task, as_ref, |store| store.draws(task))
            }

            #[inline]
            fn sends(&mut self, task: TaskId, endpoint: Endpoint) -> u8 {
                of_task!(self, task, as_mut, |store| store.sends(task, endpoint))
            }

            fn word(&self, task: TaskId) -> u32 {
                of_task!(self, task, as_ref, |store| store.word(task))
            }

            fn set_reply(&mut self, task: TaskId, reply: Reply) {
                match (Numbering::family_of(task, COUNT), reply) {
                    $(
                        (n, Reply::$family(reply)) if n == Family::$family as u8 => {
                            let store = self.$field.as_mut().expect("a task belongs to a family with users");
                            store.set_reply(numbers::$family.inner(task), reply);
                        }
                        (n, Reply::Failed(failure)) if n == Family::$family as u8 => {
                            let store = self.$field.as_mut().expect("a task belongs to a family with users");
                            store.set_reply(numbers::$family.inner(task), failure.into());
                        }
                    )*
                    _ => unreachable!("a task gets an answer of its own family"),
                }
            }

            fn set_shed(&mut self, task: TaskId) {
                of_task!(self, task, as_mut, |store| store.set_shed(task));
            }

            fn call(&self, task: TaskId) -> Call {
                of_task!(self, task, as_ref, |store| store.call(task))
            }

            fn end_call(&mut self, task: TaskId) {
                of_task!(self, task, as_mut, |store| store.end_call(task));
            }

            fn requesting(&self) -> Vec<TaskId> {
                let mut all = Vec::new();
                $(if let Some(store) = &self.$field {
                    all.extend(store.requesting().into_iter().map(|task| numbers::$family.outer(task)));
                })*
                all.sort_unstable();
                all
            }

            fn forget_tasks(&mut self) {
                $(if let Some(store) = &mut self.$field {
                    store.forget_tasks();
                })*
            }

            fn final_tabs(&self) -> Vec<FinalTab> {
                $(let $field = (
                    mixed::range_of(&self.belongs, Family::$family as u8).start,
                    self.$field.as_ref().map(family::Store::final_tabs).unwrap_or_default(),
                );)*
                let mut all = Vec::new();
                for user in self.belongs.range() {
                    let (first, of_family) = match self.belongs[user as usize] {
                        $(n if n == Family::$family as u8 => &$field,)*
                        _ => unreachable!("a user has one of {COUNT} families"),
                    };
                    let tabs = self.tabs.per_user() as usize;
                    let begin = (user - first) as usize * tabs;
                    all.extend_from_slice(&of_family[begin..begin + tabs]);
                }
                all
            }
        }

        impl family::Look for Pages {
            fn doing(&self, task: TaskId) -> Activity {
                of_task!(self, task, as_ref, |store| store.doing(task))
            }

            fn failure(&self, task: TaskId) -> Option<Failure> {
                of_task!(self, task, as_ref, |store| store.failure(task))
            }

            fn message(&self, message: Message) -> &'static MessageRow {
                let mut found = None;
                $(if let Some(store) = &self.$field
                    && message.kind >= numbers::$family.messages
                    && usize::from(message.kind - numbers::$family.messages) < <$client as Client>::MESSAGES.len()
                {
                    found = Some(store.message(numbers::$family.inner_message(message)));
                })*
                found.expect("a message is of a family with users")
            }

            fn broken_law(&self, user: u32) -> Option<String> {
                of_user!(self, user, as_ref, |store| store.broken_law(user))
            }
        }

        impl family::Account for Accounts {
            type Reply = Reply;

            fn answer(&mut self, user: u32, policy: usize, endpoint: Endpoint, word: u32, now: Time) -> Reply {
                let arm = self.arms[policy];
                match self.belongs[user as usize] {
                    $(n if n == Family::$family as u8 => {
                        let account = self.$field.as_mut().expect("a user belongs to a family with users");
                        Reply::$family(account.answer(user, arm, endpoint, word, now))
                    })*
                    _ => unreachable!("a user has one of {COUNT} families"),
                }
            }

            fn revoke(&mut self, user: u32) {
                of_user!(self, user, as_mut, |account| account.revoke(user));
            }

            fn ended(&self, user: u32) -> SessionEnd {
                of_user!(self, user, as_ref, |account| account.ended(user))
            }

            fn begin(&mut self, user: u32) {
                of_user!(self, user, as_mut, |account| account.begin(user));
            }
        }
    };
}
pub(in crate::client) use stores;
