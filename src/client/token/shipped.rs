//! The shipped profiles: `scenarios/clients/`.

use super::profile::{Profile, UNRECORDED};
use crate::client::family::ModelRow;
use crate::text::clean;
use std::sync::{Arc, LazyLock};

/// Declares the shipped profiles. A file has the name of its model.
macro_rules! shipped {
    ($($name:literal $(: $note:literal)?),* $(,)?) => {
        /// The shipped profiles: name of the model and text of the file.
        pub const SHIPPED: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../scenarios/clients/", $name, ".toml")))),*];

        /// The models of the shipped profiles, in the same order.
        pub(super) const MODELS: [ModelRow; SHIPPED.len()] = [$(ModelRow {
            name: $name,
            about: concat!("The token client that `scenarios/clients/", $name, ".toml` describes." $(, " ", $note)?),
            takes_max_rounds: false,
            is_contender: true,
            shipped_with: None,
        }),*];
    };
}

shipped!(
    "auth0-spa-js-2.28.3",
    "aws-amplify-6.22.1",
    "better-auth-1.7.25": "From its source alone: no recording confirms it.",
    "firebase-1.13.9",
    "keycloak-js-26.2.4",
    "msal-browser-5.30.0",
    "oidc-client-ts-3.5.0",
    "supabase-js-2.105.4",
    "supabase-js-2.107.0",
    "supabase-js-2.119.1",
);

/// The shipped profile for a release of a package, both named as in recordings.
///
/// # Panics
/// If a shipped profile is invalid; a test reads each.
pub fn shipped(package: &str, version: &str) -> Option<Profile> {
    let mut all = profiles().iter();
    all.find(|p| p.sdk.package == package && p.sdk.version == version).map(|p| Profile::clone(p))
}

/// The shipped profile at this place.
pub(super) fn profile(place: usize) -> Arc<Profile> {
    Arc::clone(&profiles()[place])
}

/// The name of a policy as results show it: printable, and that of a shipped client that no recording confirms says so.
pub fn label(policy: &str) -> String {
    let note = if named(policy).is_some_and(|profile| profile.sdk.unrecorded) { UNRECORDED } else { "" };
    format!("{}{note}", clean(policy))
}

/// The shipped profile of this name.
pub fn named(name: &str) -> Option<Arc<Profile>> {
    profiles().iter().find(|profile| profile.sdk.name == name).map(Arc::clone)
}

fn profiles() -> &'static [Arc<Profile>] {
    static PROFILES: LazyLock<Vec<Arc<Profile>>> = LazyLock::new(|| {
        let read = |text| Profile::parse(text).expect("shipped profiles are read by a test").0;
        SHIPPED.iter().map(|(_, text)| Arc::new(read(text))).collect()
    });
    &PROFILES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_profile_is_read_and_named_as_its_file() {
        for (name, text) in SHIPPED {
            let (profile, _) = Profile::parse(text).unwrap_or_else(|e| panic!("{name}.toml:{e}"));
            assert_eq!(profile.sdk.name, *name);
            assert!(shipped(&profile.sdk.package, &profile.sdk.version).is_some(), "{name}");
        }
    }

    /// Each row of a profile cites its source.
    #[test]
    fn every_row_of_a_shipped_profile_cites_its_source() {
        for (name, text) in SHIPPED {
            let mut cited = false;
            for (n, line) in text.lines().enumerate() {
                let in_block = !line.is_empty() && cited;
                cited = line.starts_with('[') && line.contains('#') || in_block;
                let is_row = line.contains('=') && !line.starts_with('#');
                let is_name =
                    ["name", "package", "version"].iter().any(|k| line.starts_with(&format!("{k} = ")));
                assert!(!is_row || is_name || cited || line.contains('#'), "{name}.toml:{}: {line}", n + 1);
            }
        }
    }
}
