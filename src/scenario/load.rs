//! Reads scenarios.

use crate::client::policy::Policy;

/// A built-in policy.
pub fn preset(name: &str) -> Option<Policy> {
    let (enters, on, touch) = match name {
        "old" => (r#"["4xx"]"#, r#"["5xx","network"]"#, "swallow"),
        "new" => (r#"["401","422"]"#, r#"["5xx","network","429"]"#, "surface"),
        _ => return None,
    };
    toml::from_str(&format!("name=\"{name}\"\nenters-unauthenticated-flow={enters}\ntouch-errors=\"{touch}\"\n[retry]\non={on}\ninitial=\"3s\"\nfactor=1.55\ncap=\"50s\"\nretries=8\n")).ok()
}
