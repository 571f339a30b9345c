//! What their sessions carry, as a value of ours.

use std::collections::HashMap;

use cloakroom::SessionKind;
use serde::{Deserialize, Serialize};

/// Names and values in JSON, as their trait has them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct State(pub(crate) HashMap<String, String>);

/// Sets these sessions apart from others of the application on the same store.
#[derive(Clone, Copy, Debug)]
pub struct ActixSession;

impl SessionKind for ActixSession {
    const NAME: &'static str = "actix-session";
}
