//! A limiter of one's own: a leaky bucket that prolongs its penalty with every request during it, beside one that does not.
//!
//! `cargo run --example own_limiter` prints what each lets through of a client that calls once a second.

use authstorm::backend::limiter::own::Limit;
use authstorm::kernel::{Dur, Time};
use authstorm::{Error, Extensions, Study};

/// A request fills the bucket by one; it leaks one in ten seconds and holds three. A refusal blocks its key for five seconds.
/// Where `PROLONGS`, a request during the block begins the block anew.
#[derive(Clone, Debug)]
struct Bucket<const PROLONGS: bool> {
    /// By key: when the bucket will be empty.
    empty_at: Vec<Time>,
    /// By key: the end of its block.
    blocked_until: Vec<Time>,
}

const LEAK: Dur = Dur::from_secs(10);
const HOLDS: u64 = 3;
const PENALTY: Dur = Dur::from_secs(5);

impl<const PROLONGS: bool> Bucket<PROLONGS> {
    /// When one more request fits into the bucket.
    fn fits_at(&self, key: usize) -> Time {
        Time(self.empty_at[key].0.saturating_sub((HOLDS - 1) * LEAK.0))
    }
}

impl<const PROLONGS: bool> Limit for Bucket<PROLONGS> {
    const NAME: &'static str = if PROLONGS { "prolonging" } else { "forgiving" };
    const KEY_BYTES: usize = 2 * size_of::<Time>();

    fn in_words() -> String {
        format!("of 1/{LEAK}, burst {HOLDS}, penalty {PENALTY}")
    }

    fn new(keys: u32) -> Self {
        let never = vec![Time::ZERO; keys as usize];
        Bucket { empty_at: never.clone(), blocked_until: never }
    }

    fn admits(&mut self, key: usize, now: Time) -> bool {
        let is_blocked = now < self.blocked_until[key];
        if !is_blocked && now >= self.fits_at(key) {
            self.empty_at[key] = self.empty_at[key].max(now).after(LEAK);
            return true;
        }
        if PROLONGS || !is_blocked {
            self.blocked_until[key] = now.after(PENALTY);
        }
        false
    }

    fn wait(&self, key: usize, now: Time) -> Dur {
        self.blocked_until[key].max(self.fits_at(key)).since(now)
    }
}

/// Answers with success, and answers 429, of a client that calls at every full second from 1 to 60.
pub(crate) fn passes(limiter: &str) -> Result<(f64, f64), Error> {
    let at: Vec<String> = (1..=60).map(|second| format!("\"{second}s\"")).collect();
    let scenario = format!(
        "version = 1\nname = \"own-limiter\"\nhorizon = \"2m\"\npolicies = [\"new\"]\n\
         [[workload]]\nname = \"w\"\nclients = 1\nat = [{}]\n\
         [[backend.limit]]\nendpoints = [\"generic\"]\nkey = \"ip\"\nkind = \"own\"\nlimiter = \"{limiter}\"\n",
        at.join(", ")
    );
    let own = Extensions::default().limiter::<Bucket<true>>().limiter::<Bucket<false>>();
    let results = Study::parse_extended("own_limiter.toml", &scenario, &own)?.run()?;
    let value = |metric| results.policies[0].metric(metric).mean;
    Ok((value("callers_served"), value("responses_429")))
}

#[allow(dead_code, reason = "the test calls `passes` alone")]
fn main() -> Result<(), Error> {
    for limiter in ["forgiving", "prolonging"] {
        let (served, refused) = passes(limiter)?;
        println!("{limiter}: {served} served, {refused} refused");
    }
    Ok(())
}
