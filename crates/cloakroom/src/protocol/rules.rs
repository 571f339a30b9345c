//! The decisions that the steps make, as one replaceable set.

use std::time::Duration;

use super::{
    Authorization, Challenge, ChallengeStatus, Challenger, CookieChange, Failure, KeyStatus,
    NoSession, Renewal, RequestOrigin, Seat, Settled, SignIn, SignInBy, SignInKey, accept_proof,
    can_register, confirm_device_by_use, confirm_successor, end, extend, extend_cookie,
    give_lifetime, is_authorized, is_being_bound, is_login_forged, is_over, is_withheld,
    judge_challenge, judge_ended, judge_with, make_room, needs_longer_cookie, next_key,
    offer_binding, plan_sign_in, register_device, renew_bound, renewal, repeated_sign_in,
    replace_secret, retire, settle, sign_in, sign_in_key, start_renewal, touch_due, used,
    without_expiry,
};
use crate::key::{Carrier, DeviceKey, Key, KindTag, Nonce, PublicId, Verifier};
use crate::policy::{Lifetime, Principal, SameSite, SessionLimit};
use crate::record::{BoundDevice, EndReason, Ending, Record, Revision, SignInTrace, Tombstone};
use crate::time::Timestamp;

/// Every decision that the [steps](super::steps) make.
///
/// Each method is the function of the same name; the library runs with [`Protocol`], which
/// replaces none. A checker replaces one at a time, to see that its search notices.
pub trait Rules {
    /// See [`judge_with`](super::judge_with).
    fn judge(
        &self,
        record: &Record,
        presented: &Verifier,
        reuse_after: Duration,
        now: Timestamp,
    ) -> KeyStatus {
        judge_with(record, presented, reuse_after, now)
    }

    /// Like `judge`, on the record that another write has left.
    fn judge_again(
        &self,
        record: &Record,
        presented: &Verifier,
        reuse_after: Duration,
        now: Timestamp,
    ) -> KeyStatus {
        self.judge(record, presented, reuse_after, now)
    }

    /// See [`judge_ended`](super::judge_ended).
    fn judge_ended(&self, tombstone: &Tombstone, presented: &Verifier) -> KeyStatus {
        judge_ended(tombstone, presented)
    }

    /// See [`is_over`](super::is_over).
    fn is_over(&self, record: &Record, now: Timestamp) -> bool {
        is_over(record, now)
    }

    /// See [`renewal`](super::renewal()).
    fn renewal(&self, record: &Record, presented: &Verifier, now: Timestamp) -> Renewal {
        renewal(record, presented, now)
    }

    /// See [`start_renewal`](super::start_renewal).
    fn start_renewal(
        &self,
        record: &Record,
        presented: &Key,
        kind: KindTag,
        nonce: Nonce,
        now: Timestamp,
    ) -> (Record, Key) {
        start_renewal(record, presented, kind, nonce, now)
    }

    /// See [`confirm_successor`](super::confirm_successor).
    fn confirm_successor(&self, record: &Record, now: Timestamp) -> Record {
        confirm_successor(record, now)
    }

    /// See [`retire`](super::retire).
    fn retire(&self, record: &Record, now: Timestamp) -> Record {
        retire(record, now)
    }

    /// See [`next_key`](super::next_key).
    fn next_key(&self, record: &Record, presented: &Key) -> Option<Key> {
        next_key(record, presented)
    }

    /// See [`needs_longer_cookie`](super::needs_longer_cookie).
    fn needs_longer_cookie(&self, record: &Record) -> bool {
        needs_longer_cookie(record)
    }

    /// See [`extend_cookie`](super::extend_cookie).
    fn extend_cookie(
        &self,
        record: &Record,
        presented: &Key,
        kind: KindTag,
        nonce: Nonce,
        now: Timestamp,
    ) -> Option<(Record, Key)> {
        extend_cookie(record, presented, kind, nonce, now)
    }

    /// See [`confirm_device_by_use`](super::confirm_device_by_use).
    fn confirm_device(&self, record: &Record, now: Timestamp) -> Record {
        confirm_device_by_use(record, now)
    }

    /// See [`offer_binding`](super::offer_binding).
    fn offer_binding(&self, record: &Record, seed: [u8; 16], now: Timestamp) -> Record {
        offer_binding(record, seed, now)
    }

    /// See [`is_authorized`](super::is_authorized).
    fn is_authorized(
        &self,
        record: &Record,
        challenger: Challenger<'_>,
        authorization: &Authorization,
        now: Timestamp,
    ) -> bool {
        is_authorized(record, challenger, authorization, now)
    }

    /// See [`can_register`](super::can_register).
    fn can_register(
        &self,
        record: &Record,
        challenger: Challenger<'_>,
        key: &DeviceKey,
        challenge: &Challenge,
        now: Timestamp,
    ) -> bool {
        can_register(record, challenger, key, challenge, now)
    }

    /// See [`register_device`](super::register_device).
    fn register_device(
        &self,
        record: &Record,
        key: &DeviceKey,
        secret: Verifier,
        life: Duration,
        now: Timestamp,
    ) -> Option<Record> {
        register_device(record, key, secret, life, now)
    }

    /// See [`is_being_bound`](super::is_being_bound).
    fn is_being_bound(&self, record: &Record, now: Timestamp) -> bool {
        is_being_bound(record, now)
    }

    /// See [`judge_challenge`](super::judge_challenge).
    fn judge_challenge(
        &self,
        device: &BoundDevice,
        challenger: Challenger<'_>,
        challenge: &Challenge,
        now: Timestamp,
    ) -> ChallengeStatus {
        judge_challenge(device, challenger, challenge, now)
    }

    /// See [`accept_proof`](super::accept_proof).
    fn accept_proof(
        &self,
        record: &Record,
        challenge: ChallengeStatus,
        secret: Verifier,
        life: Duration,
        now: Timestamp,
    ) -> Option<Record> {
        accept_proof(record, challenge, secret, life, now)
    }

    /// See [`renew_bound`](super::renew_bound).
    fn renew_bound(
        &self,
        record: &Record,
        presented: &Verifier,
        fresh: Verifier,
        now: Timestamp,
    ) -> Option<Record> {
        renew_bound(record, presented, fresh, now)
    }

    /// See [`touch_due`](super::touch_due).
    fn touch_due(&self, record: &Record, now: Timestamp) -> Option<Timestamp> {
        touch_due(record, now)
    }

    /// See [`used`](super::used).
    fn used(&self, record: &Record, now: Timestamp) -> Record {
        used(record, now)
    }

    /// See [`extend`](super::extend).
    fn extend(&self, record: &Record, span: Duration, now: Timestamp) -> Record {
        extend(record, span, now)
    }

    /// See [`without_expiry`](super::without_expiry).
    fn without_expiry(&self, record: &Record, now: Timestamp) -> Record {
        without_expiry(record, now)
    }

    /// See [`give_lifetime`](super::give_lifetime).
    fn give_lifetime(&self, record: &Record, lifetime: Lifetime, now: Timestamp) -> Record {
        give_lifetime(record, lifetime, now)
    }

    /// Whether something that no write will put to the test, such as a refusal, can be decided by a
    /// record: not if the record is only about to be written.
    fn decides_by(&self, is_certain: bool) -> bool {
        is_certain
    }

    /// See [`settle`](super::settle()).
    fn settle(&self, expected: Revision, ours: Revision, found: Revision) -> Settled {
        settle(expected, ours, found)
    }

    /// See [`plan_sign_in`](super::plan_sign_in).
    fn plan_sign_in(&self, record: &Record, principal: &Principal) -> SignIn {
        plan_sign_in(record, principal)
    }

    /// See [`repeated_sign_in`](super::repeated_sign_in).
    fn repeated_sign_in(
        &self,
        record: &Record,
        presented: &Key,
        sign_in: SignInBy<'_>,
        kind: KindTag,
        now: Timestamp,
    ) -> Option<Key> {
        repeated_sign_in(record, presented, sign_in, kind, now)
    }

    /// See [`sign_in_key`](super::sign_in_key).
    fn sign_in_key(
        &self,
        record: &Record,
        presented: &Key,
        carrier: Carrier,
        kind: KindTag,
        nonce: Nonce,
        now: Timestamp,
    ) -> SignInKey {
        sign_in_key(record, presented, carrier, kind, nonce, now)
    }

    /// See [`sign_in`](super::sign_in).
    fn sign_in(
        &self,
        record: &Record,
        principal: &Principal,
        secret: Verifier,
        trace: Option<SignInTrace>,
        now: Timestamp,
    ) -> Record {
        sign_in(record, principal, secret, trace, now)
    }

    /// See [`replace_secret`](super::replace_secret).
    fn replace_secret(&self, record: &Record, fresh: Verifier, now: Timestamp) -> Record {
        replace_secret(record, fresh, now)
    }

    /// See [`make_room`](super::make_room).
    fn make_room(&self, limit: SessionLimit, sessions: &[Seat]) -> Option<Vec<PublicId>> {
        make_room(limit, sessions)
    }

    /// See [`end`](super::end).
    fn end(&self, reason: EndReason, now: Timestamp) -> Ending {
        end(reason, now)
    }

    /// See [`CookieChange::send`].
    fn send(&self, key: Key, record: &Record, now: Timestamp) -> CookieChange {
        CookieChange::send(key, record, now)
    }

    /// What the response to a request with a valid key does to the cookie, if nothing was renewed.
    fn keep(&self, _presented: &Key, _record: &Record) -> CookieChange {
        CookieChange::Keep
    }

    /// Which of two statuses of one request's keys counts: the one that says more.
    fn weight(&self, status: KeyStatus) -> u8 {
        status.weight()
    }

    /// Why a request without a session, for this reason, cannot begin one; `None` if it can.
    fn beginning(&self, no_session: NoSession) -> Option<Failure> {
        match no_session {
            // Its browser probably has a newer key.
            NoSession::Superseded => Some(Failure::Superseded),
            // Its browser has a key that a newer version can use.
            NoSession::Unreadable => Some(Failure::Unreadable),
            // Its browser has a device's key with which it can get a secret.
            NoSession::ProofNeeded => Some(Failure::ProofNeeded),
            // Its browser may have a key that it did not send.
            NoSession::Withheld => Some(Failure::CrossSite),
            _ => None,
        }
    }

    /// See [`is_withheld`](super::is_withheld).
    fn is_withheld(&self, origin: RequestOrigin, same_site: SameSite, is_known: bool) -> bool {
        is_withheld(origin, same_site, is_known)
    }

    /// See [`is_login_forged`](super::is_login_forged).
    fn is_login_forged(&self, origin: RequestOrigin, is_verified: bool) -> bool {
        is_login_forged(origin, is_verified)
    }
}

/// The library's own rules.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to set")]
pub struct Protocol;

impl Rules for Protocol {}
