//! Runs candidates side by side.
//!
//! A round runs each candidate for a millisecond or so, the next round all of them again, in another order: what the
//! machine does beside (clock rates, neighbours, interrupts) hits all alike, and each is compared with the floor of the
//! same round. That is why this is not criterion, which finishes one benchmark before it begins the next. Nothing is
//! pinned. Time is the thread's CPU time, as nothing here waits: being preempted costs a candidate nothing but what it
//! had in the caches.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::alloc::counted;

/// What is asked of a candidate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// CPU time, in ns.
    Time,
    /// Allocations.
    Allocations,
}

/// Something that can be done again and again.
pub struct Candidate {
    pub name: String,
    run: Box<dyn FnMut(What, u32) -> f64>,
    /// How often in one round; found out if it is None.
    times: Option<u32>,
}

impl Candidate {
    /// `run` does it so many times, and returns what [`measured`] says of that.
    pub fn new(name: impl Into<String>, run: impl FnMut(What, u32) -> f64 + 'static) -> Self {
        Self {
            name: name.into(),
            run: Box::new(run),
            times: None,
        }
    }

    /// Each round does it so many times.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    fn per_call(&mut self, what: What, times: u32) -> f64 {
        (self.run)(what, times) / f64::from(times)
    }

    /// So many that a round takes about a millisecond.
    fn calibrate(&mut self) -> u32 {
        if let Some(times) = self.times {
            self.per_call(What::Time, times);
            return times;
        }
        self.per_call(What::Time, 64);
        let ns = self.per_call(What::Time, 64).max(1.0);
        ((ROUND_NS / ns) as u32).clamp(8, 20_000)
    }
}

const ROUND_NS: f64 = 1_000_000.0;

/// Measures the part of a candidate's run that counts.
pub fn measured(what: What, code: impl FnOnce()) -> f64 {
    match what {
        What::Allocations => counted(code).1.calls as f64,
        What::Time => {
            let start = cpu_time();
            code();
            (cpu_time() - start).as_nanos() as f64
        }
    }
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// What came out for one candidate.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub name: String,
    /// Median of the rounds, in ns for one call.
    pub ns: f64,
    /// Median of the rounds' differences from the floor, in ns.
    pub added: f64,
    /// Median absolute deviation of those.
    pub spread: f64,
    /// Allocations of one call beyond the floor's.
    pub allocations: f64,
}

impl Outcome {
    /// The name of a candidate that makes no request: the floor is none of its.
    pub const NO_REQUEST: &str = "signature alone, aws-lc";
}

/// Runs a group; the first candidate is its floor.
pub fn run(candidates: &mut [Candidate], rounds: usize) -> Vec<Outcome> {
    let times: Vec<u32> = candidates.iter_mut().map(Candidate::calibrate).collect();
    let count = candidates.len();
    let mut ns = vec![Vec::with_capacity(rounds); count];
    for round in 0..rounds {
        for turn in 0..count {
            // Forwards from another one each round, and backwards every other one.
            let turn = if round % 2 == 0 {
                turn
            } else {
                count - 1 - turn
            };
            let which = (turn + round / 2) % count;
            let time = candidates[which].per_call(What::Time, times[which]);
            ns[which].push(time);
        }
    }
    let allocations: Vec<f64> = candidates
        .iter_mut()
        .zip(&times)
        .map(|(candidate, times)| candidate.per_call(What::Allocations, *times))
        .collect();
    let floor = ns[0].clone();
    candidates
        .iter()
        .zip(ns)
        .zip(&allocations)
        .map(|((candidate, ns), calls)| {
            let mut added: Vec<f64> = ns
                .iter()
                .zip(&floor)
                .map(|(ns, floor)| ns - floor)
                .collect();
            let median_added = median(&mut added);
            let mut off: Vec<f64> = added.iter().map(|ns| (ns - median_added).abs()).collect();
            Outcome {
                name: candidate.name.clone(),
                ns: median(&mut ns.clone()),
                added: median_added,
                spread: median(&mut off),
                allocations: calls - allocations[0],
            }
        })
        .collect()
}

/// The median; sorts.
pub fn median(values: &mut [f64]) -> f64 {
    percentile(values, 50.0)
}

/// A percentile, by the nearest rank; sorts.
pub fn percentile(values: &mut [f64], percent: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (percent / 100.0 * values.len() as f64).ceil() as usize;
    values[rank.clamp(1, values.len()) - 1]
}
