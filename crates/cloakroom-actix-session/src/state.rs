//! The state of an actix-session session, as a session value.

use std::collections::HashMap;

use cloakroom::SessionKind;
use serde::{Deserialize, Serialize};

/// Names and values in JSON, as actix-session passes them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct State(pub(crate) HashMap<String, String>);

/// The kind that separates these sessions from the application's other sessions on the same store.
#[derive(Clone, Copy, Debug)]
pub struct ActixSession;

impl SessionKind for ActixSession {
    const NAME: &'static str = "actix-session";
}
