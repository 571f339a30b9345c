//! What a queue guarantees for every order of submissions, batches and answers.

use std::collections::HashMap;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;

use super::*;
use crate::store::{Outcome, Swap};

fn id(number: u8) -> PublicId {
    PublicId::from_bytes([number; 16])
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// The next batch, if there is one now.
fn next(driver: &Driver<u32, u32>, count: usize) -> Option<Batch<u32, u32>> {
    match poll(pin!(driver.next(count, usize::MAX))) {
        Poll::Ready(batch) => batch,
        Poll::Pending => None,
    }
}

fn ops(batch: &Batch<u32, u32>) -> Vec<u32> {
    (0..batch.len()).map(|index| *batch.op(index)).collect()
}

#[test]
fn operations_that_arrive_while_a_batch_is_in_flight_form_the_next() {
    let (queue, driver) = Queue::new(100, 100);
    let first = queue.submit(id(1), 1, 10);
    let mut batch = next(&driver, 100).unwrap();
    assert_eq!(ops(&batch), [10], "a lone operation waits for nothing");
    let _others: Vec<_> = (2..5).map(|n| queue.submit(id(n), 1, u32::from(n))).collect();
    batch.answer(0, Ok(11));
    assert_eq!(first.wait().unwrap(), 11);
    assert_eq!(ops(&next(&driver, 100).unwrap()), [2, 3, 4]);
}

#[test]
fn a_session_has_one_operation_in_flight_and_others_overtake_it() {
    let (queue, driver) = Queue::new(100, 100);
    let _replies: Vec<_> = [(1, 1), (1, 2), (2, 3), (1, 4)]
        .map(|(session, op)| queue.submit(id(session), 1, op))
        .into();
    let mut batch = next(&driver, 100).unwrap();
    assert_eq!(ops(&batch), [1, 3]);
    assert!(next(&driver, 100).is_none());
    batch.answer(1, Ok(0));
    assert!(next(&driver, 100).is_none());
    batch.answer(0, Ok(0));
    assert_eq!(ops(&next(&driver, 100).unwrap()), [2]);
}

#[test]
fn a_full_or_closed_queue_answers_at_once_that_nothing_was_sent() {
    let (queue, driver) = Queue::new(2, 10);
    let _kept = [queue.submit(id(1), 5, 1), queue.submit(id(2), 5, 2)];
    let error = queue.submit(id(3), 0, 3).wait().unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (StoreErrorKind::Full, Outcome::NotSent));
    drop(next(&driver, 1));
    let error = queue.submit(id(3), 6, 3).wait().unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Full);
    queue.close();
    let error = queue.submit(id(3), 1, 3).wait().unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (StoreErrorKind::Unavailable, Outcome::NotSent));
    assert_eq!(ops(&next(&driver, 9).unwrap()), [2], "waiting operations are still handed out");
    assert!(matches!(poll(pin!(driver.next(9, 9))), Poll::Ready(None)));
}

#[test]
fn a_batch_keeps_to_its_limits_but_always_has_an_operation() {
    let (queue, driver) = Queue::new(100, 1000);
    let _replies: Vec<_> = (0..4).map(|n| queue.submit(id(n), 50, u32::from(n))).collect();
    let two = pin!(driver.next(100, 100));
    let Poll::Ready(Some(two)) = poll(two) else { panic!("there is no batch") };
    assert_eq!(ops(&two), [0, 1]);
    let Poll::Ready(Some(one)) = poll(pin!(driver.next(100, 1))) else {
        panic!("there is no batch")
    };
    assert_eq!(ops(&one), [2]);
}

/// What is written over, and what is written.
type Over = (u32, u32);

impl JoinWrites for Over {
    fn join(&mut self, next: Self) -> Option<Self> {
        if self.1 != next.0 {
            return Some(next);
        }
        self.1 = next.1;
        None
    }

    fn writes(&self, _: Revision) -> bool {
        false
    }
}

fn joining() -> (Queue<Over, Reply>, Driver<Over, Reply>) {
    Queue::joining(100, 100, None)
}

fn pairs(driver: &Driver<Over, Reply>) -> Option<Batch<Over, Reply>> {
    match poll(pin!(driver.next(100, usize::MAX))) {
        Poll::Ready(batch) => batch,
        Poll::Pending => None,
    }
}

#[test]
fn writes_that_wait_for_one_session_become_one_and_all_get_its_answer() {
    let (queue, driver) = joining();
    let submit = |session, from, to| queue.ask::<Swap>(id(session), 10, (from, to));
    let in_flight = submit(1, 0, 1);
    let mut batch = pairs(&driver).unwrap();
    let waiting = [submit(1, 1, 2), submit(1, 2, 3), submit(2, 2, 3), submit(1, 3, 4)];
    let other = submit(1, 9, 10); // on top of something else
    batch.answer(0, Ok(Swap::Done.into()));
    assert!(matches!(in_flight.wait(), Ok(Swap::Done)));
    let mut batch = pairs(&driver).unwrap();
    let joined: Vec<_> = (0..batch.len()).map(|index| *batch.op(index)).collect();
    assert_eq!(joined, [(2, 3), (1, 4)], "{batch:?}");
    batch.answer(0, Ok(Swap::Done.into()));
    batch.answer(1, Err(StoreError::not_sent(StoreErrorKind::Full)));
    let answers = waiting.map(Io::wait);
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for error in answers.into_iter().filter_map(Result::err) {
        assert_eq!((error.kind(), error.outcome()), (StoreErrorKind::Full, Outcome::NotSent));
    }
    let mut batch = pairs(&driver).unwrap();
    assert_eq!(*batch.op(0), (9, 10));
    batch.answer(0, Ok(Swap::Gone.into()));
    assert!(matches!(other.wait(), Ok(Swap::Gone)));
    assert!(driver.end.0.is_clear());
}

#[test]
fn what_is_joined_counts_for_the_bounds_of_the_queue() {
    let (queue, driver) = Queue::<Over, Reply>::joining(3, 100, None);
    let ask = |from, bytes| queue.ask::<Swap>(id(1), bytes, (from, from + 1));
    let is_full = |answer: Io<'_, Result<Swap, StoreError>>| {
        answer.wait().is_err_and(|error| error.kind() == StoreErrorKind::Full)
    };
    let _two = [ask(0, 10), ask(1, 20)];
    assert!(is_full(ask(2, 1_000)));
    let _third = ask(2, 20);
    assert!(is_full(ask(3, 20)), "three callers wait");
    let batch = pairs(&driver).unwrap();
    assert_eq!((batch.len(), *batch.op(0)), (1, (0, 3)));
    let _fourth = ask(3, 20);
    drop(batch);
    drop(pairs(&driver));
    assert!(driver.end.0.is_clear());
}

#[test]
fn nothing_is_joined_to_a_write_that_is_sent_alone() {
    let (queue, driver) = joining();
    let _replies = [(1, 0, 1), (2, 0, 1)].map(|(session, from, to)| {
        queue.ask::<Swap>(id(session), 10, (from, to)) // they are in one batch, which fails
    });
    pairs(&driver).unwrap().retry_singly();
    let _later = queue.ask::<Swap>(id(1), 10, (1, 2));
    let mut batch = pairs(&driver).unwrap();
    assert_eq!((batch.len(), *batch.op(0)), (1, (0, 1)));
    batch.answer(0, Ok(Swap::Done.into()));
}

#[test]
fn dropping_a_caller_drops_no_operation() {
    let (queue, driver) = Queue::new(100, 100);
    drop(queue.submit(id(1), 1, 7));
    assert_eq!(ops(&next(&driver, 100).unwrap()), [7]);
}

#[test]
fn a_dropped_batch_has_an_unknown_outcome_and_a_dropped_driver_sends_nothing_more() {
    let (queue, driver) = Queue::new(100, 100);
    let (first, second) = (queue.submit(id(1), 1, 1), queue.submit(id(1), 1, 2));
    drop(next(&driver, 100));
    assert_eq!(first.wait().unwrap_err().outcome(), Outcome::Unknown);
    drop(driver);
    assert_eq!(second.wait().unwrap_err().outcome(), Outcome::NotSent);
}

#[test]
fn no_caller_waits_for_a_driver_that_panicked() {
    let (queue, driver) = Queue::<u32, u32>::new(100, 100);
    let (first, second) = (queue.submit(id(1), 1, 1), queue.submit(id(1), 1, 2));
    let thread = thread::spawn(move || {
        let _batch = driver.next(100, 100).wait();
        std::panic::resume_unwind(Box::new("the driver panicked"));
    });
    assert_eq!(first.wait().unwrap_err().outcome(), Outcome::Unknown);
    assert_eq!(second.wait().unwrap_err().outcome(), Outcome::NotSent);
    assert!(thread.join().is_err());
    assert!(queue.submit(id(1), 1, 3).is_ready(), "a queue without a driver accepts nothing");
}

#[test]
fn operations_put_back_when_no_driver_is_left_are_not_sent() {
    let (queue, driver) = Queue::<u32, u32>::new(100, 100);
    let reply = queue.submit(id(1), 1, 1);
    let batch = next(&driver, 1).unwrap();
    drop(driver);
    batch.retry_singly();
    assert_eq!(reply.wait().unwrap_err().outcome(), Outcome::NotSent);
}

#[test]
fn operations_are_carried_out_after_the_last_queue_handle_is_dropped() {
    let (queue, driver) = Queue::<u32, u32>::new(100, 100);
    let reply = queue.clone().submit(id(1), 1, 1);
    drop(queue);
    next(&driver, 1).unwrap().answer(0, Ok(2));
    assert_eq!(reply.wait().unwrap(), 2);
    assert!(matches!(poll(pin!(driver.next(9, 9))), Poll::Ready(None)));
}

#[test]
fn a_queue_keeps_nothing_of_a_session_that_was_answered() {
    let (queue, driver) = Queue::<u32, u32>::new(100, 100);
    for number in 0..100 {
        drop(queue.submit(id(number), 1, 1));
        next(&driver, 1).unwrap().answer(0, Ok(0));
    }
    assert!(queue.end.0.is_clear());
}

#[test]
fn retried_operations_leave_one_by_one_and_in_order() {
    let (queue, driver) = Queue::new(100, 100);
    let _replies: Vec<_> = (1..4).map(|n| queue.submit(id(n), 1, u32::from(n))).collect();
    let _later = queue.submit(id(1), 1, 9);
    next(&driver, 100).unwrap().retry_singly();
    let mut first = next(&driver, 100).unwrap();
    assert_eq!(ops(&first), [1]);
    assert_eq!(ops(&next(&driver, 100).unwrap()), [2]);
    first.answer(0, Ok(0));
    assert_eq!(ops(&next(&driver, 100).unwrap()), [3]);
    assert_eq!(ops(&next(&driver, 100).unwrap()), [9]);
}

#[test]
fn drivers_on_threads_are_woken_for_work_and_when_the_queue_closes() {
    let (queue, driver) = Queue::<u32, u32>::new(10_000, 1 << 20);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(mut batch) = driver.next(7, usize::MAX).wait() {
                    for index in 0..batch.len() {
                        let answer = batch.op(index) + 1;
                        batch.answer(index, Ok(answer));
                    }
                }
            });
        }
        let replies: Vec<_> =
            (0..2000).map(|n| (n, queue.submit(id((n % 50) as u8), 1, n))).collect();
        for (n, reply) in replies {
            assert_eq!(reply.wait().unwrap(), n + 1);
        }
        queue.close();
    });
}

#[test]
fn in_every_order_each_operation_is_answered_once_and_in_the_order_of_its_session() {
    for seed in 0..500_u64 {
        let mut random = seed;
        let mut draw = |below: u64| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        let (queue, driver) = Queue::new(1000, 1000);
        let mut in_flight: Vec<Batch<u32, u32>> = Vec::new();
        let (mut replies, mut seen) = (Vec::new(), HashMap::<PublicId, Vec<u32>>::new());
        for op in 0..60 {
            let session = id(u8::try_from(draw(4)).unwrap());
            replies.push((session, queue.submit(session, 1, op)));
            while draw(3) == 0 {
                in_flight.extend(next(&driver, 1 + usize::try_from(draw(4)).unwrap()));
                if !in_flight.is_empty() && draw(2) == 0 {
                    let batch = in_flight.pop().unwrap();
                    answer_all(batch, draw(4) == 0, &mut seen);
                }
            }
        }
        queue.close();
        loop {
            in_flight.extend(next(&driver, 3));
            let Some(batch) = in_flight.pop() else { break };
            answer_all(batch, draw(4) == 0, &mut seen);
        }
        let total: usize = seen.values().map(Vec::len).sum();
        assert_eq!(total, replies.len());
        assert!(seen.values().all(|ops| ops.is_sorted()), "out of order with seed {seed}");
        for (_, reply) in replies {
            reply.wait().unwrap();
        }
    }
}

#[test]
fn an_operation_that_waited_too_long_is_not_sent_and_blocks_no_other() {
    let (queue, driver) = Queue::<u32, u32>::with_timeout(10, 10, Duration::ZERO);
    let expired: Vec<_> = [1, 1, 2].map(|session| queue.submit(id(session), 1, 7)).into();
    queue.close();
    assert!(next(&driver, 10).is_none());
    for answer in expired {
        assert_eq!(answer.wait().unwrap_err().outcome(), Outcome::NotSent);
    }
    let (queue, driver) = Queue::<u32, u32>::with_timeout(10, 10, Duration::from_secs(60 * 60));
    let _answers = [1, 1, 2].map(|session| queue.submit(id(session), 1, 7));
    assert_eq!(next(&driver, 10).unwrap().len(), 2, "one for each session");
}

/// The driver has looked at the queue by then, and must look again.
#[test]
fn an_operation_submitted_while_others_expire_is_not_missed() {
    struct SubmitAgain(Queue<u32, u32>, std::sync::Mutex<u32>);

    impl std::task::Wake for SubmitAgain {
        fn wake(self: Arc<Self>) {
            let mut left = self.1.lock().unwrap();
            if *left > 0 {
                *left -= 1;
                drop(self.0.submit(id(2), 1, 8));
            }
        }
    }

    let (queue, driver) = Queue::<u32, u32>::with_timeout(10, 10, Duration::ZERO);
    let submitting = Arc::new(SubmitAgain(queue.clone(), 1.into()));
    let mut expired = queue.submit(id(1), 1, 7);
    let waker = Waker::from(Arc::clone(&submitting));
    assert!(pin!(&mut expired).poll(&mut Context::from_waker(&waker)).is_pending());
    assert!(next(&driver, 10).is_none());
    assert_eq!(*submitting.1.lock().unwrap(), 0, "it submitted again");
    assert!(format!("{queue:?}").contains("waiting: 0"), "{queue:?}");
}

fn answer_all(mut batch: Batch<u32, u32>, retry: bool, seen: &mut HashMap<PublicId, Vec<u32>>) {
    if retry && batch.len() > 1 {
        return batch.retry_singly();
    }
    for index in 0..batch.len() {
        seen.entry(batch.id(index)).or_default().push(*batch.op(index));
        batch.answer(index, Ok(0));
    }
}

#[test]
fn a_reply_of_another_kind_is_an_error_of_unknown_outcome() {
    let (queue, driver) = Queue::<u32, Reply>::new(10, 10);
    let (right, wrong) = (queue.ask::<bool>(id(1), 0, 1), queue.ask::<bool>(id(2), 0, 2));
    let mut batch = driver.next(10, 10).wait().unwrap();
    batch.answer(0, Ok(true.into()));
    batch.answer(1, Ok(Reply::Swept(3)));
    assert!(right.wait().unwrap());
    assert_eq!(wrong.wait().unwrap_err().outcome(), Outcome::Unknown);
}
