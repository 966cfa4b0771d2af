//! An SDK of one's own in a storm: faults, a limit, metrics, charts, the page and the story of its worst session.
//!
//! `cargo run --example own_sdk -- FOLDER` writes the results and the page into a folder and prints the finding and the
//! beginning of a story.

use authstorm::client::own::{Event, Own, Page, Sdk};
use authstorm::explain::{self, Session, Wanted};
use authstorm::kernel::Dur;
use authstorm::{Control, Extensions, Results, Study, page};
use std::path::Path;

/// The scenario: 200 users behind four addresses, a limit on each address, and a minute of 429.
const SCENARIO: &str = include_str!("own_sdk.toml");

// The SDK begins here.

/// It refreshes 30 s before expiry by a timer, shares a refresh among callers, and gives them the old token while it is
/// good. After a failure it rests for 20 s.
#[derive(Clone, Debug, Default)]
pub(crate) struct MySdk {
    /// Whether a failure is less than 20 s old.
    rests: bool,
}

/// The number of the timer before expiry.
const EXPIRY: u8 = 0;
/// The number of the timer that ends a rest.
const REST: u8 = 1;
const MARGIN: Dur = Dur::from_secs(30);
const PAUSE: Dur = Dur::from_secs(20);

impl MySdk {
    /// Refreshes, unless a refresh is under way or has just failed.
    fn refresh(&self, page: &mut Page<'_>) {
        if !self.rests && !page.is_refreshing() {
            page.refresh();
        }
    }

    /// Sets the timer before expiry. The token may be one that another tab has refreshed.
    fn set_timer(page: &mut Page<'_>) {
        let left = page.token_left().unwrap_or_default();
        page.set_timer(EXPIRY, Dur(left.0.saturating_sub(MARGIN.0)).max(Dur::from_secs(1)));
    }
}

impl Sdk for MySdk {
    const NAME: &'static str = "my-sdk";
    const ABOUT: &'static str = "Refreshes 30 s before expiry, and rests for 20 s after a failure.";

    fn on(&mut self, event: Event, page: &mut Page<'_>) {
        match event {
            Event::Opened | Event::Refreshed => {
                page.answer_callers();
                MySdk::set_timer(page);
            }
            Event::Timer(EXPIRY) if page.token_left() > Some(MARGIN) => MySdk::set_timer(page),
            Event::Timer(number) => {
                self.rests &= number != REST;
                self.refresh(page);
            }
            // The server refuses the refresh token with 400: the session is gone.
            Event::Failed(failure) if failure.status == 400 || page.ends_session(failure) => page.sign_out(),
            Event::Failed(failure) => {
                page.fail_callers(failure);
                self.rests = true;
                page.set_timer(REST, PAUSE);
            }
            // Whoever asks for a token gets the old one while it is good.
            _ if page.token_left() > Some(Dur::ZERO) => page.answer_callers(),
            _ => self.refresh(page),
        }
    }
}

// The SDK ends here.

/// Runs the scenario.
pub(crate) fn study() -> Result<Study, authstorm::Error> {
    Study::parse_extended("own_sdk.toml", SCENARIO, &Extensions::default().client::<Own<MySdk>>())
}

/// Runs the SDK, writes what comes out of it into a folder, and says what it is.
pub(crate) fn show(folder: &Path) -> Result<(Results, String), Box<dyn std::error::Error>> {
    let study = study()?;
    let mut results = study.run()?;
    for policy in &results.policies {
        let recursive = policy.metric("recursive_refreshes").mean;
        assert!(recursive <= 0.0, "{}: {recursive} refreshes cause another", policy.name);
    }
    explain::tell_worst(&study, &mut results, &Control::default())?;
    results.write(folder.join("data"))?;
    for file in page::files(&results)? {
        std::fs::write(folder.join(&file.name), &file.bytes)?;
    }
    let story = explain::tell(&study, Wanted::whole(0, None, Session::Worst), &Control::default())?;
    let said = authstorm::results::finding(&results).join("\n");
    Ok((results, format!("{said}\n\n{}", explain::text::text(&story))))
}

#[allow(dead_code, reason = "the test calls `show` alone")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).ok_or("usage: own_sdk FOLDER")?;
    std::fs::create_dir_all(&folder)?;
    let (_, said) = show(Path::new(&folder))?;
    said.lines().take(40).for_each(|line| println!("{line}"));
    Ok(())
}
