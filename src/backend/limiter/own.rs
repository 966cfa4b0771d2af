//! A limiter of your own: needs `limiter`.
//!
//! A program that uses the library implements [`Limit`] for a type of its own and names the type where it reads a scenario.
//! The scenario says `kind = "own"` and `limiter = "my-limiter"` beside the keys that every limit has. Limiters of this crate
//! are called directly; one from outside is called through one indirection for each request that it judges.
//!
//! ```
//! use authstorm::backend::limiter::own::Limit;
//! use authstorm::kernel::{Dur, Time};
//! use authstorm::{Extensions, Study};
//!
//! /// One request per key, and no other.
//! #[derive(Clone, Debug)]
//! struct OnlyOne(Vec<bool>);
//!
//! impl Limit for OnlyOne {
//!     const NAME: &'static str = "only-one";
//!     const KEY_BYTES: usize = 1;
//!
//!     fn in_words() -> String {
//!         "of one request".to_owned()
//!     }
//!
//!     fn new(keys: u32) -> OnlyOne {
//!         OnlyOne(vec![false; keys as usize])
//!     }
//!
//!     fn admits(&mut self, key: usize, _: Time) -> bool {
//!         !std::mem::replace(&mut self.0[key], true)
//!     }
//!
//!     fn wait(&self, key: usize, _: Time) -> Dur {
//!         if self.0[key] { Dur(u64::MAX) } else { Dur::ZERO }
//!     }
//! }
//!
//! let scenario = r#"
//!     version = 1
//!     name = "limited"
//!     horizon = "10s"
//!     policies = ["new"]
//!     workload = [{ name = "w", clients = 1, at = ["1s", "2s", "3s"] }]
//!     backend.limit = [{ endpoints = ["generic"], key = "global", kind = "own", limiter = "only-one" }]
//! "#;
//! let own = Extensions::default().limiter::<OnlyOne>();
//! let results = Study::parse_extended("limited.toml", scenario, &own)?.run()?;
//! assert_eq!(results.policies[0].metric("responses_429").mean, 2.0);
//! # Ok::<(), authstorm::Error>(())
//! ```
//!
//! An estimate runs a part of the users. It cannot scale an own limiter, so its limit stays as it is. The checks of `verify`
//! do not know it.

use super::{Kind, LimitKind, Verdict};
use crate::backend::rate::Rate;
use crate::kernel::dice::Dice;
use crate::kernel::{Dur, Time};
use crate::spec::leaf::Name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Debug};

/// A rate limiter: a pure state machine that knows only the keys and times of requests. Times do not decrease.
pub trait Limit: Clone + Debug + Send + Sync + 'static {
    /// Its name: a limit's `limiter`.
    const NAME: &'static str;
    /// Memory of one key, in bytes.
    const KEY_BYTES: usize;

    /// Its numbers in words: `of 5/10s, burst 5`.
    fn in_words() -> String;

    /// A limiter for keys `0..keys` without any requests so far.
    fn new(keys: u32) -> Self;

    /// Judges a request, and counts it.
    fn admits(&mut self, key: usize, now: Time) -> bool;

    /// Time from `now` until a request passes if no other comes: refused one nanosecond earlier, admitted exactly then. The
    /// maximum of [`Dur`] means never. `Retry-After` says it.
    fn wait(&self, key: usize, now: Time) -> Dur;
}

/// A limiter of the program's own counts.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Spec {
    /// Name of the limiter, in the program that uses the library.
    #[schemars(with = "Name", example = &"my-limiter")]
    pub limiter: String,
    /// The limiter of this name.
    #[serde(skip)]
    pub own: Option<OwnLimiter>,
}

/// A limiter from outside of the crate.
#[derive(Clone, Copy)]
pub struct OwnLimiter {
    /// [`Limit::NAME`].
    pub name: &'static str,
    in_words: fn() -> String,
    key_bytes: usize,
    new: fn(u32) -> Box<dyn AnyLimit>,
}

impl OwnLimiter {
    /// The limiter of this type.
    pub fn of<L: Limit>() -> OwnLimiter {
        OwnLimiter {
            name: L::NAME,
            in_words: L::in_words,
            key_bytes: L::KEY_BYTES,
            new: |keys| Box::new(L::new(keys)),
        }
    }
}

impl Debug for OwnLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnLimiter").field(&self.name).finish()
    }
}

/// Two limiters of one name are the same: a program has one of each name.
impl PartialEq for OwnLimiter {
    fn eq(&self, other: &OwnLimiter) -> bool {
        self.name == other.name
    }
}

/// A [`Limit`] of any type.
trait AnyLimit: Debug + Send + Sync {
    fn admits(&mut self, key: usize, now: Time) -> bool;
    fn wait(&self, key: usize, now: Time) -> Dur;
    fn boxed(&self) -> Box<dyn AnyLimit>;
}

impl<L: Limit> AnyLimit for L {
    fn admits(&mut self, key: usize, now: Time) -> bool {
        Limit::admits(self, key, now)
    }

    fn wait(&self, key: usize, now: Time) -> Dur {
        Limit::wait(self, key, now)
    }

    fn boxed(&self) -> Box<dyn AnyLimit> {
        Box::new(self.clone())
    }
}

/// The state of an own limiter.
#[derive(Debug)]
pub(super) struct Own(Box<dyn AnyLimit>);

impl Clone for Own {
    fn clone(&self) -> Own {
        Own(self.0.boxed())
    }
}

impl Spec {
    /// # Panics
    /// When the scenario was not checked.
    fn code(&self) -> OwnLimiter {
        self.own.unwrap_or_else(|| panic!("the scenario was not checked: no limiter {}", self.limiter))
    }
}

impl Kind for Own {
    type Spec = Spec;
    const IS_DRAWN: bool = false;
    const COUNTS_CALLS: bool = false;

    fn in_words(spec: &Spec) -> String {
        match &spec.own {
            Some(own) => format!("`{}` {}", own.name, (own.in_words)()),
            None => format!("`{}`", spec.limiter),
        }
    }

    fn rate(_: &Spec) -> Option<Rate> {
        None
    }

    fn key_bytes(spec: &Spec) -> u64 {
        spec.code().key_bytes as u64
    }

    fn new(spec: &Spec, keys: u32) -> Own {
        Own((spec.code().new)(keys))
    }

    #[inline]
    fn ask(&mut self, key: usize, now: Time, _: u32) -> Verdict {
        if self.0.admits(key, now) {
            return Verdict::Admit { delay: Dur::ZERO };
        }
        Verdict::Refuse { wait: self.0.wait(key, now) }
    }

    fn wait(&self, key: usize, now: Time, _: u32) -> Dur {
        self.0.wait(key, now)
    }

    fn scaled(spec: &Spec, _: f64) -> LimitKind {
        LimitKind::Own(spec.clone())
    }

    fn draw(_: &mut Dice, _: u64) -> Spec {
        unreachable!("random scenarios have no limiter from outside of the crate")
    }

    /// The limiter's own tests hold its law.
    fn broken_law(_: &Spec, _: &[Time]) -> Option<String> {
        None
    }
}
