//! The family of faults: from one line a kind, what a scenario says of all of them, and every dispatch.

/// Makes [`FaultKind`](super::FaultKind) of the kinds: file, type, and the word that a scenario writes.
macro_rules! faults {
    ($($file:ident::$kind:ident = $word:literal,)+) => {
        $(
            mod $file;
            pub use $file::$kind;
        )+

        /// What a fault does, with what only that kind needs.
        #[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
        #[serde(tag = "kind")]
        pub enum FaultKind {
            $(
                #[doc = concat!("`", $word, "`: see [`", stringify!($kind), "`].")]
                #[serde(rename = $word)]
                $kind($kind),
            )+
        }

        impl FaultKind {
            /// The kind's name in scenarios.
            pub const fn name(&self) -> &'static str {
                match self {
                    $(FaultKind::$kind(_) => $word,)+
                }
            }

            /// The kind's name in the names of random streams. It must not change.
            const fn stream(&self) -> &'static str {
                match self {
                    $(FaultKind::$kind(_) => stringify!($kind),)+
                }
            }

            /// What it strikes.
            pub const fn strikes(&self) -> Strikes {
                match self {
                    $(FaultKind::$kind(_) => <$kind as Kind>::STRIKES,)+
                }
            }

            /// Whether callers that it strikes are worse off.
            pub const fn harms(&self) -> bool {
                match self {
                    $(FaultKind::$kind(_) => <$kind as Kind>::HARMS,)+
                }
            }

            /// Whether it may strike at every time of its window.
            pub const fn is_steady(&self) -> bool {
                match self {
                    $(FaultKind::$kind(_) => <$kind as Kind>::STEADY,)+
                }
            }

            /// A description of its effect at these places, for charts: `/touch 429`.
            pub fn in_words(&self, places: &str) -> String {
                match self {
                    $(FaultKind::$kind(of) => of.in_words(places),)+
                }
            }

            /// The error code in its answers.
            pub fn code(&self) -> Option<&str> {
                match self {
                    $(FaultKind::$kind(of) => of.code(),)+
                }
            }

            /// The failure of a call that it strikes, if it makes calls fail. `code` is the index of its error code.
            pub fn failure(&self, code: u8) -> Option<Failure> {
                match self {
                    $(FaultKind::$kind(of) => of.failure(code),)+
                }
            }

            /// Its effect on a call that comes this long after its begin.
            #[inline]
            pub fn judge(&self, code: u8, since: Dur, bits: u64) -> Effect {
                match self {
                    $(FaultKind::$kind(of) => of.judge(code, since, bits),)+
                }
            }

            /// The share of the sessions that it strikes; `None` for a fault of calls.
            pub fn share(&self) -> f64 {
                match self {
                    $(FaultKind::$kind(of) => of.share(),)+
                }
            }

            /// A random fault of any kind.
            pub fn draw(dice: &mut Dice) -> FaultKind {
                let drawn = [$(($word, <$kind as Kind>::IS_DRAWN)),+].into_iter().filter(|(_, is_drawn)| *is_drawn);
                match dice.one(&drawn.map(|(word, _)| word).collect::<Vec<_>>()) {
                    $($word => FaultKind::$kind(<$kind as Kind>::draw(dice)),)+
                    other => unreachable!("{other} is none of the kinds"),
                }
            }
        }

        impl schemars::JsonSchema for FaultKind {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                "FaultKind".into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let kinds = [$(($word, $kind::json_schema(generator)),)+];
                crate::spec::family::tagged("kind", "What the fault does.", kinds)
            }
        }
    };
}
pub(super) use faults;
