//! The registration of mechanisms: from one line each, what a scenario says, what they remember, and every dispatch.

/// Makes [`Resilience`](super::Resilience) and [`State`](super::State) of the mechanisms: key of a scenario, and type.
macro_rules! mechanisms {
    ($($(#[doc = $doc:literal])+ $key:ident: $kind:ident,)+) => {
        /// Budgets, throttles and breakers with the exact rules of the libraries that name them. Several may stand together:
        /// a call or a retry needs the consent of each.
        #[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        #[schemars(title = "resilience")]
        pub struct Resilience {
            /// Whose calls share the state of these mechanisms, and of `retry-budget`, `circuit-breaker` and
            /// `windowed-retry` beside them.
            #[serde(default)]
            pub per: Per,
            $(
                $(#[doc = $doc])+
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $key: Option<$kind>,
            )+
        }

        /// What the mechanisms of one session or process remember.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct State {
            /// From which its random numbers are made.
            seed: u64,
            /// Random numbers made so far.
            drawn: u64,
            $($key: <$kind as Mechanism>::State,)+
        }

        impl State {
            /// The state of a session or process that has made no call. `seed` is a random number of its own.
            pub fn new(seed: u64) -> State {
                State { seed, ..State::default() }
            }
        }

        impl Resilience {
            /// Whether a scenario's table changes nothing, as if it were not there.
            pub(crate) fn says_nothing(given: &Option<Resilience>) -> bool {
                given.as_ref().is_none_or(|given| *given == Resilience::default())
            }

            /// The keys of the mechanisms that stand here, as scenarios write them.
            pub fn keys(&self) -> Vec<String> {
                let given = [$((stringify!($key), self.$key.is_some())),+];
                given.iter().filter(|(_, given)| *given).map(|(key, _)| key.replace('_', "-")).collect()
            }

            /// Bytes that the mechanisms of a session remember, at most.
            pub fn bytes(&self) -> u64 {
                let lists = [$(self.$key.as_ref().map_or(0, Mechanism::list_bytes)),+];
                size_of::<State>() as u64 + lists.iter().sum::<u64>()
            }

            /// Records a first try.
            pub fn first_try(&self, state: &mut State, now: Time) {
                $(if let Some(it) = &self.$key {
                    it.first_try(&mut state.$key, now);
                })+
            }

            /// Whether a try may be sent.
            pub fn lets_through(&self, state: &mut State, now: Time) -> bool {
                let State { seed, drawn, .. } = state;
                let mut draw = || {
                    *drawn += 1;
                    crate::kernel::random::nth_word(*seed, *drawn)
                };
                $(if let Some(it) = &self.$key
                    && !it.lets_through(&mut state.$key, now, &mut draw)
                {
                    return false;
                })+
                true
            }

            /// Records that a try is sent.
            pub fn sent(&self, state: &mut State) {
                $(if let Some(it) = &self.$key {
                    it.sent(&mut state.$key);
                })+
            }

            /// Records the end of a try that was sent.
            pub fn ended(&self, state: &mut State, ended: &Ended, now: Time) {
                $(if let Some(it) = &self.$key {
                    it.ended(&mut state.$key, ended, now);
                })+
            }

            /// Records that a try that was sent ends without anybody who looks at its answer.
            pub fn abandoned(&self, state: &mut State) {
                $(if let Some(it) = &self.$key {
                    it.abandoned(&mut state.$key);
                })+
            }

            /// Whether each mechanism allows a retry.
            pub fn affords(&self, state: &mut State, cause: Cause, now: Time) -> bool {
                $(self.$key.as_ref().is_none_or(|it| it.affords(&mut state.$key, cause, now)))&&+
            }

            /// Charges a retry that each mechanism allows.
            pub fn pays(&self, state: &mut State, cause: Cause) {
                $(if let Some(it) = &self.$key {
                    it.pays(&mut state.$key, cause);
                })+
            }

            /// Records that a retry is over, with its wait and its try.
            pub fn retry_over(&self, state: &mut State) {
                $(if let Some(it) = &self.$key {
                    it.retry_over(&mut state.$key);
                })+
            }
        }
    };
}
pub(super) use mechanisms;
