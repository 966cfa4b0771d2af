//! Who calls: users, each with a browser session of one or more tabs, behind a network address shared with others.

use crate::kernel::{Dist, Dur};
use serde::{Deserialize, Serialize};

/// `[fleet]` of a scenario.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FleetSpec {
    /// How many users; each has one browser session.
    pub users: u32,
    /// Tabs per user: `1`, or a list of shares `[{ tabs = 1, share = 0.7 }, { tabs = 3, share = 0.3 }]`.
    #[serde(default)]
    pub tabs: Tabs,
    /// Users behind one network address.
    #[serde(default = "one")]
    pub users_per_network: u32,
    /// Apps the users are dealt to in turn.
    #[serde(default = "one")]
    pub apps: u32,
    /// When the first tab's page is opened.
    #[serde(default)]
    pub opens: Dist,
    /// How long after the tab before it a further tab is opened.
    #[serde(default = "ten_seconds")]
    pub further_tab_opens: Dist,
    /// How long a tab stays open before its user closes it; without it, for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stays: Option<Dist>,
    /// How long a closed tab stays closed before its user comes back; without it, for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away: Option<Dist>,
    /// Whether touches on focus are not throttled (`clerk-js.md`, "focus: touch").
    #[serde(default)]
    pub multi_session: bool,
    /// Time between focus events of a tab; without it, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub focus_every: Option<Dist>,
    /// Calls of `getToken` by the app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_get_token: Option<AppGetToken>,
    /// Calls of `setActive` by the app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_active: Option<SetActive>,
    /// What the app's code does by itself with a new session object.
    #[serde(default)]
    pub app_reaction: AppReaction,
    /// The app reacts from this time on.
    #[serde(default)]
    pub app_reaction_from: Dur,
    /// The app reacts until this time, excluded; without it, for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_reaction_to: Option<Dur>,
    /// Time between reloads of a tab's page; without it, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reload_every: Option<Dist>,
    /// Offline periods of a browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline: Option<Offline>,
    /// A request sent offline fails at once, as browsers have it that know they are offline; without it, after the
    /// round-trip time, as in a network that swallows requests.
    #[serde(default)]
    pub offline_fails_at_once: bool,
    /// Whether and when signed-out users sign in again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in_again: Option<SignInAgain>,
}

impl FleetSpec {
    /// No users: the fleet of a scenario that has generic workloads alone.
    pub fn nobody() -> FleetSpec {
        FleetSpec {
            users: 0,
            tabs: Tabs::default(),
            users_per_network: one(),
            apps: one(),
            opens: Dist::default(),
            further_tab_opens: ten_seconds(),
            stays: None,
            away: None,
            multi_session: false,
            focus_every: None,
            app_get_token: None,
            set_active: None,
            app_reaction: AppReaction::None,
            app_reaction_from: Dur::ZERO,
            app_reaction_to: None,
            reload_every: None,
            offline: None,
            offline_fails_at_once: false,
            sign_in_again: None,
        }
    }
}

fn one() -> u32 {
    1
}

fn ten_seconds() -> Dist {
    Dist::Constant(Dur::from_secs(10))
}

/// Tabs per user.
#[derive(Clone, Debug, PartialEq)]
pub enum Tabs {
    /// The same number for everyone, 1 to 16.
    Fixed(u8),
    /// Shares that add up to 1. Their order changes nothing.
    Shares(Vec<TabShare>),
}

/// The most tabs of a user, those that actions open included.
pub const MAX_TABS: u32 = 16;

impl Tabs {
    /// The most tabs that a user opens without being told to.
    pub fn most(&self) -> u32 {
        match self {
            Tabs::Fixed(n) => u32::from(*n),
            Tabs::Shares(shares) => shares.iter().map(|share| u32::from(share.tabs)).max().unwrap_or(1),
        }
    }
}

impl Default for Tabs {
    fn default() -> Tabs {
        Tabs::Fixed(1)
    }
}

/// One entry of [`Tabs::Shares`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TabShare {
    /// Tabs, 1 to 16.
    pub tabs: u8,
    /// Share of the users, 0 to 1.
    pub share: f64,
}

/// Calls of `getToken` by the app.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AppGetToken {
    /// Time between them, per tab.
    pub every: Dist,
    /// Callers at once.
    #[serde(default = "one_caller")]
    pub callers: u8,
    /// Whether they pass over the token cache.
    #[serde(default)]
    pub skip_cache: bool,
}

fn one_caller() -> u8 {
    1
}

/// Calls of `setActive` by the app.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SetActive {
    /// Time between them, per tab.
    pub every: Dist,
    /// Whether they navigate (`redirectUrl`).
    #[serde(default)]
    pub navigate: bool,
}

/// What the app's code does by itself with a new session object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AppReaction {
    /// Nothing.
    #[default]
    None,
    /// Calls `setActive` with it: loop G2 of `clerk-js.md`.
    SetActive,
    /// Calls `getToken` of it.
    GetToken,
}

/// Offline periods of a browser.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Offline {
    /// Time from coming online to the next period.
    pub every: Dist,
    /// Length of a period.
    pub lasts: Dist,
}

/// Sign-in after a sign-out.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SignInAgain {
    /// Think time before the sign-in request, and before it is repeated when it fails.
    pub after: Dist,
    /// Share of the signed-out users who do, 0 to 1.
    #[serde(default = "all")]
    pub share: f64,
}

fn all() -> f64 {
    1.0
}

impl<'de> Deserialize<'de> for Tabs {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Tabs, D::Error> {
        struct V;
        impl<'de> serde::de::Visitor<'de> for V {
            type Value = Tabs;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number of tabs from 1 to 16, or a list such as [{ tabs = 1, share = 0.7 }, { tabs = 3, share = 0.3 }]")
            }
            fn visit_i64<E: serde::de::Error>(self, n: i64) -> Result<Tabs, E> {
                u8::try_from(n)
                    .ok()
                    .filter(|n| (1..=16).contains(n))
                    .map(Tabs::Fixed)
                    .ok_or_else(|| E::custom(format!("tabs out of range; got {n}; allowed: 1 to 16")))
            }
            fn visit_u64<E: serde::de::Error>(self, n: u64) -> Result<Tabs, E> {
                self.visit_i64(i64::try_from(n).unwrap_or(i64::MAX))
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Tabs, A::Error> {
                let mut shares = Vec::new();
                while let Some(share) = seq.next_element()? {
                    shares.push(share);
                }
                Ok(Tabs::Shares(shares))
            }
        }
        deserializer.deserialize_any(V)
    }
}

impl Serialize for Tabs {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Tabs::Fixed(n) => n.serialize(serializer),
            Tabs::Shares(shares) => shares.serialize(serializer),
        }
    }
}
