//! Session limits, and sessions whose device may be gone.

use cloakroom::record::EndReason;
use cloakroom::{ErrorKind, NoSession, SessionLimit, Store};

use super::super::{alice, assert_kind};
use super::visitor::{LIFE, Visitor};
use crate::{Client, block_on};

/// While the owner's cookie is good, the limit holds. Once only a proof could open the session, its
/// key may be lost: the new sign-in takes its place.
pub fn a_lost_device_key_locks_no_one_out_of_a_limit(store: impl Store) {
    block_on(async {
        let limit = SessionLimit::reject_new(1);
        let mut visitor = Visitor::with(store, |builder| builder.limit(limit));
        visitor.sign_in().await.unwrap();
        assert!(visitor.visit().await.is_ok());
        let elsewhere = async |visitor: &Visitor| {
            let sign_in = async |session: &mut cloakroom::Session<_>| session.login(&alice()).await;
            visitor.request(&Client::new(), sign_in).await.0
        };
        assert_kind(elsewhere(&visitor).await, ErrorKind::TooManySessions);

        visitor.browser.lose_keys();
        visitor.wait(LIFE);
        assert_eq!(visitor.visit().await, Err(NoSession::NoKey));
        visitor.wait(LIFE / 60); // the clocks of nodes can differ
        visitor.sign_in().await.unwrap();
        assert!(visitor.visit().await.is_ok());
        assert!(visitor.saw("Ended"), "{:?}", visitor.test.events());
        let over_limit = format!("{:?}", EndReason::OverLimit);
        assert!(visitor.test.events().iter().any(|event| event.contains(&over_limit)));
    });
}
