//! Stateless random numbers. A draw depends on its key and coordinates, never on earlier draws.
//!
//! The key of a [`Stream`] is the seed, the replication, the [`Purpose`] and, if a scenario lists several things of one
//! purpose, the name of the thing. ChaCha20 expands the key to two 64-bit words. A position in a list is not part of
//! the key, so an inserted entry does not change what the other entries draw.
//!
//! A draw mixes these words with two coordinates (an entity, a time, an ordinal) by two rounds of 64x64 -> 128 bit
//! multiply-fold, the mixer of `wyhash` (W. Yi, 2019). A draw needs no state and takes a few nanoseconds. Two policies
//! that ask for the same draw get the same number, whatever else they ask for. This gives common random numbers by
//! construction (Law, *Simulation Modeling and Analysis*, ch. 11).

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use sha2::{Digest, Sha256};

/// The use of a random number. The discriminants are part of the identity of results: never renumber them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Purpose {
    /// Time at which a page is first opened.
    Arrival = 1,
    /// Time between focus events.
    Focus = 2,
    /// Round-trip time of a call.
    Latency = 3,
    /// Service time of a call in a worker.
    Service = 4,
    /// Whether a fault hits a call or a session. Each fault has its own stream, keyed by its name.
    Fault = 5,
    /// Jitter of a retry.
    Jitter = 6,
    /// Time between calls of the app.
    App = 7,
    /// Think time before a sign-in, and whether the user signs in.
    SignIn = 8,
    /// Number of tabs of a user.
    Tabs = 9,
    /// Policy of a user in a mix.
    Rollout = 10,
    /// Time between reloads of a page.
    Reload = 11,
    /// Offline periods.
    Offline = 12,
    /// Time between `setActive` calls of the app.
    SetActive = 13,
    /// Arrivals and retries of generic clients.
    Generic = 14,
    /// Durations for which tabs are open and closed.
    Visit = 15,
    /// Users to whom an action on a share of the users applies.
    Action = 16,
    /// How wrong a user's clock is.
    Clock = 17,
    /// Calls that a client throttles by itself.
    Throttle = 18,
    /// Time of a call on the way to the workers.
    RequestLatency = 19,
    /// How long a tab keeps its document's focus.
    FocusLasts = 40,
    /// When a device sleeps.
    Sleep = 31,
    /// How late a timer runs.
    Lateness = 32,
    /// Which values of a key the points of a sweep have.
    Design = 50,
}

/// A keyed source of random numbers for one purpose.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    a: u64,
    b: u64,
}

impl Stream {
    /// The stream number `index` of `purpose`. `index` is 0 if the purpose has a single stream.
    pub fn new(seed: u64, replication: u32, purpose: Purpose, index: u16) -> Stream {
        Stream::of_key(seed, replication, purpose, index, [0; 16])
    }

    /// The stream of the thing called `name` among those of `purpose`.
    pub fn named(seed: u64, replication: u32, purpose: Purpose, name: &str) -> Stream {
        let mut half = [0u8; 16];
        half.copy_from_slice(&Sha256::digest(name)[..16]);
        Stream::of_key(seed, replication, purpose, 0, half)
    }

    fn of_key(seed: u64, replication: u32, purpose: Purpose, index: u16, name: [u8; 16]) -> Stream {
        let mut key = [0u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..12].copy_from_slice(&replication.to_le_bytes());
        key[12..14].copy_from_slice(&(purpose as u16).to_le_bytes());
        key[14..16].copy_from_slice(&index.to_le_bytes());
        key[16..].copy_from_slice(&name);
        let mut chacha = ChaCha20Rng::from_seed(key);
        Stream { a: chacha.next_u64(), b: chacha.next_u64() }
    }

    /// 64 random bits for the coordinates `(x, y)`.
    #[inline]
    pub fn bits(&self, x: u64, y: u64) -> u64 {
        let first = fold(self.a ^ x, 0x9E37_79B9_7F4A_7C15 ^ y);
        fold(first ^ self.b, 0xD6E8_FEB8_6659_FD93 ^ y.rotate_left(32) ^ x)
    }
}

/// The first coordinate of the thing called `name`; its further coordinates count up from here. Two names collide with
/// probability 2^-64.
pub fn origin(name: &str) -> u64 {
    let mut first = [0u8; 8];
    first.copy_from_slice(&Sha256::digest(name)[..8]);
    u64::from_le_bytes(first)
}

/// A second word from the bits of one draw, for decisions that need two. Behaves as if it were independent.
#[inline]
pub fn second_word(bits: u64) -> u64 {
    fold(bits ^ 0xA076_1D64_78BD_642F, 0xE703_7ED1_A0B4_28DB)
}

/// Word number `n` of the sequence that this seed begins, for decisions whose number is known only when they are made.
#[inline]
pub fn nth_word(seed: u64, n: u64) -> u64 {
    second_word(seed.wrapping_add(n.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
}

#[inline]
fn fold(x: u64, y: u64) -> u64 {
    let product = u128::from(x) * u128::from(y);
    (product as u64) ^ ((product >> 64) as u64)
}

/// A number in (0, 1], a multiple of 2^-53. It is never zero, so its logarithm is finite.
#[inline]
pub fn open_unit(bits: u64) -> f64 {
    ((bits >> 11) + 1) as f64 / (1u64 << 53) as f64
}

/// An integer in `0..n`, by multiplication. The bias is below n / 2^64.
#[inline]
pub fn below(bits: u64, n: u64) -> u64 {
    ((u128::from(bits) * u128::from(n)) >> 64) as u64
}

/// True with probability `p`. Always true for `p = 1` and never for `p = 0`.
#[inline]
pub fn chance(bits: u64, p: f64) -> bool {
    // Compares multiples of 2^-53: `p = 1` is above every draw.
    ((bits >> 11) as f64) < p * (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_key_and_coordinates_alone() {
        let stream = Stream::new(1, 0, Purpose::Latency, 0);
        assert_eq!(stream.bits(3, 4), Stream::new(1, 0, Purpose::Latency, 0).bits(3, 4));
        let mut seen = std::collections::BTreeSet::new();
        for (seed, replication, purpose, index, x, y) in [
            (1, 0, Purpose::Latency, 0, 3, 4),
            (2, 0, Purpose::Latency, 0, 3, 4),
            (1, 1, Purpose::Latency, 0, 3, 4),
            (1, 0, Purpose::Fault, 0, 3, 4),
            (1, 0, Purpose::Latency, 1, 3, 4),
            (1, 0, Purpose::Latency, 0, 4, 4),
            (1, 0, Purpose::Latency, 0, 3, 5),
            (1, 0, Purpose::Latency, 0, 4, 3),
        ] {
            seen.insert(Stream::new(seed, replication, purpose, index).bits(x, y));
        }
        for name in ["", "a", "b"] {
            let of = || Stream::named(1, 0, Purpose::Latency, name).bits(3, 4);
            assert_eq!(of(), of());
            seen.insert(of());
        }
        assert_eq!(seen.len(), 11);
    }

    #[test]
    fn neighbouring_coordinates_give_uniform_draws() {
        // Chi-square over 256 cells, 2^18 draws: mean 255, standard deviation sqrt(2 * 255) = 22.6. Allows six of
        // those.
        for (label, coordinates) in [
            ("entities", Box::new(|i: u64| (i, 0u64)) as Box<dyn Fn(u64) -> (u64, u64)>),
            ("ordinals", Box::new(|i| (7, i))),
            ("milliseconds", Box::new(|i| (7, i * 1_000_000))),
        ] {
            let stream = Stream::new(42, 3, Purpose::Focus, 0);
            let n = 1u64 << 18;
            for shift in [0, 28, 56] {
                let mut cells = [0f64; 256];
                for i in 0..n {
                    let (x, y) = coordinates(i);
                    cells[(stream.bits(x, y) >> shift) as usize & 255] += 1.0;
                }
                let expected = n as f64 / 256.0;
                let chi: f64 = cells.iter().map(|c| (c - expected) * (c - expected) / expected).sum();
                assert!((255.0 - 136.0..255.0 + 136.0).contains(&chi), "{label} at bit {shift}: {chi}");
            }
        }
    }

    #[test]
    fn chance_is_exact_at_zero_and_one() {
        for bits in [0, 1, u64::MAX, u64::MAX >> 1] {
            assert!(chance(bits, 1.0));
            assert!(!chance(bits, 0.0));
        }
        assert!((0.0..=1.0).contains(&open_unit(u64::MAX)) && open_unit(0) > 0.0);
    }

    #[test]
    fn second_word_depends_on_every_bit() {
        for bits in [0, u64::MAX, 0x0123_4567_89AB_CDEF] {
            for bit in 0..64 {
                assert_ne!(second_word(bits), second_word(bits ^ 1 << bit), "bit {bit} of {bits:x}");
            }
        }
    }
}
