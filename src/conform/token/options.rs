//! The options of a recording.

use super::recording::Config;
use crate::client::token::{IframeWhen, KeptIn, Profile};
use crate::kernel::Dur;
use crate::kernel::time::MAX_DURATION;
use serde_json::Value;

/// The options of a recording that influence its replay.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options {
    /// Number of client objects of a page.
    pub objects: usize,
    /// Whether each call makes its own client object.
    pub object_per_call: bool,
    /// Whether removals from the storage have no effect.
    pub removals_ignored: bool,
    /// Whether the SDK's timer or ticker is off.
    pub passive: bool,
    /// Whether the app refreshes the session when the SDK reports an expired token.
    pub refreshes_on_expiry: bool,
    /// Whether the app puts its copy of the session back when it gets no session.
    pub puts_back: bool,
}

/// Reads the options. Those of the package change the profile.
///
/// # Errors
/// The first option that the replay does not know, or whose value it cannot use.
pub(super) fn options(config: &Config, profile: &mut Profile) -> Result<Options, String> {
    let puts_back = config.poll.iter().any(|poll| poll.put_back);
    let mut options = Options { objects: 1, puts_back, ..Options::default() };
    for (key, value) in &config.options {
        let on = value.as_bool().unwrap_or_else(|| value.as_str().is_some_and(|s| s.starts_with("true")));
        match key.as_str() {
            "roStorage" => options.removals_ignored = on,
            "perCall" => options.object_per_call = on,
            "clients" => {
                let objects = value.as_u64().and_then(|n| usize::try_from(n).ok());
                options.objects = objects.filter(|n| (1..=64).contains(n)).ok_or_else(|| {
                    format!("config.options.clients: {value}; allowed: a whole number from 1 to 64")
                })?;
            }
            "proactive" | "automaticSilentRenew" => options.passive = !on,
            "setSession" | "putBack" | "restoreSession" | "keepSession" | "restore" => options.puts_back = on,
            "onTokenExpired" => options.refreshes_on_expiry = on,
            "updateToken" => {
                profile.caller.margin = Dur::from_secs(value.as_u64().ok_or_else(|| {
                    format!("config.options.updateToken: {value}; allowed: a whole number of seconds")
                })?);
            }
            // Each call refreshes.
            "forceRefresh" if on => profile.caller.margin = MAX_DURATION,
            "forceRefresh" => {}
            // The app reads the session and never refreshes it.
            "noManual" => profile.caller.refreshes = !on,
            "useRefreshTokens" | "useRefreshTokensFallback" => iframe(key, on, profile)?,
            // Without the storage, the session ends with its page.
            "cacheLocation" if value.as_str() == Some("memory") => profile.session.kept_in = KeptIn::Page,
            // The login iframe sends no request.
            "checkLoginIframe" => {}
            // The profile states where the session is kept. The recordings name it only for the reader.
            "persistence" | "cacheLocation" | "storage" | "userStore" => {}
            // The default policy is the one that the profile describes.
            "acquireTokenSilent" if value.as_str().is_some_and(|s| s.ends_with(".Default")) => {}
            other => return Err(format!("config.options.{other}: the replay does not know this option")),
        }
    }
    Ok(options)
}

/// Reads an option that says when the client opens its iframe.
fn iframe(key: &str, on: bool, profile: &mut Profile) -> Result<(), String> {
    let when = match (key, on) {
        ("useRefreshTokens", false) => IframeWhen::Always,
        ("useRefreshTokensFallback", true) => IframeWhen::Fallback,
        _ => return Ok(()),
    };
    let name = &profile.sdk.name;
    let iframe = profile.iframe.as_mut().ok_or_else(|| {
        format!("config.options.{key}: {}; profile {name} has no [iframe]", Value::Bool(on))
    })?;
    // Without refresh tokens there is nothing to fall back from.
    if iframe.when != IframeWhen::Always {
        iframe.when = when;
    }
    Ok(())
}
