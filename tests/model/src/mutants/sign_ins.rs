//! Wrong decisions about sign-ins and their keys.

use cloakroom::key::{Carrier, KindTag, Nonce, Secret, Verifier};
use cloakroom::protocol::{self, SignIn, SignInBy, SignInKey};
use cloakroom::record::{Record, SignInTrace};
use cloakroom::{Key, Principal, Timestamp};

super::decisions! {
    OtherKeepsSession "a sign-in of another principal keeps the session" in sign_in {
        fn plan_sign_in(&self, _: &Record, _: &Principal) -> SignIn {
            SignIn::Keep
        }
    }
    SameSwitches "a sign-in of the same principal ends the session" in sign_in {
        fn plan_sign_in(&self, _: &Record, _: &Principal) -> SignIn {
            SignIn::Switch
        }
    }
    LoginKeepsSecret "a sign-in leaves the old secret valid" in sign_in {
        fn sign_in(
            &self,
            record: &Record,
            who: &Principal,
            _: Verifier,
            trace: Option<SignInTrace>,
            now: Timestamp,
        ) -> Record {
            protocol::sign_in(record, who, record.credentials().current, trace, now)
        }
    }
    NooneSignedIn "a sign-in replaces the secret only" in sign_in {
        fn sign_in(
            &self,
            record: &Record,
            _: &Principal,
            key: Verifier,
            _: Option<SignInTrace>,
            now: Timestamp,
        ) -> Record {
            protocol::replace_secret(record, key, now)
        }
    }
    SignInsNotTraced "a sign-in forgets how it derived the secret" in double_click {
        fn sign_in(
            &self,
            record: &Record,
            who: &Principal,
            key: Verifier,
            _: Option<SignInTrace>,
            now: Timestamp,
        ) -> Record {
            protocol::sign_in(record, who, key, None, now)
        }
    }
    SignInKeyDrawn "the key of a sign-in is drawn instead of derived" in double_click {
        fn sign_in_key(
            &self,
            record: &Record,
            presented: &Key,
            carrier: Carrier,
            kind: KindTag,
            nonce: Nonce,
            now: Timestamp,
        ) -> SignInKey {
            let drawn = presented.with_secret(Secret::from_bytes([0x55; 16]));
            protocol::sign_in_key(record, &drawn, carrier, kind, nonce, now)
        }
    }
    SignInKeyOnce "a sign-in that is sent again is given another key" in double_click {
        fn repeated_sign_in(
            &self,
            _: &Record,
            _: &Key,
            _: SignInBy<'_>,
            _: KindTag,
            _: Timestamp,
        ) -> Option<Key> {
            None
        }
    }
    RenewalForgotten "a sign-in ignores a renewal in progress" in sign_in_renewal {
        fn sign_in_key(
            &self,
            record: &Record,
            presented: &Key,
            carrier: Carrier,
            kind: KindTag,
            nonce: Nonce,
            now: Timestamp,
        ) -> SignInKey {
            // Without the renewal, there is no successor to begin with.
            let settled = protocol::retire(record, now);
            protocol::sign_in_key(&settled, presented, carrier, kind, nonce, now)
        }
    }
    CarrierIgnored "a sign-in for a bearer token gives a cookie" in bearer_login {
        fn sign_in_key(
            &self,
            record: &Record,
            presented: &Key,
            _: Carrier,
            kind: KindTag,
            nonce: Nonce,
            now: Timestamp,
        ) -> SignInKey {
            protocol::sign_in_key(record, presented, Carrier::Cookie, kind, nonce, now)
        }
    }
}
