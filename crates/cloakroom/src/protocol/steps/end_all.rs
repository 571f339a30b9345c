//! The end of a principal's sessions.

use std::mem;
use std::time::Duration;

use super::super::{Failure, Rules as _, live_record_of};
use super::end::report_end;
use super::{Answer, Ask, Context, KeptError, Next, Step, Steps};
use crate::key::{KindTag, PublicId};
use crate::policy::{LONGEST, Principal};
use crate::record::{EndReason, Ending, Record, Stored};
use crate::store::{Page, StoreError, StoreErrorKind};
use crate::time::Timestamp;

/// How far ahead of this clock a moment can be. One that is years ahead would lock the principal
/// out.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(60);
/// How many ids to read from the principal index at once.
const PAGE: usize = 100;
/// How long after an erasure the store can still name the principal: sign-ins in progress must be
/// refused, and writes must find the tombstones.
const ERASED_AFTER: Duration = Duration::from_secs(60);

/// Ends sessions on which a principal is signed in: all of them, those with an older sign-in, or
/// one. On demand, it erases what the store keeps of the principal.
///
/// A record that cannot be read fails the operation, once the others have been ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EndAll {
    principal: Principal,
    reason: EndReason,
    /// The sessions whose sign-in is older end, and those whose sign-in is in the future: a clock
    /// that is ahead wrote it. Sign-ins in progress that are older are refused.
    before: Option<Timestamp>,
    /// When the operation began.
    at: Timestamp,
    kept: Option<PublicId>,
    /// The kind of the sessions that end; `None` for every kind.
    kind: Option<KindTag>,
    /// The page of the index to read next; `None` after the last one.
    page: Option<Page>,
    /// The sessions of the last page that are still to be looked at, in reverse order.
    ids: Vec<PublicId>,
    count: usize,
    unread: Option<KeptError>,
    /// The entries of the last page that are to be erased; `None` if none are.
    erased: Option<Vec<PublicId>>,
    /// Whether a page has been read since the last erasure.
    erasure_is_due: bool,
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
enum State {
    #[default]
    Idle,
    Revoking,
    Listing(Page),
    Reading(PublicId),
    Ending(PublicId),
    Erasing,
}

impl EndAll {
    /// Ends all sessions of `principal`, except `kept`.
    pub fn of(principal: Principal, kept: Option<PublicId>, reason: EndReason) -> Self {
        Self {
            principal,
            reason,
            before: None,
            at: Timestamp::EPOCH,
            kept,
            kind: None,
            page: Some(Page::first(PAGE)),
            ids: Vec::new(),
            count: 0,
            unread: None,
            erased: None,
            erasure_is_due: false,
            state: State::Idle,
        }
    }

    /// The same, for sessions of this kind only.
    #[must_use = "the changed operation is returned"]
    pub fn of_kind(mut self, kind: KindTag) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Ends all sessions of `principal` whose sign-in is older than `before`, and refuses sign-ins
    /// in progress that are.
    pub fn older_than(before: Timestamp, principal: Principal, reason: EndReason) -> Self {
        Self { before: Some(before), ..Self::of(principal, None, reason) }
    }

    /// Ends all sessions of `principal`, refuses sign-ins in progress at `now`, and has the store
    /// forget the principal a minute later.
    pub fn erasing(now: Timestamp, principal: Principal) -> Self {
        let after = now.after(Duration::from_millis(1));
        let all = Self::older_than(after, principal, EndReason::Revoked);
        Self { erased: Some(Vec::new()), ..all }
    }

    /// Ends session `id`, if `principal` is signed in on it.
    pub fn one(id: PublicId, principal: Principal, reason: EndReason) -> Self {
        Self { page: None, ids: vec![id], ..Self::of(principal, None, reason) }
    }
}

impl<C: Context> Steps<C> for EndAll {
    /// How many sessions there were.
    type Outcome = usize;

    fn start(&mut self, context: &C) -> Next<usize> {
        let Some(before) = self.before else { return self.go_on() };
        self.at = context.now();
        let before = before.min(self.at.after(MAX_CLOCK_SKEW));
        self.before = Some(before);
        // The watermark first: a later sign-in is refused by it, and an earlier one is already in
        // the index.
        self.state = State::Revoking;
        let until =
            if self.erased.is_some() { self.at.after(ERASED_AFTER) } else { before.after(LONGEST) };
        Ok(Step::Ask(Ask::RevokeBefore(self.principal.clone(), before, until)))
    }

    fn step(&mut self, context: &C, answer: Answer) -> Next<usize> {
        // The watermark is set, or a session has ended.
        let has_begun = self.count > 0 || (self.before.is_some() && self.state != State::Revoking);
        let next = self.advance(context, answer);
        next.map_err(|failure| if has_begun { failure.of_unknown_outcome() } else { failure })
    }
}

impl EndAll {
    fn advance<C: Context>(&mut self, context: &C, answer: Answer) -> Next<usize> {
        match (mem::take(&mut self.state), answer) {
            (State::Revoking, Answer::Revoked(revoked)) => {
                revoked?;
                self.go_on()
            }
            (State::Listing(page), Answer::Listed(ids)) => {
                let ids = ids?;
                let last = ids.last().filter(|_| ids.len() == page.limit());
                self.page = last.map(|last| page.after(*last));
                self.ids = ids.into_iter().rev().filter(|id| Some(*id) != self.kept).collect();
                self.erasure_is_due = self.erased.is_some();
                self.go_on()
            }
            (State::Reading(id), Answer::Stored(stored)) => self.read(context, id, stored),
            (State::Ending(id), Answer::Ended(ended)) => {
                report_end(context, id, self.reason, ended)?;
                self.count += 1;
                self.erased.iter_mut().for_each(|erased| erased.push(id));
                self.go_on()
            }
            (State::Erasing, Answer::Erased(erased)) => {
                erased?;
                self.go_on()
            }
            _ => Err(Failure::OutOfOrder),
        }
    }

    /// Looks at the next session, or reads the next page.
    fn go_on(&mut self) -> Next<usize> {
        if let Some(id) = self.ids.pop() {
            self.state = State::Reading(id);
            return Ok(Step::Ask(Ask::Get(id)));
        }
        if let (Some(erased), true) = (&mut self.erased, mem::take(&mut self.erasure_is_due)) {
            let (erased, until) = (mem::take(erased), self.at.after(ERASED_AFTER));
            self.state = State::Erasing;
            return Ok(Step::Ask(Ask::Erase(self.principal.clone(), erased, until)));
        }
        if let Some(page) = self.page.take() {
            self.state = State::Listing(page);
            return Ok(Step::Ask(Ask::SessionsOf(self.principal.clone(), self.kind, page)));
        }
        match self.unread.take() {
            Some(error) => Err(error.0.into()),
            None => Ok(Step::Done(self.count)),
        }
    }

    fn read<C: Context>(
        &mut self,
        context: &C,
        id: PublicId,
        stored: Result<Option<Stored>, StoreError>,
    ) -> Next<usize> {
        let stored = match stored {
            // End the others first, then report it.
            Err(error) if error.kind() == StoreErrorKind::Corrupt => {
                self.unread = Some(KeptError(error));
                return self.go_on();
            }
            stored => stored?,
        };
        let is_older = |record: &Record| {
            let is_before = |at, before| at < before || at > self.at;
            self.before.is_none_or(|before| {
                record.authenticated_at().is_none_or(|at| is_before(at, before))
            })
        };
        let now = context.now();
        let live = live_record_of(stored, &self.principal, now);
        if !live.as_ref().is_some_and(is_older) {
            // A sign-in in progress enters its session again, or is refused.
            if live.is_none() {
                self.erased.iter_mut().for_each(|erased| erased.push(id));
            }
            return self.go_on();
        }
        self.state = State::Ending(id);
        let ending = match self.erased {
            Some(_) => Ending::new(self.reason, now, now.after(ERASED_AFTER)),
            None => context.rules().end(self.reason, now),
        };
        Ok(Step::Ask(Ask::End(id, ending)))
    }
}
