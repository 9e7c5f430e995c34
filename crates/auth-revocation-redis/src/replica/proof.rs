//! What one master's connection proves of how fresh the copies of its lanes are.
//!
//! A server writes its pushes at the end of the round of its event loop in which the key changed, so
//! that the answer to one command may overtake the push of a change before it. The answer to a second
//! command, sent when the first was answered, can not. So: when beat k+1 is answered, and the pushes
//! that were received by then are taken note of, every lane that has no push open holds all that was
//! written before beat k was sent.
//!
//! A lane whose push is open keeps the proof it had until it has been read again. What that read
//! gives holds all that was written before the read was sent; it counts as far as beats have shown
//! that the server was the master.

use super::time::Moment;

/// The proof of the lanes of one connection, without any input or output. Events have to be told in
/// the order in which the connection brought them.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone, PartialEq, Eq, Hash))]
pub(crate) struct Proof {
    lanes: Vec<Lane>,
    /// When the beat before the last answered one was sent: up to then all is known.
    proven: Option<Moment>,
    /// The last beat that was answered.
    answered: Option<Moment>,
    outstanding: Option<Moment>,
    /// A lane that was ahead of its copy when the last beat was answered, without a push.
    suspect: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(test, derive(PartialEq, Eq, Hash))]
struct Lane {
    proven: Option<Moment>,
    /// Since the last read was sent, a push has come.
    is_open: bool,
    /// A read that is not answered yet.
    reading: Option<Moment>,
    /// When the newest read was sent that has been answered; None until it is loaded.
    read: Option<Moment>,
}

/// Pushes have been lost: all there is of this connection proves nothing from here on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Missed;

impl Proof {
    /// Of so many lanes, all of them still to be read.
    pub(crate) fn of(lanes: usize) -> Self {
        let unread = Lane {
            is_open: true,
            ..Lane::default()
        };
        Self {
            lanes: vec![unread; lanes],
            ..Self::default()
        }
    }

    /// A push says that the lane has changed.
    pub(crate) fn pushed(&mut self, lane: usize) {
        self.lanes[lane].is_open = true;
        self.suspect = self.suspect.filter(|&suspect| suspect != lane);
    }

    /// A read of the lane is sent.
    pub(crate) fn read_sent(&mut self, lane: usize, now: Moment) {
        let its = &mut self.lanes[lane];
        its.is_open = false;
        its.reading = Some(now);
    }

    /// It was answered, and its answer is in the copy.
    pub(crate) fn read_answered(&mut self, lane: usize) {
        let proven = self.proven;
        let its = &mut self.lanes[lane];
        if let Some(sent) = its.reading.take() {
            its.read = Some(sent);
            its.prove(proven);
        }
    }

    /// It failed: the lane is not on this server any more, or can not be read.
    pub(crate) fn left(&mut self, lane: usize) {
        self.lanes[lane] = Lane::default();
    }

    /// The next beat is sent, the last one having been answered.
    pub(crate) fn beat_sent(&mut self, now: Moment) {
        debug_assert!(self.outstanding.is_none(), "one beat at a time");
        self.outstanding = Some(now);
    }

    /// It was answered by a master, and all pushes received before its answer have been told.
    /// `ahead` is a lane of which it said that there is more than the copy holds.
    ///
    /// # Errors
    ///
    /// [`Missed`] if a change of which the last beat told has not been pushed until now.
    pub(crate) fn beat_answered(&mut self, ahead: Option<usize>) -> Result<(), Missed> {
        let Some(sent) = self.outstanding.take() else {
            return Ok(());
        };
        if self.suspect.take().is_some() {
            return Err(Missed);
        }
        self.suspect = ahead.filter(|&lane| self.lanes[lane].is_clean());
        self.proven = self.answered.replace(sent);
        for lane in &mut self.lanes {
            lane.prove(self.proven);
        }
        Ok(())
    }

    /// Up to when everything that was written to the lane is in its copy.
    pub(crate) fn proven(&self, lane: usize) -> Option<Moment> {
        self.lanes[lane].proven
    }

    /// Whether the lane was read over this connection.
    pub(crate) fn is_read(&self, lane: usize) -> bool {
        self.lanes[lane].read.is_some()
    }

    /// The lanes that have to be read again, and are not being read.
    pub(crate) fn open(&self) -> impl Iterator<Item = usize> {
        let lanes = self.lanes.iter().enumerate();
        lanes.filter_map(|(at, lane)| (lane.is_open && lane.reading.is_none()).then_some(at))
    }
}

impl Lane {
    fn is_clean(&self) -> bool {
        self.read.is_some() && self.reading.is_none() && !self.is_open
    }

    /// `up_to` is what beats have shown for lanes without an open push.
    fn prove(&mut self, up_to: Option<Moment>) {
        let (Some(up_to), Some(read)) = (up_to, self.read) else {
            return;
        };
        let holds = if self.is_clean() {
            up_to
        } else {
            up_to.min(read)
        };
        self.proven = Some(self.proven.map_or(holds, |proven| proven.max(holds)));
    }
}

#[cfg(test)]
mod tests {
    use super::{super::time::at, *};

    /// One lane that is loaded, and whose proof reaches to the beat sent at 10.
    fn proven_at_10() -> Proof {
        let mut proof = Proof::of(1);
        proof.read_sent(0, at(5));
        proof.read_answered(0);
        for sent in [10, 20] {
            proof.beat_sent(at(sent));
            assert_eq!(proof.beat_answered(None), Ok(()));
        }
        assert_eq!(proof.proven(0), Some(at(10)));
        proof
    }

    fn beat(proof: &mut Proof, sent: u64) {
        proof.beat_sent(at(sent));
        assert_eq!(proof.beat_answered(None), Ok(()));
    }

    #[test]
    fn one_beat_proves_nothing_and_the_second_what_was_before_the_first() {
        let mut proof = Proof::of(1);
        proof.read_sent(0, at(5));
        proof.read_answered(0);
        beat(&mut proof, 10);
        assert_eq!(proof.proven(0), None);
        beat(&mut proof, 20);
        assert_eq!(proof.proven(0), Some(at(10)));
        beat(&mut proof, 30);
        assert_eq!(proof.proven(0), Some(at(20)));
    }

    #[test]
    fn a_lane_that_was_not_read_is_not_proven() {
        let mut proof = Proof::of(2);
        proof.read_sent(0, at(5));
        for sent in [10, 20, 30] {
            beat(&mut proof, sent);
        }
        assert_eq!((proof.proven(0), proof.proven(1)), (None, None));
        proof.left(0);
        assert_eq!(proof.open().collect::<Vec<_>>(), [1]);
        proof.pushed(0);
        assert_eq!(proof.open().collect::<Vec<_>>(), [0, 1]);
        beat(&mut proof, 40);
        assert_eq!(proof.proven(0), None);
    }

    #[test]
    fn a_lane_with_an_open_push_keeps_its_proof_until_it_is_read_again() {
        let mut proof = proven_at_10();
        proof.pushed(0);
        beat(&mut proof, 30);
        assert_eq!(proof.proven(0), Some(at(10)));
        assert_eq!(proof.open().collect::<Vec<_>>(), [0]);
        proof.read_sent(0, at(35));
        assert_eq!(proof.open().count(), 0);
        beat(&mut proof, 40);
        assert_eq!(proof.proven(0), Some(at(10)));
        proof.read_answered(0);
        assert_eq!(proof.proven(0), Some(at(30)), "as far as beats have shown");
        beat(&mut proof, 50);
        assert_eq!(proof.proven(0), Some(at(40)));
    }

    #[test]
    fn a_lane_that_changes_all_the_time_is_proven_as_of_its_reads() {
        let mut proof = proven_at_10();
        for round in 1..5 {
            let now = 100 * round;
            proof.pushed(0);
            proof.read_sent(0, at(now));
            proof.pushed(0);
            proof.read_answered(0);
            beat(&mut proof, now + 10);
            beat(&mut proof, now + 20);
            assert_eq!(proof.proven(0), Some(at(now)), "not beyond its read");
        }
    }

    #[test]
    fn what_a_beat_tells_of_must_be_pushed_by_the_next() {
        let mut proof = proven_at_10();
        proof.beat_sent(at(30));
        assert_eq!(proof.beat_answered(Some(0)), Ok(()));
        proof.beat_sent(at(40));
        assert_eq!(proof.beat_answered(None), Err(Missed));
        assert_eq!(proof.proven(0), Some(at(20)), "it is older than the change");

        let mut proof = proven_at_10();
        proof.beat_sent(at(30));
        assert_eq!(proof.beat_answered(Some(0)), Ok(()));
        proof.pushed(0);
        proof.beat_sent(at(40));
        assert_eq!(proof.beat_answered(None), Ok(()));

        let mut proof = proven_at_10();
        proof.pushed(0);
        proof.beat_sent(at(30));
        assert_eq!(proof.beat_answered(Some(0)), Ok(()), "it is known already");
        beat(&mut proof, 40);
    }

    #[test]
    fn a_lane_that_left_is_proven_no_more() {
        let mut proof = proven_at_10();
        proof.left(0);
        beat(&mut proof, 30);
        beat(&mut proof, 40);
        assert_eq!(proof.proven(0), None);
    }
}
