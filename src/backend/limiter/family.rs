//! The family of limiters: from one line a kind, what a scenario says of all of them, their states, and every dispatch.

/// Makes [`LimitKind`](super::LimitKind) and the state of a limiter of the kinds: file, state, and the word that a scenario
/// writes.
macro_rules! limiters {
    ($($file:ident::$kind:ident = $word:literal,)+) => {
        $(pub mod $file;)+

        /// How a limit counts, with what only that kind needs.
        #[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
        #[serde(tag = "kind")]
        pub enum LimitKind {
            $(
                #[doc = concat!("`", $word, "`: see [`mod@", stringify!($file), "`].")]
                #[serde(rename = $word)]
                $kind($file::Spec),
            )+
        }

        /// A limiter of any kind.
        #[derive(Clone, Debug)]
        enum State {
            $($kind($file::$kind),)+
        }

        impl LimitKind {
            /// The kind's name in scenarios.
            pub const fn name(&self) -> &'static str {
                match self {
                    $(LimitKind::$kind(_) => $word,)+
                }
            }

            /// The kind's numbers in words: `of 5/10s, burst 5`.
            pub fn in_words(&self) -> String {
                match self {
                    $(LimitKind::$kind(spec) => $file::$kind::in_words(spec),)+
                }
            }

            /// The rate at which one key's requests pass in the long run if there are more than enough of them; `None` for
            /// a kind that bounds no rate.
            pub fn rate(&self) -> Option<Rate> {
                match self {
                    $(LimitKind::$kind(spec) => $file::$kind::rate(spec),)+
                }
            }

            /// What the limit promises a key: the limit that would refuse a call of a key that asks more. `None` for a kind
            /// that promises no number of calls in a time.
            pub fn promise(&self) -> Option<LimitKind> {
                match self {
                    $(LimitKind::$kind(spec) => $file::$kind::promise(spec),)+
                }
            }

            /// A value that the kind cannot compute with exactly.
            pub fn inexact(&self) -> Option<Inexact> {
                match self {
                    $(LimitKind::$kind(spec) => $file::$kind::inexact(spec),)+
                }
            }

            /// Memory of one key, in bytes.
            fn key_bytes(&self) -> u64 {
                match self {
                    $(LimitKind::$kind(spec) => $file::$kind::key_bytes(spec),)+
                }
            }

            /// The limit for this share of its callers.
            #[must_use]
            pub fn scaled(&self, share: f64) -> LimitKind {
                match self {
                    $(LimitKind::$kind(spec) => $file::$kind::scaled(spec, share),)+
                }
            }

            /// A random limit of any kind, for a run of this many seconds.
            pub fn draw(dice: &mut Dice, horizon_s: u64) -> LimitKind {
                let drawn = [$(($word, $file::$kind::IS_DRAWN)),+].into_iter().filter(|(_, is_drawn)| *is_drawn);
                match dice.one(&drawn.map(|(word, _)| word).collect::<Vec<_>>()) {
                    $($word => LimitKind::$kind($file::$kind::draw(dice, horizon_s)),)+
                    other => unreachable!("{other} is none of the kinds"),
                }
            }

            /// Draws the options that are younger than [`LimitKind::draw`]. They have dice of their own, so that a seed
            /// draws what it drew before.
            pub fn vary(&mut self, dice: &mut Dice) {
                match self {
                    $(LimitKind::$kind(spec) => $file::$kind::vary(spec, dice),)+
                }
            }

            /// Whether a scenario can say which calls the kind counts, and how much each.
            pub fn counts_calls(&self) -> bool {
                match self {
                    $(LimitKind::$kind(_) => $file::$kind::COUNTS_CALLS,)+
                }
            }

            /// How the times of one key's requests that pass and count break the kind's law; `None` if they keep it. A
            /// request that counts several times is as many times in the list.
            pub fn broken_law(&self, counted: &[Time]) -> Option<String> {
                match self {
                    $(LimitKind::$kind(spec) => $file::$kind::broken_law(spec, counted),)+
                }
            }
        }

        impl State {
            fn new(kind: &LimitKind, keys: u32) -> State {
                match kind {
                    $(LimitKind::$kind(spec) => State::$kind($file::$kind::new(spec, keys)),)+
                }
            }

            #[inline]
            fn ask(&mut self, key: usize, now: Time, cost: u32) -> Verdict {
                match self {
                    $(State::$kind(limiter) => limiter.ask(key, now, cost),)+
                }
            }

            fn wait(&self, key: usize, now: Time, cost: u32) -> Dur {
                match self {
                    $(State::$kind(limiter) => limiter.wait(key, now, cost),)+
                }
            }

            fn count(&mut self, key: usize, now: Time, cost: u32) {
                match self {
                    $(State::$kind(limiter) => limiter.count(key, now, cost),)+
                }
            }

            #[inline]
            fn release(&mut self, key: usize) {
                match self {
                    $(State::$kind(limiter) => limiter.release(key),)+
                }
            }

            fn needs_release(&self) -> bool {
                match self {
                    $(State::$kind(_) => $file::$kind::NEEDS_RELEASE,)+
                }
            }
        }

        impl schemars::JsonSchema for LimitKind {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                "LimitKind".into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let kinds = [$(($word, $file::Spec::json_schema(generator)),)+];
                crate::spec::family::tagged("kind", "How the limit counts.", kinds)
            }
        }
    };
}
pub(super) use limiters;
