//! The scripts: all writes.

/// A script of ours, by what it does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub(crate) enum Script {
    Raise,
    Deny,
    EndLogin,
    RaiseSubject,
    RaiseAll,
    Admit,
    Rotate,
    Arrived,
    Move,
    Unlist,
    Establish,
    Commit,
    Touch,
    End,
    Schema,
}

macro_rules! lane {
    ($file:literal) => {
        concat!(include_str!("lua/lane.lua"), include_str!($file))
    };
}

macro_rules! session {
    ($file:literal) => {
        concat!(include_str!("lua/session.lua"), include_str!($file))
    };
}

impl Script {
    pub(crate) const ALL: [Self; 15] = [
        Self::Raise,
        Self::Deny,
        Self::EndLogin,
        Self::RaiseSubject,
        Self::RaiseAll,
        Self::Admit,
        Self::Rotate,
        Self::Arrived,
        Self::Move,
        Self::Unlist,
        Self::Establish,
        Self::Commit,
        Self::Touch,
        Self::End,
        Self::Schema,
    ];

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Raise => lane!("lua/raise.lua"),
            Self::Deny => lane!("lua/deny.lua"),
            Self::EndLogin => lane!("lua/end_login.lua"),
            Self::RaiseSubject => lane!("lua/raise_subject.lua"),
            Self::RaiseAll => lane!("lua/raise_all.lua"),
            Self::Admit => lane!("lua/admit.lua"),
            Self::Rotate => lane!("lua/rotate.lua"),
            Self::Arrived => lane!("lua/arrived.lua"),
            Self::Move => lane!("lua/move.lua"),
            Self::Unlist => lane!("lua/unlist.lua"),
            Self::Establish => session!("lua/establish.lua"),
            Self::Commit => session!("lua/commit.lua"),
            Self::Touch => session!("lua/touch.lua"),
            Self::End => session!("lua/end.lua"),
            Self::Schema => include_str!("lua/schema.lua"),
        }
    }
}
