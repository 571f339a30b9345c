//! Two nodes of different deployments behind one store.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cloakroom::store::{Call, Operation, StoreError};
use cloakroom::{Io, MemoryStore, Store, decorate_store};
use cloakroom_migrate::MigratingStore;
use cloakroom_testkit::StepStore;

/// Sends each call to the other of two nodes: one has prepared the migration, one has started it.
pub(crate) type Alternating = Nodes<Arc<StepStore<MemoryStore>>>;

#[derive(Debug)]
pub(crate) struct Nodes<S> {
    nodes: [MigratingStore<S, S>; 2],
    calls: AtomicUsize,
}

impl Alternating {
    pub(crate) fn new() -> Self {
        let [old, new] = [(); 2].map(|()| Arc::new(StepStore::new(MemoryStore::new())));
        let nodes = [
            MigratingStore::prepare(Arc::clone(&old), Arc::clone(&new)),
            MigratingStore::start(old, new),
        ];
        Self { nodes, calls: AtomicUsize::new(0) }
    }
}

type Node<S> = MigratingStore<S, S>;

impl<S: Store> Nodes<S> {
    fn around<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        operation: impl FnOnce(&'a Node<S>) -> Io<'a, Result<T, StoreError>> + Send + 'a,
    ) -> Io<'a, Result<T, StoreError>> {
        // Ids are random: no two nodes insert the same one.
        let node = match (call.operation, call.id) {
            (Operation::Insert, Some(id)) => usize::from(id.as_bytes()[15]),
            _ => self.calls.fetch_add(1, Ordering::Relaxed),
        };
        operation(&self.nodes[node % 2])
    }
}

decorate_store!(Nodes);
