//! What was seen of one login while many used it at once, and in which orders that may have happened.
//!
//! The clock stands meanwhile, and every step is one atomic step of the store. So what was seen is right if and only
//! if there is an order of the steps, each task's own kept, in which the rule of rotation says the same.

use std::{collections::HashSet, time::Duration};

/// One step, and what came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// The refresh token of this generation was presented; `taken` if its successor was given.
    Refresh { generation: u64, taken: bool },
    /// The access token of this generation was asked about.
    Use { generation: u64, active: bool },
    /// The login was ended, by whatever means.
    End,
}

/// Where a login stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct State {
    /// The generation of the current refresh token.
    pub(crate) generation: u64,
    /// How long ago it became that.
    pub(crate) age: Duration,
    /// Whether it is known to have arrived.
    pub(crate) arrived: bool,
    /// Whether it was ended.
    pub(crate) ended: bool,
    /// Whether it was ended because a token was presented too late.
    pub(crate) stolen: bool,
}

/// The settings of the issuer, and what does not change while the clock stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) grace: Duration,
    /// Zero where lost responses are not retried.
    pub(crate) retry: Duration,
    /// Whether its time was up before the first step.
    pub(crate) expired: bool,
}

/// Every state that some order of the steps leads to, which is none if what was seen can not have happened.
pub(crate) fn outcomes(start: &State, rules: Rules, tasks: &[Vec<Step>]) -> HashSet<State> {
    let mut search = Search {
        rules,
        tasks,
        seen: HashSet::new(),
        ends: HashSet::new(),
    };
    search.go_on(Point {
        state: start.clone(),
        done: vec![0; tasks.len()],
        arriving: Vec::new(),
    });
    search.ends
}

/// A point in some order.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Point {
    state: State,
    /// How many steps of each task are done.
    done: Vec<usize>,
    /// The generations of which the store is being told that they arrived: nobody waits for that.
    arriving: Vec<u64>,
}

struct Search<'a> {
    rules: Rules,
    tasks: &'a [Vec<Step>],
    seen: HashSet<Point>,
    ends: HashSet<State>,
}

impl Search<'_> {
    fn go_on(&mut self, point: Point) {
        if !self.seen.insert(point.clone()) {
            return;
        }
        let steps = point.done.iter().zip(self.tasks);
        let mut over = point.arriving.is_empty();
        for (task, (&done, steps)) in steps.enumerate() {
            let Some(step) = steps.get(done) else {
                continue;
            };
            over = false;
            let mut next = point.clone();
            next.done[task] += 1;
            if self.rules.step(step, &mut next) {
                self.go_on(next);
            }
        }
        for at in 0..point.arriving.len() {
            let mut next = point.clone();
            let generation = next.arriving.swap_remove(at);
            next.state.arrived |= generation == next.state.generation;
            self.go_on(next);
        }
        if over {
            self.ends.insert(point.state);
        }
    }
}

impl Rules {
    /// Makes the step, if this is what the rule says would come of it.
    fn step(&self, step: &Step, point: &mut Point) -> bool {
        let state = &mut point.state;
        match *step {
            Step::Refresh { generation, taken } => taken == self.refresh(state, generation),
            Step::Use { generation, active } => {
                // The first answer is that of the login, which is not asked for again.
                if active && !self.retry.is_zero() && generation > 1 {
                    point.arriving.push(generation);
                    point.arriving.sort_unstable();
                    point.arriving.dedup();
                }
                // An access token outlives the idle limit of its login, not its end.
                active != state.ended
            }
            Step::End => {
                state.ended = true;
                true
            }
        }
    }

    /// Whether the successor is given.
    fn refresh(&self, state: &mut State, generation: u64) -> bool {
        if state.ended || self.expired {
            return false;
        }
        if generation == state.generation {
            state.generation += 1;
            (state.age, state.arrived) = (Duration::ZERO, false);
            return true;
        }
        let lenient = match state.arrived {
            true => self.grace,
            false => self.grace.max(self.retry),
        };
        if generation + 1 == state.generation && state.age < lenient {
            return true;
        }
        assert!(generation < state.generation, "nobody had that token");
        (state.ended, state.stolen) = (true, true);
        false
    }
}
