//! Those who use a login, all at the same time.

use std::sync::Arc;

use auth_core::{LoginId, store::Store};
use auth_jwt_layer::{Issuer, RefreshError, Tokens};
use auth_tests::Dice;

use crate::history::Step;

/// What a task does with the newest tokens that it has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Refresh,
    Use,
    Logout,
}

/// A refresh token and an access token that came with it.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) refresh: String,
    pub(crate) access: String,
}

impl From<&Tokens> for Pair {
    fn from(tokens: &Tokens) -> Self {
        Self {
            refresh: tokens.refresh_token().to_owned(),
            access: tokens.access_token().to_owned(),
        }
    }
}

/// What a task did: its steps, and the tokens that it got, by generation.
pub(crate) type Done = (Vec<Step>, Vec<(u64, Pair)>);

/// What tasks do with a login of so many generations: with which they begin, and how they go on.
pub(crate) fn plan(dice: &mut Dice, current: u64) -> Vec<(u64, Vec<Act>)> {
    let mut tasks = Vec::new();
    for _ in 0..dice.below(4) {
        // Tabs; some are quick.
        let then: &[Act] = match dice.below(8) {
            0 => &[Act::Refresh, Act::Refresh],
            1 | 2 => &[Act::Refresh, Act::Use],
            3 => &[Act::Use, Act::Refresh],
            _ => &[Act::Refresh],
        };
        tasks.push((current, then.to_vec()));
    }
    if current > 1 && dice.below(4) == 0 {
        // Somebody whose answer was lost, or a thief.
        tasks.push((current - 1, vec![Act::Refresh]));
    }
    if current > 2 && dice.below(60) == 0 {
        let older = 1 + dice.below(current as usize - 2) as u64;
        tasks.push((older, vec![Act::Refresh]));
    }
    if current > 1 && dice.below(6) == 0 {
        let generation = current - dice.below(2) as u64;
        tasks.push((generation, vec![Act::Use]));
    }
    if dice.below(150) == 0 {
        tasks.push((current, vec![Act::Logout]));
    }
    tasks
}

/// One that has a token, and acts.
pub(crate) struct Task {
    pub(crate) issuer: Issuer,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) subject: String,
    pub(crate) id: LoginId,
    pub(crate) newest: (u64, Pair),
    pub(crate) done: Done,
}

impl Task {
    pub(crate) async fn run(mut self, acts: Vec<Act>) -> Done {
        for act in acts {
            let (generation, pair) = self.newest.clone();
            let step = match act {
                Act::Refresh => {
                    let token = pair.refresh.as_bytes();
                    let taken = match self.issuer.refresh(token, None).await {
                        Ok(tokens) => {
                            self.newest = (generation + 1, Pair::from(&tokens));
                            self.done.1.push(self.newest.clone());
                            true
                        }
                        Err(RefreshError::InvalidGrant) => false,
                        Err(error) => panic!("{error:?}"),
                    };
                    Step::Refresh { generation, taken }
                }
                Act::Use => {
                    let said = self.issuer.introspect(pair.access.as_bytes()).await;
                    let active = said.expect("an answer").is_active();
                    Step::Use { generation, active }
                }
                Act::Logout => {
                    let ended = self.store.end_login(&self.subject, self.id).await;
                    ended.expect("ended");
                    Step::End
                }
            };
            self.done.0.push(step);
        }
        self.done
    }
}
