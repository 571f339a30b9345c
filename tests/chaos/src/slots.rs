//! Who uses which session.

/// Sessions that the clients share.
pub(crate) const SLOTS: usize = 40;

/// The first slots have a user each. The others have four users, each with more slots than they
/// can have sessions: each of their sign-ins ends the oldest.
const ALONE: usize = 20;
const CROWDED: usize = 4;

/// Who signs in on the session of this slot.
pub(crate) fn principal_of(slot: usize) -> String {
    if slot < ALONE { format!("user-{slot}") } else { format!("crowd-{}", slot % CROWDED) }
}

/// Everyone who signs in.
pub(crate) fn principals() -> Vec<String> {
    let mut all: Vec<_> = (0..SLOTS).map(principal_of).collect();
    all.sort();
    all.dedup();
    all
}
