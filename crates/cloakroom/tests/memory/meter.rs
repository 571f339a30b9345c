//! How much memory something takes, as the allocator counts it.

use std::alloc::System;
use std::sync::{Mutex, MutexGuard, PoisonError};

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What common allocators take for a block, in addition to what was asked for: its head, and the
/// rest of its last 16 bytes.
const BLOCK: usize = 16;

/// One test at a time, since the allocator does not know which of them asks.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many bytes are freed when `held` is dropped.
pub(crate) fn memory_of<T>(held: T) -> usize {
    let region = Region::new(ALLOCATOR);
    drop(held);
    let freed = region.change();
    let blocks = freed.deallocations.saturating_sub(freed.allocations);
    freed.bytes_deallocated.saturating_sub(freed.bytes_allocated) + BLOCK * blocks
}
