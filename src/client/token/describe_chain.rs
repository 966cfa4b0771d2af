//! Says in sentences what a profile says of discovery, the iframe, and the memory of a failure.

use super::profile::Profile;
use super::profile_chain::{CooldownKeptIn, IframeWhen};
use crate::kernel::Dur;

impl Profile {
    /// The requests of a refresh.
    pub(super) fn chain(&self, all: &mut Vec<String>) {
        if let Some(discovery) = &self.discovery {
            let who = match discovery.before_read {
                true => "A page's first call requests the provider's metadata, even when the token is valid",
                false => "A page's first refresh requests the provider's metadata",
            };
            let lasts = match discovery.lasts {
                Some(lasts) => format!(", and keeps them for {lasts}"),
                None => String::new(),
            };
            all.push(format!(
                "{who}{lasts}. Without them, the call or refresh fails, and the next one requests them again."
            ));
        }
        let Some(iframe) = &self.iframe else { return };
        let and = "exchanges the code that its page gives";
        all.push(match iframe.when {
            IframeWhen::Never => {
                "The client can refresh through a hidden iframe. This profile does not do so.".to_owned()
            }
            IframeWhen::Fallback => format!(
                "Without a refresh token, or after some answers, a refresh opens a hidden iframe and {and}."
            ),
            IframeWhen::Always => format!("Each refresh opens a hidden iframe and {and}: two requests."),
        });
        if iframe.when == IframeWhen::Never {
            return;
        }
        all.push(format!(
            "An iframe whose page says nothing, as one with status 429 does, fails after {}.",
            iframe.timeout
        ));
        if iframe.tries > 1 {
            all.push(format!(
                "If the code is refused too, another iframe follows, up to {} in all.",
                iframe.tries
            ));
        }
    }

    /// What a failure leaves behind.
    pub(super) fn memory(&self, all: &mut Vec<String>) {
        let Some(cooldown) = &self.cooldown else {
            all.push("A failure is not remembered: the next caller sends the next request.".to_owned());
            return;
        };
        let some = self.answer.iter().any(|row| row.cools_down);
        let after = if some { "After a failure that a row says to remember" } else { "After a failure" };
        let place = match cooldown.kept_in {
            CooldownKeptIn::Object => "",
            CooldownKeptIn::Storage => " All tabs share this memory, and a reload does not end it.",
        };
        all.push(format!("{after}, callers get it again for {} without a request.{place}", cooldown.lasts));
        if cooldown.honours_retry_after {
            let cap = match cooldown.cap {
                Some(cap) if cap > Dur::ZERO => format!(", at most {cap}"),
                _ => String::new(),
            };
            all.push(format!(
                "An HTTP error with Retry-After is remembered for as long as it asks for{cap}: no request goes before."
            ));
        }
    }
}
