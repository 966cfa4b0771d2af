//! The family of distributions: from one line a kind, the type of all of them, how files write it, and every dispatch.

/// Makes [`Dist`](super::Dist) of the kinds: file, type, and the key that a file writes.
macro_rules! distributions {
    ($($file:ident::$kind:ident = $word:literal,)+) => {
        $(
            mod $file;
            pub use $file::$kind;
        )+

        /// A distribution of durations: a duration, which is always the same, or a table with one kind.
        ///
        /// In a scenario: `"100ms"`, or a table with one key such as `{ exponential = "80ms" }`.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Dist {
            /// Always the same.
            Constant(Dur),
            $(
                #[doc = concat!("`", $word, "`: see [`", stringify!($kind), "`].")]
                $kind($kind),
            )+
        }

        const KINDS: &[&str] = &[$($word),+];

        impl Dist {
            /// The sample for these random bits.
            #[inline]
            pub fn sample(&self, bits: u64) -> Dur {
                match self {
                    Dist::Constant(d) => *d,
                    $(Dist::$kind(of) => of.sample(bits),)+
                }
            }

            /// The mean, in seconds.
            pub fn mean_s(&self) -> f64 {
                match self {
                    Dist::Constant(d) => d.as_secs_f64(),
                    $(Dist::$kind(of) => of.mean_s(),)+
                }
            }

            /// Whether every sample is zero.
            pub fn is_zero(&self) -> bool {
                match self {
                    Dist::Constant(d) => *d == Dur::ZERO,
                    $(Dist::$kind(of) => of.is_zero(),)+
                }
            }

            /// The distribution of the samples times a factor.
            #[must_use]
            pub fn slower(&self, factor: f64) -> Dist {
                match self {
                    Dist::Constant(d) => Dist::Constant(d.times(factor)),
                    $(Dist::$kind(of) => Dist::$kind(of.slower(factor)),)+
                }
            }

            /// A random distribution of any kind, or a constant, around this many milliseconds.
            pub fn draw(dice: &mut Dice, ms: u64) -> Dist {
                type Draw = fn(&mut Dice, u64) -> Dist;
                let kinds: &[(bool, Draw)] = &[
                    (true, |_, ms| Dist::Constant(Dur::from_ms(ms))),
                    $(($kind::IS_DRAWN, |dice, ms| Dist::$kind($kind::draw(dice, ms))),)+
                ];
                let drawn: Vec<Draw> = kinds.iter().filter(|(drawn, _)| *drawn).map(|(_, draw)| *draw).collect();
                let number = dice.number(0, drawn.len() as u64 - 1);
                drawn[number as usize](dice, ms)
            }
        }

        impl serde::Serialize for Dist {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                match self {
                    Dist::Constant(d) => d.serialize(serializer),
                    $(Dist::$kind(of) => {
                        let mut map = serializer.serialize_map(Some(1))?;
                        map.serialize_entry($word, of)?;
                        map.end()
                    })+
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for Dist {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Dist, D::Error> {
                use serde::de::Error;
                struct V;
                impl<'de> serde::de::Visitor<'de> for V {
                    type Value = Dist;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(f, "a duration such as \"100ms\" or a table with one of {}", KINDS.join(", "))
                    }
                    fn visit_str<E: Error>(self, text: &str) -> Result<Dist, E> {
                        Dur::parse(text).map(Dist::Constant).map_err(E::custom)
                    }
                    fn visit_i64<E: Error>(self, n: i64) -> Result<Dist, E> {
                        Err(E::custom(without_unit(n)))
                    }
                    fn visit_u64<E: Error>(self, n: u64) -> Result<Dist, E> {
                        Err(E::custom(without_unit(n)))
                    }
                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Dist, A::Error> {
                        let Some(word) = map.next_key::<String>()? else {
                            let kinds = KINDS.join(", ");
                            return Err(A::Error::custom(format!("empty distribution; allowed: {kinds}")));
                        };
                        let (dist, misfit) = match word.as_str() {
                            $($word => {
                                let of: $kind = map.next_value()?;
                                let misfit = of.misfit();
                                (Dist::$kind(of), misfit)
                            })+
                            other => return Err(A::Error::unknown_field(other, KINDS)),
                        };
                        if let Some(misfit) = misfit {
                            return Err(A::Error::custom(misfit));
                        }
                        match map.next_key::<String>()? {
                            None => Ok(dist),
                            Some(extra) => Err(A::Error::custom(format!(
                                "a distribution has one kind; got {word:?} and {extra:?}"
                            ))),
                        }
                    }
                }
                deserializer.deserialize_any(V)
            }
        }

        impl schemars::JsonSchema for Dist {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                "Distribution".into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let mut forms = vec![generator.subschema_for::<Dur>().to_value()];
                $({
                    let of = $kind::json_schema(generator);
                    forms.push(serde_json::json!({
                        "type": "object",
                        "properties": { $word: of },
                        "required": [$word],
                        "additionalProperties": false,
                    }));
                })+
                schemars::json_schema!({
                    "title": "a distribution",
                    "description": "A distribution of durations: a duration, which is always the same, or a table with one kind.",
                    "x-type": "distribution",
                    "anyOf": forms,
                })
            }
        }
    };
}
pub(super) use distributions;
