//! The shipped profiles: `scenarios/clients/`.

use super::profile::Profile;

/// Declares the shipped profiles. A file has the name of its model.
macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        /// The shipped profiles: name of the model and text of the file.
        pub const SHIPPED: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../scenarios/clients/", $name, ".toml")))),*];
    };
}

shipped!(
    "auth0-spa-js-2.28.3",
    "aws-amplify-6.22.1",
    "firebase-1.13.9",
    "keycloak-js-26.2.4",
    "supabase-js-2.105.4",
    "supabase-js-2.107.0",
    "supabase-js-2.119.1",
);

/// The shipped profile for a release of a package, both named as in recordings.
///
/// # Panics
/// If a shipped profile is invalid; a test reads each.
pub fn shipped(package: &str, version: &str) -> Option<Profile> {
    let read = |text| Profile::parse(text).expect("shipped profiles are read by a test").0;
    let mut all = SHIPPED.iter().map(|(_, text)| read(text));
    all.find(|profile| profile.sdk.package == package && profile.sdk.version == version)
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
