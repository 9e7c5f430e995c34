//! Counts what is allocated: how often, and how many bytes stay.
// The only unsafe code here: an allocator can not be written without.
#![allow(unsafe_code)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed},
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static ON: AtomicBool = AtomicBool::new(false);
static CALLS: AtomicU64 = AtomicU64::new(0);
static LIVE: AtomicI64 = AtomicI64::new(0);

/// The system's allocator. It counts only when asked to: two atomic additions for each allocation
/// would make candidates that allocate much look slower than they are.
struct Counting;

/// What some code allocated, on all threads.
#[derive(Clone, Copy, Debug)]
pub struct Allocated {
    /// How often memory was asked for, or for more of it.
    pub calls: u64,
    /// How many bytes it holds more than before, as asked for.
    pub live_bytes: i64,
}

/// Counts what `code` allocates. Not to be nested.
pub fn counted<T>(code: impl FnOnce() -> T) -> (T, Allocated) {
    let before = (CALLS.load(Relaxed), LIVE.load(Relaxed));
    ON.store(true, Relaxed);
    let result = code();
    ON.store(false, Relaxed);
    let allocated = Allocated {
        calls: CALLS.load(Relaxed) - before.0,
        live_bytes: LIVE.load(Relaxed) - before.1,
    };
    (result, allocated)
}

fn note(calls: u64, bytes: i64) {
    if ON.load(Relaxed) {
        CALLS.fetch_add(calls, Relaxed);
        LIVE.fetch_add(bytes, Relaxed);
    }
}

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size() as i64);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size() as i64);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(1, size as i64 - layout.size() as i64);
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        note(0, -(layout.size() as i64));
        unsafe { System.dealloc(at, layout) }
    }
}
