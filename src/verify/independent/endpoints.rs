//! The endpoints, by their names in scenarios.

use crate::backend::Endpoint;

pub(super) const TOKENS: Endpoint = Endpoint::known("tokens");
pub(super) const TOUCH: Endpoint = Endpoint::known("touch");
pub(super) const CLIENT: Endpoint = Endpoint::known("client");
pub(super) const ENVIRONMENT: Endpoint = Endpoint::known("environment");
pub(super) const SIGN_IN: Endpoint = Endpoint::known("sign-in");
pub(super) const GENERIC: Endpoint = Endpoint::known("generic");
