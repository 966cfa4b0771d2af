//! The types of the family of several families, and what makes them.

/// Makes the family of several families. Each line names a registered family: its field, its variant and its type.
macro_rules! mixed {
    ($($field:ident: $family:ident = $client:ty;)*) => {
        /// Clients of several registered families beside each other, each as in a world of its own.
        pub mod mixed_family {
            use super::families::SEVERAL;
            use super::family::{self, Activity, Call, FinalTab, MessageRow, SessionEnd};
            use super::family::{Context, FlowWords, ModelRow, Unusable, Users, Who};
            use super::mixed::{self, Belongs, Numbering};
            use super::policy::Policy;
            use super::step::{Action, Input, Message, TaskId};
            use super::{Client, ENDPOINTS};
            use crate::backend::{BackendSpec, Endpoint};
            use crate::kernel::Time;
            use crate::protocol::{EndpointRow, Failure};

            /// The indices of the families.
            #[derive(Clone, Copy)]
            #[repr(u8)]
            enum Family { $($family),* }

            /// The indices of the families among the registered ones.
            pub(in crate::client) mod place {
                $(#[allow(non_upper_case_globals, reason = "a constant for each family, under its field's name")]
                pub(in crate::client) const $field: usize = super::Family::$family as usize;)*
            }

            const COUNT: u8 = [$(Family::$family as u8),*].len() as u8;

            const fn numbering(family: u8) -> Numbering {
                let kinds = [$(<$client as Client>::MESSAGES.len() as u16),*];
                let (mut messages, mut before) = (0, 0);
                while before < family {
                    messages += kinds[before as usize];
                    before += 1;
                }
                Numbering { family, count: COUNT, messages }
            }

            mod numbers {
                #![allow(non_upper_case_globals, reason = "a constant for each family, under its name")]
                use super::{Family, Numbering, numbering};
                $(pub(super) const $family: Numbering = numbering(Family::$family as u8);)*
            }

            /// The family of several families.
            #[derive(Clone, Debug)]
            pub struct Mixed;

            /// Data of an arm, of its family.
            #[derive(Clone, Debug, PartialEq)]
            pub enum Setup {
                $(#[doc = concat!("Of [`", stringify!($client), "`].")] $family(<$client as Client>::Setup),)*
            }

            /// Rules of an arm, of its family.
            #[derive(Clone, Debug, PartialEq)]
            pub enum Rules {
                $(#[doc = concat!("Of [`", stringify!($client), "`].")] $family(<$client as Client>::Rules),)*
            }

            /// An answer of the server.
            #[derive(Clone, Copy, Debug)]
            pub enum Reply {
                /// No family has answered.
                Failed(Failure),
                $(#[doc = concat!("An answer of the server of [`", stringify!($client), "`].")]
                $family(<$client as Client>::Reply),)*
            }

            impl From<Failure> for Reply {
                fn from(failure: Failure) -> Reply {
                    Reply::Failed(failure)
                }
            }

            impl family::Reply for Reply {
                fn failure(&self) -> Option<Failure> {
                    match self {
                        Reply::Failed(failure) => Some(*failure),
                        $(Reply::$family(reply) => reply.failure(),)*
                    }
                }
            }

            /// The pages of users of several families. A family without users has no store.
            #[derive(Clone, Debug)]
            pub struct Pages {
                tabs: $crate::client::TabNumbers,
                belongs: Belongs,
                $($field: Option<<$client as Client>::Store>,)*
            }

            /// The server's side of several families.
            #[derive(Clone, Debug)]
            pub struct Accounts {
                belongs: Belongs,
                /// The place of each arm among those of its family.
                arms: Box<[usize]>,
                $($field: Option<<$client as Client>::Account>,)*
            }

            impl Client for Mixed {
                const MODELS: &'static [ModelRow] = &[];
                const ENDPOINTS: &'static [EndpointRow] = &ENDPOINTS;
                const MESSAGES: &'static [MessageRow] = &[];
                const FLOW: FlowWords = SEVERAL;
                const REFRESH_TOKENS: bool = false $(|| <$client as Client>::REFRESH_TOKENS)*;
                const UNUSABLE: &'static [Unusable] = &[];
                // Two bytes say the family. Where users of a cohort belong to several families, each has an idle place in the
                // stores of the others too.
                const IDLE_BYTES: usize = {
                    let all = [$(<$client as Client>::IDLE_BYTES),*];
                    let (mut most, mut place) = (0, 0);
                    while place < all.len() {
                        if all[place] > most {
                            most = all[place];
                        }
                        place += 1;
                    }
                    most + 2
                };

                type Setup = Setup;
                type Rules = Rules;
                type Reply = Reply;
                type Store = Pages;
                type Account = Accounts;

                /// `model` counts through the models of all families.
                fn setup(model: usize, context: &Context<'_>) -> Setup {
                    let mut first = 0;
                    $(
                        let end = first + <$client as Client>::MODELS.len();
                        if model < end {
                            return Setup::$family(<$client as Client>::setup(model - first, context));
                        }
                        first = end;
                    )*
                    unreachable!("{model} is one of {first} models")
                }

                fn rules(setup: &Setup, policy: &Policy, codes: &[String]) -> Rules {
                    match setup {
                        $(Setup::$family(setup) => {
                            Rules::$family(<$client as Client>::rules(setup, policy, codes))
                        })*
                    }
                }

                fn store(setups: &[Setup], rules: &[Rules], users: &Users<'_>) -> Pages {
                    let belongs = mixed::belongs(users, |arm| match rules[arm] {
                        $(Rules::$family(_) => Family::$family as u8,)*
                    });
                    $(let $field = {
                        let range = mixed::range_of(&belongs, Family::$family as u8);
                        let of_family = setups.iter().zip(rules).filter_map(|pair| match pair {
                            (Setup::$family(setup), Rules::$family(rules)) => Some((setup.clone(), rules.clone())),
                            _ => None,
                        });
                        let (setups, rules): (Vec<_>, Vec<_>) = of_family.unzip();
                        let users = Users { range, ..*users };
                        (!users.range.is_empty()).then(|| <$client as Client>::store(&setups, &rules, &users))
                    };)*
                    Pages { tabs: users.tabs, belongs, $($field),* }
                }

                fn account(rules: &[Rules], backend: &BackendSpec, users: &Users<'_>) -> Accounts {
                    let belongs = mixed::belongs(users, |arm| match rules[arm] {
                        $(Rules::$family(_) => Family::$family as u8,)*
                    });
                    let mut arms = vec![0; rules.len()].into_boxed_slice();
                    $(let $field = {
                        let mut of_family = Vec::new();
                        for (arm, rules) in rules.iter().enumerate() {
                            if let Rules::$family(rules) = rules {
                                arms[arm] = of_family.len();
                                of_family.push(rules.clone());
                            }
                        }
                        let range = mixed::range_of(&belongs, Family::$family as u8);
                        let users = Users { range, ..*users };
                        (!users.range.is_empty()).then(|| <$client as Client>::account(&of_family, backend, &users))
                    };)*
                    Accounts { belongs, arms, $($field),* }
                }

                fn step(pages: &mut Pages, who: Who<'_, Mixed>, input: Input, now: Time, out: &mut Vec<Action>) {
                    let Who { tab, user, setup, rules } = who;
                    let first = out.len();
                    match (setup, rules) {
                        $((Setup::$family(setup), Rules::$family(rules)) => {
                            let who = Who { tab, user, setup, rules };
                            let store = pages.$field.as_mut().expect("a user belongs to a family with users");
                            <$client as Client>::step(store, who, numbers::$family.input(input), now, out);
                            numbers::$family.actions(&mut out[first..]);
                        })*
                        _ => unreachable!("the setup and the rules of an arm are of one family"),
                    }
                }

                fn names_sign_out(pages: &Pages, setup: &Setup, rules: &Rules, task: TaskId) -> bool {
                    match (setup, rules) {
                        $((Setup::$family(setup), Rules::$family(rules)) => {
                            let store = pages.$field.as_ref().expect("a task belongs to a family with users");
                            <$client as Client>::names_sign_out(store, setup, rules, numbers::$family.inner(task))
                        })*
                        _ => unreachable!("the setup and the rules of an arm are of one family"),
                    }
                }

                fn most_rounds(setup: &Setup) -> Option<u32> {
                    match setup {
                        $(Setup::$family(setup) => <$client as Client>::most_rounds(setup),)*
                    }
                }

                fn bytes_per_user(setup: &Setup, tabs: u64, event: u64, round_trip_s: f64) -> u64 {
                    let idle = 0 $(+ <$client as Client>::IDLE_BYTES as u64)*;
                    let (own, own_idle) = match setup {
                        $(Setup::$family(setup) => (
                            <$client as Client>::bytes_per_user(setup, tabs, event, round_trip_s),
                            <$client as Client>::IDLE_BYTES as u64,
                        ),)*
                    };
                    own + tabs * (idle - own_idle) + 2
                }
            }

            mixed::stores! { $($field: $family = $client;)* }
        }
    };
}
pub(in crate::client) use mixed;
