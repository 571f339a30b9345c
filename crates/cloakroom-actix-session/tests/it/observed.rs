//! What observers are told over the bridge.

use std::sync::{Arc, Mutex};

use actix_session::storage::SessionStore;
use cloakroom::Store;
use cloakroom::observe::{Event, Observer};
use cloakroom_actix_session::ActixSessionStore;

use crate::bridge::{HOUR, copy, state};

#[derive(Clone, Debug, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Observer for Heard {
    fn observe(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(format!("{event:?}"));
    }
}

async fn observers_hear_of_beginning_and_end_and_of_no_secret(store: impl Store) {
    let caught_up_to = Heard::default();
    // Without a clock of its own, a bridge goes by the machine's.
    let sessions =
        ActixSessionStore::with(store, |builder| builder.observer(caught_up_to.clone())).unwrap();
    let key = sessions.save(state("hat"), &HOUR).await.unwrap();
    sessions.update(copy(&key), state("coat"), &HOUR).await.unwrap();
    sessions.delete(&key).await.unwrap();
    assert_eq!(sessions.load(&key).await.unwrap(), None);

    let caught_up_to = caught_up_to.0.lock().unwrap().join("\n");
    assert!(caught_up_to.contains("Created") && caught_up_to.contains("Ended"), "{caught_up_to}");
    assert!(
        !caught_up_to.contains(&key.as_ref()[22..]) && !caught_up_to.contains("coat"),
        "{caught_up_to}"
    );
}

on_every_store! {
    observers_hear_of_beginning_and_end_and_of_no_secret
}
