//! Every interleaving of a small server with one that follows it: whatever is proven is there.

use std::collections::{HashSet, VecDeque};

use super::{
    proof::{Missed, Proof},
    time::at,
};

/// How much may happen in one run.
const WRITES: u64 = 3;
const BEATS: u64 = 4;
const READS: u64 = 4;

#[derive(Clone, PartialEq, Eq, Hash)]
enum Command {
    Beat,
    Read,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Message {
    Push,
    Beat(u64),
    Read(u64),
}

/// None if it can not happen now.
type Step = Option<Result<(), Missed>>;

/// One lane, which is a number here: how often it was written to.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Run {
    /// Counts what the proof may compare: writes and sendings.
    now: u64,
    // The server.
    n: u64,
    written_at: Vec<u64>,
    pushes: bool,
    /// Changed in this round of the event loop.
    changed: bool,
    commands: VecDeque<Command>,
    /// Answers of this round, which leave at its end.
    answers: Vec<Message>,
    // Between them.
    wire: VecDeque<Message>,
    // Who follows it.
    proof: Proof,
    copy: u64,
    beats: u64,
    reads: u64,
    waits: bool,
}

impl Run {
    fn new(pushes: bool) -> Self {
        let mut proof = Proof::of(1);
        proof.read_sent(0, at(0));
        Self {
            now: 1,
            n: 0,
            written_at: Vec::new(),
            pushes,
            changed: false,
            commands: VecDeque::from([Command::Read]),
            answers: Vec::new(),
            wire: VecDeque::new(),
            proof,
            copy: 0,
            beats: 0,
            reads: 1,
            waits: false,
        }
    }

    /// Everything that may happen next; without those in which a loss of pushes was noticed.
    fn next(&self, noticed: &mut u64) -> Vec<Self> {
        let steps: [fn(&mut Self) -> Step; 6] = [
            Self::write,
            Self::serve,
            Self::end_round,
            Self::receive,
            Self::send_beat,
            Self::send_read,
        ];
        let mut all = Vec::new();
        for step in steps {
            let mut next = self.clone();
            match step(&mut next) {
                Some(Ok(())) => all.push(next),
                Some(Err(Missed)) => *noticed += 1,
                None => {}
            }
        }
        all
    }

    fn write(&mut self) -> Step {
        (self.n < WRITES).then(|| {
            self.n += 1;
            self.written_at.push(self.now);
            self.now += 1;
            self.changed = true;
            Ok(())
        })
    }

    fn serve(&mut self) -> Step {
        let answer = match self.commands.pop_front()? {
            Command::Beat => Message::Beat(self.n),
            Command::Read => Message::Read(self.n),
        };
        self.answers.push(answer);
        Some(Ok(()))
    }

    fn end_round(&mut self) -> Step {
        (self.changed || !self.answers.is_empty()).then(|| {
            self.wire.extend(self.answers.drain(..));
            if std::mem::take(&mut self.changed) && self.pushes {
                self.wire.push_back(Message::Push);
            }
            Ok(())
        })
    }

    fn receive(&mut self) -> Step {
        Some(match self.wire.pop_front()? {
            Message::Push => {
                self.proof.pushed(0);
                Ok(())
            }
            Message::Read(n) => {
                self.copy = self.copy.max(n);
                self.proof.read_answered(0);
                Ok(())
            }
            Message::Beat(n) => {
                self.waits = false;
                self.proof.beat_answered((n > self.copy).then_some(0))
            }
        })
    }

    fn send_beat(&mut self) -> Step {
        (!self.waits && self.beats < BEATS).then(|| {
            self.proof.beat_sent(at(self.now));
            self.now += 1;
            self.beats += 1;
            self.waits = true;
            self.commands.push_back(Command::Beat);
            Ok(())
        })
    }

    fn send_read(&mut self) -> Step {
        (self.reads < READS && self.proof.open().next().is_some()).then(|| {
            self.proof.read_sent(0, at(self.now));
            self.now += 1;
            self.reads += 1;
            self.commands.push_back(Command::Read);
            Ok(())
        })
    }

    /// What was written before the moment that is proven, and is not in the copy.
    fn lacks(&self) -> bool {
        self.proof.proven(0).is_some_and(|proven| {
            let before = self
                .written_at
                .iter()
                .filter(|&&at_| at(at_).monotonic < proven.monotonic);
            before.count() as u64 > self.copy
        })
    }
}

/// Runs through all states; gives how many there were, of them proven ones, and losses noticed.
fn explore(start: Run) -> (usize, usize, u64) {
    let (mut seen, mut open) = (HashSet::from([start.clone()]), vec![start]);
    let (mut proven, mut noticed) = (0, 0);
    while let Some(run) = open.pop() {
        assert!(!run.lacks(), "a write before the proven moment is missing");
        proven += usize::from(run.proof.proven(0).is_some());
        for next in run.next(&mut noticed) {
            if seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    (seen.len(), proven, noticed)
}

#[test]
fn in_every_interleaving_what_is_proven_is_there() {
    let (states, proven, noticed) = explore(Run::new(true));
    assert!(
        states > 1_000 && proven > 500,
        "{states} states, {proven} proven"
    );
    assert_eq!(noticed, 0, "nothing was lost");
}

#[test]
fn in_every_interleaving_lost_pushes_are_noticed_before_they_matter() {
    let (states, proven, noticed) = explore(Run::new(false));
    assert!(
        states > 1_000 && proven > 500,
        "{states} states, {proven} proven"
    );
    assert!(noticed > 100, "{noticed}");
}
