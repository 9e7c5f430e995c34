//! The names of keys, and where in a cluster they are.

use std::sync::LazyLock;

use auth_core::{
    LoginId,
    revocation::{LANES, Lane, SubjectKey},
    store::SessionKey,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// How many hash slots a cluster has.
pub(crate) const SLOTS: u16 = 16_384;
/// Lane i is in slot 16 x i.
const SLOTS_PER_LANE: u16 = SLOTS / LANES;

/// The tag of lane i is the smallest decimal number whose slot is 16 x i.
static TAGS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut tags = vec![String::new(); usize::from(LANES)];
    let mut missing = tags.len();
    for number in 0u32.. {
        let text = number.to_string();
        let slot = slot_of(text.as_bytes());
        let tag = &mut tags[usize::from(slot / SLOTS_PER_LANE)];
        if slot.is_multiple_of(SLOTS_PER_LANE) && tag.is_empty() {
            *tag = text;
            missing -= 1;
            if missing == 0 {
                break;
            }
        }
    }
    tags
});

pub(crate) fn tag(lane: Lane) -> &'static str {
    &TAGS[usize::from(lane.index())]
}

/// The cluster slot that all keys of a lane are in.
pub(crate) fn slot(lane: Lane) -> u16 {
    lane.index() * SLOTS_PER_LANE
}

/// The slot of a tag: CRC16 (XMODEM), as Redis Cluster computes it.
fn slot_of(tag: &[u8]) -> u16 {
    let mut crc = 0u16;
    for &byte in tag {
        crc ^= u16::from(byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 {
                crc << 1
            } else {
                crc << 1 ^ 0x1021
            };
        }
    }
    crc % SLOTS
}

/// The names of the keys of one deployment.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) prefix: String,
}

impl Keys {
    /// A lane's revocations.
    pub(crate) fn lane(&self, lane: Lane) -> String {
        format!("{}:v:{{{}}}", self.prefix, tag(lane))
    }

    /// A refresh login.
    pub(crate) fn refresh(&self, lane: Lane, login: LoginId) -> String {
        format!("{}:d:{{{}}}:{login}", self.prefix, tag(lane))
    }

    /// A session.
    pub(crate) fn session(&self, key: &SessionKey) -> String {
        self.session_named(key.lane, &text(&key.hash))
    }

    /// A session, by the name it has in a list.
    pub(crate) fn session_named(&self, lane: Lane, name: &str) -> String {
        format!("{}:s:{{{}}}:{name}", self.prefix, tag(lane))
    }

    /// A subject's logins in their order.
    pub(crate) fn index(&self, lane: Lane, subject: SubjectKey) -> String {
        let subject = text(subject.as_bytes());
        format!("{}:i:{{{}}}:{subject}", self.prefix, tag(lane))
    }

    /// What the list says of each of them.
    pub(crate) fn entries(&self, lane: Lane, subject: SubjectKey) -> String {
        let subject = text(subject.as_bytes());
        format!("{}:e:{{{}}}:{subject}", self.prefix, tag(lane))
    }

    /// Both keys of a subject's list.
    pub(crate) fn list(&self, lane: Lane, subject: SubjectKey) -> Vec<String> {
        vec![self.index(lane, subject), self.entries(lane, subject)]
    }

    pub(crate) fn schema(&self) -> String {
        format!("{}:schema", self.prefix)
    }

    /// The cluster slot of that.
    pub(crate) fn schema_slot(&self) -> u16 {
        slot_of(self.schema().as_bytes())
    }
}

/// Binary names and hashes as text: base64url without padding.
pub(crate) fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// And back.
pub(crate) fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_is_in_its_slot() {
        for lane in Lane::all() {
            assert_eq!(slot_of(tag(lane).as_bytes()), 16 * lane.index());
            assert_eq!(slot(lane), 16 * lane.index());
        }
    }

    /// From the cluster specification, and `CLUSTER KEYSLOT` of Redis 7.0.
    #[test]
    fn slots_are_those_of_redis() {
        assert_eq!(slot_of(b"123456789"), 0x31c3 % SLOTS);
        assert_eq!(slot_of(b"foo"), 12_182);
    }

    /// Fixed for ever: what is stored is found by them.
    #[test]
    fn tags_do_not_change() {
        let lanes = [0, 1, 512, 1_023].map(|n| Lane::new(n).expect("it is a lane"));
        assert_eq!(lanes.map(tag), ["3560", "4883", "8209", "430"]);
    }
}
