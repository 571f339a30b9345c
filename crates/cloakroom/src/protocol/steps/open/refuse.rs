//! A key that opens nothing, and a session that cannot be read.

use super::super::super::{Failure, KeyStatus, NoSession, Rules as _};
use super::super::{Ask, Context, Next, Step};
use super::{Open, Opened, State};
use crate::key::PublicId;
use crate::observe::Event;
use crate::policy::{Reaction, UnreadablePolicy};
use crate::record::EndReason;

impl<T: Clone + PartialEq> Open<T> {
    /// Reports a key that opens nothing, and decides what the request sees.
    pub(super) fn refuse<C: Context<Value = T>>(
        &mut self,
        context: &C,
        id: PublicId,
        status: KeyStatus,
    ) -> Next<Opened<T>> {
        match status {
            KeyStatus::Valid | KeyStatus::Superseded => {
                context.report(&Event::RetiredKey { id });
                self.outlook.superseded = true;
                self.try_next(context)
            }
            KeyStatus::Invalid(no_session) => {
                self.report(context, id, no_session);
                self.absent(context, no_session)
            }
            KeyStatus::Reused => {
                context.report(&Event::KeyReused { id });
                match context.policy().reuse.reaction {
                    // A bearer key is never renewed on a timer, so its client cannot have fallen
                    // behind: only report it.
                    _ if !self.renews => self.absent(context, NoSession::Retired),
                    Reaction::Report => self.absent(context, NoSession::Retired),
                    Reaction::Refuse => {
                        self.outlook.reused = true;
                        self.try_next(context)
                    }
                    Reaction::End => {
                        let reason = EndReason::KeyReused;
                        self.end(context, id, reason, NoSession::Ended(reason))
                    }
                }
            }
        }
    }

    pub(super) fn report<C: Context>(&self, context: &C, id: PublicId, no_session: NoSession) {
        let client = self.client;
        match no_session {
            NoSession::Unknown => context.report(&Event::UnknownKey { id, client }),
            NoSession::WrongSecret => context.report(&Event::WrongSecret { id, client }),
            NoSession::Retired => context.report(&Event::RetiredKey { id }),
            NoSession::Expired => context.report(&Event::UseAfterEnd { id, reason: None }),
            NoSession::Ended(reason) => {
                context.report(&Event::UseAfterEnd { id, reason: Some(reason) });
            }
            _ => {}
        }
    }

    pub(super) fn end<C: Context<Value = T>>(
        &mut self,
        context: &C,
        id: PublicId,
        reason: EndReason,
        no_session: NoSession,
    ) -> Next<Opened<T>> {
        self.state = State::Ending(id, reason, no_session);
        Ok(Step::Ask(Ask::End(id, context.rules().end(reason, context.now()))))
    }

    /// Treats a session that cannot be decoded as the policy says. Its record is never overwritten.
    pub(super) fn unreadable<C: Context<Value = T>>(
        &mut self,
        context: &C,
        id: PublicId,
        failure: Failure,
    ) -> Next<Opened<T>> {
        match context.policy().unreadable {
            UnreadablePolicy::Refuse => Err(failure),
            UnreadablePolicy::SetAside => self.absent(context, NoSession::Unreadable),
            UnreadablePolicy::End => self.end(context, id, EndReason::Ended, NoSession::Unreadable),
        }
    }
}
