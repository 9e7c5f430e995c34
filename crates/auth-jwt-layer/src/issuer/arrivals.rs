//! Which answers are known to have arrived.

use std::{collections::HashMap, fmt, sync::Arc};

use auth_core::{LoginId, revocation::Lane, store::RefreshLogins};
use parking_lot::Mutex;

use super::service::Config;
use crate::{Verified, verify::Witness};

/// At most so many logins are remembered; for one that was forgotten, the store is told again.
const MAX_LOGINS: usize = 10_000;

/// Tells the store of each generation of which something was presented here, about once.
pub(super) struct Arrivals {
    store: Arc<dyn RefreshLogins>,
    told: Mutex<HashMap<LoginId, u64>>,
}

impl Config {
    /// Where lost responses are not retried, nobody needs to know which have arrived.
    pub(super) fn arrivals(&self) -> Option<Arc<Arrivals>> {
        if self.retry.is_zero() {
            return None;
        }
        Some(Arc::new(Arrivals {
            store: Arc::clone(&self.store),
            told: Mutex::default(),
        }))
    }
}

impl Arrivals {
    /// Somebody has the tokens of this generation.
    pub(super) fn arrived(&self, lane: Lane, login: LoginId, generation: u64) {
        // Before the first token there was none that could be sent again.
        if generation > 1 && self.is_news(login, generation) {
            self.store.arrived(lane, login, generation);
        }
    }

    fn is_news(&self, login: LoginId, generation: u64) -> bool {
        let mut told = self.told.lock();
        if told.get(&login).is_some_and(|told| *told >= generation) {
            return false;
        }
        if told.len() >= MAX_LOGINS {
            told.clear();
        }
        told.insert(login, generation);
        true
    }
}

impl Witness for Arrivals {
    fn presented(&self, token: &Verified) {
        let login = token.session_id().and_then(|sid| sid.parse().ok());
        let (Some(login), Some(generation)) = (login, token.generation()) else {
            return;
        };
        let lane = Lane::of(self.store.realm(), token.subject());
        self.arrived(lane, login, generation);
    }
}

impl fmt::Debug for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Arrivals")
    }
}
