//! What is there at the end, when nothing fails and no one writes.

use cloakroom::{Principal, Sessions};

use crate::Failure;
use crate::act::{act, list};
use crate::history::{Action, Answer, OBSERVER, Operation, Outcome, Refusal};
use crate::hub::Hub;
use crate::slots::{principal_of, principals};
use crate::store::name_of;
use crate::tally::Tally;
use crate::time::now;

/// Lists the sessions of every user, and presents every key that a client was ever given.
pub(crate) async fn look(sessions: &Sessions<Tally>, hub: &Hub) -> Result<Vec<Operation>, Failure> {
    let mut operations = Vec::new();
    for name in principals() {
        let mut operation = begin(operations.len(), Action::List, &name);
        let listed = list(sessions, &Principal::new(&name)?).await?;
        let ids = listed.iter().map(|(id, _)| id.clone()).collect();
        end(&mut operation, Outcome::Done(Answer { listed: ids, ..Answer::default() }));
        operations.push(operation);
        for (id, tally) in listed {
            let mut one = begin(operations.len(), Action::Listed, &name);
            let answer = Answer { session: Some(id), seen: Some(tally), ..Answer::default() };
            end(&mut one, Outcome::Done(answer));
            operations.push(one);
        }
    }
    for (slot, key) in hub.keys() {
        let name = principal_of(slot);
        let mut operation = begin(operations.len(), Action::Read, &name);
        operation.key = Some(name_of(&key));
        let principal = Principal::new(&name)?;
        let acted = act(sessions, operation.number, Action::Read, &principal, Some(&key)).await;
        let outcome = acted.outcome;
        if outcome == Outcome::Refused(Refusal::Unavailable) {
            return Err("the store does not answer at the end".into());
        }
        end(&mut operation, outcome);
        operations.push(operation);
    }
    Ok(operations)
}

fn begin(count: usize, action: Action, principal: &str) -> Operation {
    Operation {
        number: count as u64,
        node: OBSERVER,
        is_cached: false,
        action,
        principal: principal.to_owned(),
        key: None,
        start: now(),
        end: None,
        outcome: Outcome::Unknown,
    }
}

fn end(operation: &mut Operation, outcome: Outcome) {
    (operation.end, operation.outcome) = (Some(now()), outcome);
}
