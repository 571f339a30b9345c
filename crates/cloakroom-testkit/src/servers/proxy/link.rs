//! Chosen connections of a proxy.

use std::ops::{Bound, Range, RangeBounds};
use std::time::Duration;

use super::traffic::{Direction, Passage, Traffic};

/// Chosen connections of a proxy: [`Proxy::on`](super::Proxy::on).
///
/// Of several calls about one connection and direction, the last one counts. They last until
/// [`restore`](Self::restore).
///
/// Neither side notices a cut, not even that the other one closes the connection. New connections
/// can be made: the proxy accepts them.
#[derive(Clone, Debug)]
#[must_use = "it does nothing until something is done to it"]
pub struct Link<'a> {
    traffic: &'a Traffic,
    connections: Range<usize>,
}

impl<'a> Link<'a> {
    pub(super) fn new(traffic: &'a Traffic, connections: impl RangeBounds<usize>) -> Self {
        let start = match connections.start_bound() {
            Bound::Included(first) => *first,
            Bound::Excluded(before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match connections.end_bound() {
            Bound::Included(last) => last.saturating_add(1),
            Bound::Excluded(end) => *end,
            Bound::Unbounded => usize::MAX,
        };
        Self { traffic, connections: start..end }
    }

    /// Lets nothing pass.
    pub fn cut(&self) {
        self.cut_requests();
        self.cut_answers();
    }

    /// Lets nothing pass from clients to the server. The server's answers pass.
    pub fn cut_requests(&self) {
        self.set(Direction::Requests, Passage::Cut);
    }

    /// Lets nothing pass from the server to clients. Requests pass, and the server carries them
    /// out.
    pub fn cut_answers(&self) {
        self.set(Direction::Answers, Passage::Cut);
    }

    /// Lets what clients send arrive late, by this span or a little more.
    pub fn delay_requests(&self, span: Duration) {
        self.set(Direction::Requests, Passage::Late(span));
    }

    /// Lets what the server sends arrive late, by this span or a little more.
    pub fn delay_answers(&self, span: Duration) {
        self.set(Direction::Answers, Passage::Late(span));
    }

    /// Ends cuts and delays. What was held back arrives now.
    pub fn restore(&self) {
        self.set(Direction::Requests, Passage::Open);
        self.set(Direction::Answers, Passage::Open);
    }

    fn set(&self, direction: Direction, passage: Passage) {
        self.traffic.set(self.connections.clone(), direction, passage);
    }
}
