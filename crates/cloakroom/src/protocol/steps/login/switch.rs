//! The end of another principal's session, once the user is signed in on a new one.

use super::super::super::{Failure, Rules as _};
use super::super::session::load_record;
use super::super::write::MAX_ATTEMPTS;
use super::super::{Ask, Context, KeptError, Loaded, Next, SessionState, Step, Written};
use super::{Login, State};
use crate::observe::Event;
use crate::record::EndReason;
use crate::store::{StoreError, Swap};

impl<T: Clone + PartialEq, E> Login<T, E> {
    /// The user is signed in on a new session: ends the other principal's.
    pub(super) fn switch<C: Context<Value = T>>(
        &mut self,
        context: &C,
        written: Written<T, ()>,
        other: Loaded<T>,
    ) -> Next<Written<T, ()>> {
        self.count_attempt()?;
        let ending = context.rules().end(EndReason::SignedInAsAnother, context.now());
        let ask = Ask::EndIf(other.id(), other.record.revision(), ending);
        self.state = State::Switching(written, other);
        Ok(Step::Ask(ask))
    }

    pub(super) fn count_attempt(&mut self) -> Result<(), Failure> {
        self.attempts += 1;
        if self.attempts == MAX_ATTEMPTS { Err(Failure::Conflict) } else { Ok(()) }
    }

    pub(super) fn switched<C: Context<Value = T>>(
        &mut self,
        context: &C,
        written: Written<T, ()>,
        other: &Loaded<T>,
        swap: Result<Swap, StoreError>,
    ) -> Next<Written<T, ()>> {
        match swap {
            Ok(Swap::Done) => {
                let (id, reason) = (other.id(), EndReason::SignedInAsAnother);
                context.report(&Event::Ended { id, reason });
            }
            Ok(Swap::Gone) => {}
            Err(error) => {
                // Nothing is answered while the other session may be open to its old key.
                let SessionState::Live(new) = &written.session else { return Err(error.into()) };
                let ending = context.rules().end(EndReason::Revoked, context.now());
                self.state = State::Withdrawing(KeptError(error));
                return Ok(Step::Ask(Ask::End(new.id(), ending)));
            }
            Ok(Swap::Stale(current)) => {
                // Only what is still open to this client is its to end.
                if let Ok(newer) = load_record(context, &other.credential, current) {
                    return self.switch(context, written, newer);
                }
            }
        }
        Ok(Step::Done(written))
    }
}
