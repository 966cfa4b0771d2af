//! The options of a recording.

use super::recording::Config;

/// The options of a recording that change what is replayed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options {
    /// Client objects of a page.
    pub objects: usize,
    /// Each call makes a client object of its own.
    pub object_per_call: bool,
    /// Removals from the storage have no effect.
    pub removals_ignored: bool,
    /// The SDK's timer or ticker does not run.
    pub passive: bool,
    /// The app refreshes the session when it is told that the token has expired.
    pub refreshes_on_expiry: bool,
    /// The margin that the app asks with, in seconds, in place of the profile's.
    pub margin_s: Option<u64>,
    /// The app puts its copy of the session back when it gets none.
    pub puts_back: bool,
}

/// Reads the options.
///
/// # Errors
/// The option that the replay does not know, or whose value it cannot use.
pub(super) fn options(config: &Config) -> Result<Options, String> {
    let mut options = Options { objects: 1, ..Options::default() };
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
            "proactive" => options.passive = !on,
            "setSession" | "putBack" | "restoreSession" | "keepSession" | "restore" => options.puts_back = on,
            "onTokenExpired" => options.refreshes_on_expiry = on,
            "updateToken" => {
                options.margin_s = Some(value.as_u64().ok_or_else(|| {
                    format!("config.options.updateToken: {value}; allowed: a whole number of seconds")
                })?);
            }
            // The login iframe, where it is on, sends no request.
            "checkLoginIframe" => {}
            // Where the session is kept is part of the profile; the recordings name it for the reader.
            "persistence" | "cacheLocation" => {}
            // The shipped profile has refresh tokens; without them the package uses an iframe.
            "useRefreshTokens" if on => {}
            other => return Err(format!("config.options.{other}: the replay does not know this option")),
        }
    }
    Ok(options)
}
