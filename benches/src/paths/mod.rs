//! What a request costs in process, beside the same router with a layer that does nothing.

mod sessions;
mod tokens;

use std::rc::Rc;

use tokio::runtime::{Builder, Runtime};

use crate::report::Section;

/// How many rounds a group runs.
const ROUNDS: usize = 200;
/// The name of our candidate in each group.
const OURS: &str = "**auth-layers**";
const FLOOR: &str = "floor: a layer that does nothing";

pub fn run() -> Section {
    let mut section = Section::new("What a request costs, in process");
    section.say(
        "An axum router is called without a socket. Each group runs interleaved in one process; *added* is the median of \
         the rounds' differences from the floor, which answers the same behind a layer that does nothing, to a request \
         with the same headers. CPU time of the one thread. Every candidate's answer (200, and the body) was checked first.",
    );
    let runtime = runtime();
    sessions::run(&runtime, &mut section);
    tokens::run(&runtime, &mut section);
    section
}

/// Of one thread: nothing here waits for another.
pub fn runtime() -> Rc<Runtime> {
    let runtime = Builder::new_current_thread().enable_all().build();
    Rc::new(runtime.expect("a runtime"))
}
