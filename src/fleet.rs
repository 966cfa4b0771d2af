//! The callers of a fleet: users, each with a browser session of one or more tabs, behind a network address shared with
//! others.

use crate::client::app::{AppReaction, DocumentFocus};
use crate::client::workload::MAX_CLIENTS;
use crate::kernel::{Dist, Dur};
use crate::spec::leaf::Share;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Bytes of one user: the state of browser and tabs, pending events, and a row of results.
const BYTES_PER_USER: u64 = 160;

/// The users: each has one browser session with one or more tabs.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[fleet]")]
pub struct FleetSpec {
    /// Number of users. 0 is allowed beside a `[[workload]]`.
    #[schemars(
        range(min = 0, max = MAX_CLIENTS),
        example = 1_000,
        extend("x-unit" = "users", "x-bytes-each" = BYTES_PER_USER)
    )]
    pub users: u32,
    /// Tabs of a user: a number for everyone, or a list of shares that add up to 1.
    #[serde(default)]
    #[schemars(extend("x-unit" = "tabs"))]
    pub tabs: Tabs,
    /// Users behind one network address.
    #[serde(default = "one")]
    #[schemars(range(min = 1), extend("x-unit" = "users"))]
    pub users_per_network: u32,
    /// Number of apps. Users belong to them in turn, and so do generic clients.
    #[serde(default = "one")]
    #[schemars(range(min = 1), extend("x-unit" = "apps"))]
    pub apps: u32,
    /// When a user opens the page in the first tab, from the start of the run.
    #[serde(default)]
    pub opens: Dist,
    /// How long after the tab before it a user opens a further tab.
    #[serde(default = "ten_seconds")]
    pub further_tab_opens: Dist,
    /// How long a tab stays open before its user closes it; without it, for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-above-zero" = true))]
    pub stays: Option<Dist>,
    /// How long a closed tab stays closed before its user comes back; without it, for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-above-zero" = true))]
    pub away: Option<Dist>,
    /// Whether the app is configured for several sessions. The client then touches on every focus, without its throttle.
    #[serde(default)]
    pub multi_session: bool,
    /// Time between two focus events of a tab; without it, a tab never gains focus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-above-zero" = true))]
    pub focus_every: Option<Dist>,
    /// Which tabs' documents have focus. A client may do more in a tab with focus. To a token client, a tab has focus while it is
    /// visible.
    #[serde(default, skip_serializing_if = "DocumentFocus::is_all")]
    pub document_focus: DocumentFocus,
    /// How long a tab keeps its document's focus, from its opening or from each focus of `focus-every`, before its user turns
    /// to another window; without it, until another tab gains focus. Needs `document-focus = "one"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-above-zero" = true))]
    pub focus_lasts: Option<Dist>,
    /// Calls of `getToken` by the app's code; without it, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_get_token: Option<AppGetToken>,
    /// Calls of `setActive` by the app's code; without it, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_active: Option<SetActive>,
    /// What the app's code does by itself when it gets a new session object.
    #[serde(default)]
    pub app_reaction: AppReaction,
    /// Time from which on the app's code reacts.
    #[serde(default)]
    pub app_reaction_from: Dur,
    /// Time until which the app's code reacts, that instant excluded; without it, for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_reaction_to: Option<Dur>,
    /// Time between two reloads of a tab's page; without it, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-above-zero" = true))]
    pub reload_every: Option<Dist>,
    /// Offline periods of a browser; without it, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline: Option<Offline>,
    /// Whether a request sent offline fails at once, as in a browser that knows that it is offline. Otherwise it fails
    /// after the round-trip time, as in a network that drops requests.
    #[serde(default)]
    pub offline_fails_at_once: bool,
    /// Sleep of the users' devices; without it, they never sleep. While a device sleeps, none of its timers runs; all that came
    /// due run when it wakes. Answers that come meanwhile are lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sleep: Option<Sleep>,
    /// How late the browser runs a timer of a page, drawn for each timer; without it, on time. See `hidden-timers` for what Chrome
    /// does to hidden tabs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({ "uniform": ["0s", "60s"] }))]
    pub timers_late: Option<Dist>,
    /// The browser runs timers of hidden tabs late, as Chrome does; without it, on time. A tab is hidden from its `blur` to its next
    /// focus; with document-focus = "one" also while another tab of the user has the focus, with "none" always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden_timers: Option<HiddenTimers>,
    /// Wrong clocks of the users' devices; without it, every clock is right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_skew: Option<ClockSkew>,
    /// Whether and when signed-out users sign in again; without it, never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in_again: Option<SignInAgain>,
}

impl FleetSpec {
    /// Whether the app's reaction to new sessions is limited to a time window. The scenario then uses it as a trigger.
    /// Without a window the reaction is normal behaviour of the app.
    pub(crate) fn app_reaction_is_a_trigger(&self) -> bool {
        let windowed = self.app_reaction_from > Dur::ZERO || self.app_reaction_to.is_some();
        self.app_reaction != AppReaction::None && windowed
    }

    /// A fleet without users, for a scenario with generic workloads only.
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
            document_focus: DocumentFocus::All,
            focus_lasts: None,
            app_get_token: None,
            set_active: None,
            app_reaction: AppReaction::None,
            app_reaction_from: Dur::ZERO,
            app_reaction_to: None,
            reload_every: None,
            offline: None,
            offline_fails_at_once: false,
            sleep: None,
            timers_late: None,
            hidden_timers: None,
            clock_skew: None,
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

/// The largest number of tabs of a user, including those that actions open.
pub const MAX_TABS: u32 = 16;

impl Tabs {
    /// The largest number of tabs that a user opens without a scripted action.
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

/// A number of tabs and the share of the users who have it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a share of tabs")]
pub struct TabShare {
    /// Tabs of such a user.
    #[schemars(range(min = 1, max = MAX_TABS), example = 2, extend("x-unit" = "tabs"))]
    pub tabs: u8,
    /// Share of the users.
    #[schemars(with = "Share", example = 0.5)]
    pub share: f64,
}

impl JsonSchema for Tabs {
    fn schema_name() -> Cow<'static, str> {
        "Tabs".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "x-noun": "number of tabs or list of shares",
            "x-forms": "1 to 16, or [{ tabs = 1, share = 0.7 }, { tabs = 3, share = 0.3 }]",
            "anyOf": [
                { "type": "integer", "minimum": 1, "maximum": MAX_TABS },
                {
                    "type": "array",
                    "items": generator.subschema_for::<TabShare>(),
                    "minItems": 1,
                    "maxItems": MAX_TABS,
                },
            ],
        })
    }
}

/// Calls of `getToken` by the app's code.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "app-get-token")]
pub struct AppGetToken {
    /// Time between two rounds of calls of a tab.
    #[schemars(extend("x-above-zero" = true), example = "30s")]
    pub every: Dist,
    /// Calls at once.
    #[serde(default = "one_caller")]
    #[schemars(range(min = 1), extend("x-unit" = "calls"))]
    pub callers: u8,
    /// Whether the calls skip the client's token cache.
    #[serde(default)]
    pub skip_cache: bool,
}

fn one_caller() -> u8 {
    1
}

/// Calls of `setActive` by the app's code.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "set-active")]
pub struct SetActive {
    /// Time between two calls of a tab.
    #[schemars(extend("x-above-zero" = true), example = "30s")]
    pub every: Dist,
    /// Whether the calls navigate to another page (`redirectUrl`).
    #[serde(default)]
    pub navigate: bool,
}

/// Offline periods of a browser.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "offline")]
pub struct Offline {
    /// Time from coming online to the next period.
    #[schemars(extend("x-above-zero" = true), example = serde_json::json!({ "exponential": "1h" }))]
    pub every: Dist,
    /// Length of a period.
    #[schemars(example = "30s")]
    pub lasts: Dist,
}

/// Sleep of a device: closed laptops, apps in the background.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "sleep")]
pub struct Sleep {
    /// When a device goes to sleep, from the start of a period.
    #[schemars(example = serde_json::json!({ "uniform": ["8h", "9h"] }))]
    pub from: Dist,
    /// When it wakes, from the start of the same period. A period in which this is not after `from` has no sleep.
    #[schemars(example = serde_json::json!({ "uniform": ["24h", "24h2m"] }))]
    pub to: Dist,
    /// Length of a period, such as a day; without it, there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-above-zero" = true), example = "24h")]
    pub every: Option<Dur>,
}

/// When a browser runs the timers of a hidden tab. The times are Chrome's (Chrome for Developers, "Heavy throttling of chained JS
/// timers beginning in Chrome 88"). They count from when the tab was hidden.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(title = "hidden-timers")]
pub struct HiddenTimers {
    /// Timers that are due run together, once in this time.
    #[schemars(extend("x-above-zero" = true))]
    pub every: Dur,
    /// Time for which a tab must be hidden until its chained timers run less often.
    pub after: Dur,
    /// Chained timers that are due run together, once in this time. A timer is chained when the four before it were each set by
    /// the one before, without an answer, a message or a lock between them. The looks at the clock of a client's timer
    /// (`timer.checks-every`) are such a chain.
    #[schemars(extend("x-above-zero" = true))]
    pub chained_every: Dur,
}

impl Default for HiddenTimers {
    fn default() -> HiddenTimers {
        HiddenTimers {
            every: Dur::from_secs(1),
            after: Dur::from_secs(300),
            chained_every: Dur::from_secs(60),
        }
    }
}

/// Wrong clocks of users' devices. A token that is stored when the user's first page opens was stored before the clock
/// went wrong.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "clock-skew")]
pub struct ClockSkew {
    /// How far a wrong clock is ahead of the server's.
    #[serde(default)]
    #[schemars(example = "1h")]
    pub ahead: Dist,
    /// How far a wrong clock is behind the server's. With `ahead`, the difference counts.
    #[serde(default)]
    #[schemars(example = "1h")]
    pub behind: Dist,
    /// Share of the users whose clock is wrong.
    #[serde(default = "all")]
    #[schemars(with = "Share", example = 0.01)]
    pub share: f64,
}

/// Sign-in after a sign-out.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "sign-in-again")]
pub struct SignInAgain {
    /// Time before the sign-in request, and before the next one when it fails.
    #[schemars(example = serde_json::json!({ "exponential": "20s" }))]
    pub after: Dist,
    /// Share of the signed-out users who sign in again.
    #[serde(default = "all")]
    #[schemars(with = "Share", example = 0.8)]
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
