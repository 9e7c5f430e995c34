//! The suite of tests that every store has to pass.
//!
//! For authors of stores: implement [`Harness`], and let [`contract_suite!`](crate::contract_suite)
//! write one `#[test]` per case into a test file of your crate. The suite needs no particular async
//! runtime; the harness brings one.
//!
//! ```text
//! // tests/contract.rs
//! use auth_core::contract::{Case, Harness};
//!
//! struct MyHarness { /* a fresh store, a clock, a runtime */ }
//! impl Harness for MyHarness { /* … */ }
//!
//! fn run(case: Case) {
//!     let runtime = /* one with several threads */;
//!     runtime.block_on(async { case.run(MyHarness::new().await).await });
//! }
//!
//! auth_core::contract_suite!(run);
//! ```
//!
//! # What a case may expect
//!
//! - Each case has a harness of its own, and with it a store that is empty and that nobody else uses.
//! - Time passes by [`Harness::advance`]. What passes besides, while a case runs, is at most
//!   [`Harness::tolerance`]; limits are tested to the millisecond where that is zero.
//! - Cases that race run their tasks by [`Harness::in_parallel`], from one start, many times over.
//!   Whatever the interleaving, they must pass: a case that fails once has found something.
//! - Randomized cases print their seed, and take it from `AUTH_CONTRACT_SEED`.

mod admission;
mod commit;
mod establish;
mod family;
mod histories;
mod history_model;
mod history_run;
mod limits;
mod list;
mod model;
mod notices;
mod parallel;
mod races;
mod random;
mod revocation;
mod rotation;
mod scene;
mod session;
mod world;

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{Timestamp, store::Store};
use world::World;

/// A future of the suite.
pub type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What the suite needs of the author of a store: one fresh store, and power over its time.
#[async_trait]
pub trait Harness: Send + Sync + 'static {
    /// The store: the same one each time.
    fn store(&self) -> Arc<dyn Store>;

    /// Another handle onto the same state, as another node has one. Where there is only one node,
    /// the store itself.
    fn other_node(&self) -> Arc<dyn Store> {
        self.store()
    }

    /// What time it is by the store's clock.
    fn now(&self) -> Timestamp;

    /// Lets `by` pass on the store's clock, for all nodes.
    async fn advance(&self, by: Duration);

    /// How much time may pass by itself between two calls. Zero with a clock that stands still.
    fn tolerance(&self) -> Duration {
        Duration::ZERO
    }

    /// Waits for what was begun and not waited for: touches, withdrawals, notices on their way.
    async fn settle(&self) {}

    /// Runs all of `tasks` at the same time, on several threads, and returns when all have ended.
    ///
    /// # Panics
    ///
    /// If one of them does.
    async fn in_parallel(&self, tasks: Vec<BoxFuture>);

    /// How often cases that race or throw dice repeat themselves: 1 where each call crosses a
    /// network, more where it does not.
    fn effort(&self) -> usize {
        1
    }
}

/// One case of the suite.
#[derive(Clone, Copy)]
pub struct Case {
    name: &'static str,
    run: fn(World) -> BoxFuture,
}

impl Case {
    /// Its name: the part of the contract, and what it says.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs it.
    ///
    /// # Panics
    ///
    /// If the store does not keep the contract.
    pub async fn run(self, harness: impl Harness) {
        (self.run)(World::new(Arc::new(harness))).await;
    }

    #[doc(hidden)]
    pub fn named(name: &str) -> Self {
        let is_it = |case: &&Self| case.name == name;
        *CASES.iter().find(is_it).expect("the macro names cases")
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({})", self.name)
    }
}

/// Every case.
pub fn cases() -> impl Iterator<Item = Case> {
    CASES.iter().copied()
}

/// Writes one `#[test]` for each case of the [contract](crate::contract), which calls the given
/// `fn(Case)`.
#[macro_export]
macro_rules! contract_suite {
    ($run:path) => {
        $crate::__contract_cases! { [$crate::__contract_tests] $run }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __contract_tests {
    ($run:path; $($part:ident { $($case:ident)* })*) => {
        $(
            mod $part {
                $(
                    #[test]
                    fn $case() {
                        #[allow(unused_imports)]
                        use super::*;
                        let name = concat!(stringify!($part), "::", stringify!($case));
                        $run($crate::contract::Case::named(name));
                    }
                )*
            }
        )*
    };
}

macro_rules! table {
    (; $($part:ident { $($case:ident)* })*) => {
        const CASES: &[Case] = &[
            $($(
                Case {
                    name: concat!(stringify!($part), "::", stringify!($case)),
                    run: |world| Box::pin($part::$case(world)),
                },
            )*)*
        ];
    };
}

/// The one list of cases: a case that is missing here is dead code, and the compiler says so.
#[doc(hidden)]
#[macro_export]
macro_rules! __contract_cases {
    ([$($then:tt)*] $($run:path)?) => {
        $($then)*! {
            $($run)?;
            revocation {
                nothing_is_revoked_at_first
                a_denied_token_is_the_only_one_that_dies
                an_ended_session_login_is_the_only_one_that_dies
                an_ended_token_login_takes_its_access_tokens_along
                nobody_ends_the_login_of_somebody_else
                ending_the_others_leaves_the_kept_session
                ending_the_others_leaves_the_kept_tokens
                ending_the_others_reaches_logins_that_are_not_listed
                revoking_a_subject_kills_all_of_it_and_nothing_else
                revoking_all_kills_everything
                a_foreign_subject_is_revoked_in_its_own_realm
                a_foreign_token_is_denied_alone
                a_denied_token_stays_denied_until_no_verifier_takes_it
                an_ended_login_stays_ended_as_long_as_it_could_have_lived
                many_revocations_do_not_forget_each_other
                a_kept_login_is_not_brought_back_by_being_kept
                a_login_can_be_kept_again_and_again
                a_repeated_command_does_not_revoke_what_came_after_it
                an_epoch_read_before_a_revocation_lets_nobody_in_after_it
                a_login_refused_by_its_epoch_leaves_nothing
            }
            session {
                an_unknown_id_is_absent_and_never_adopted
                an_anonymous_session_holds_its_data
                a_session_says_who_is_logged_in
                an_ended_session_is_not_brought_back
                an_ended_session_is_known_to_have_ended_for_a_minute
                what_has_expired_has_not_ended
                a_session_of_an_ended_login_is_not_brought_back
                a_login_revoked_while_it_was_admitted_never_works
                ending_one_session_leaves_the_others
                the_two_nodes_see_each_others_changes_at_once
                debug_shows_no_data
            }
            commit {
                different_fields_of_two_requests_both_survive
                the_last_commit_of_a_field_wins
                a_removed_field_is_gone
                a_value_survives_byte_by_byte
                an_unexpected_value_is_a_conflict_that_changes_nothing
                an_expected_value_is_replaced
                a_repeated_commit_happens_once
                a_repeated_commit_does_not_bring_a_session_back
                a_commit_without_changes_is_a_use
                data_may_be_as_large_as_its_limits_and_no_larger
                limits_count_what_other_requests_wrote
                a_value_that_replaces_another_counts_once
            }
            establish {
                the_old_id_is_dead_at_once
                a_gone_id_is_gone_for_a_minute_and_then_absent
                nothing_done_with_a_gone_id_has_an_effect
                a_parallel_request_can_not_undo_a_login
                a_login_keeps_the_data_if_it_is_to
                a_login_begins_new_limits
                a_new_id_for_the_same_login_keeps_its_limits
                a_login_that_is_confirmed_keeps_all_but_its_time
                a_login_can_be_taken_off_a_session
                changes_go_on_top_of_what_was_there
                a_conflict_leaves_the_old_id_alive
                a_session_that_has_ended_does_not_go_on
                a_repeated_establish_happens_once
                an_id_that_is_taken_is_not_taken_over
                many_ids_one_after_the_other
            }
            limits {
                an_idle_session_ends_after_its_limit_and_the_touch_interval
                a_session_ends_at_its_absolute_limit_however_much_it_is_used
                a_session_without_an_idle_limit_ends_only_at_its_absolute_one
                every_edge_of_the_limits_is_where_it_should_be
                a_touch_at_the_last_moment_counts_in_full
                a_touch_is_a_use
                a_commit_is_a_use
                a_refused_commit_changes_nothing
                a_load_is_no_use
                a_touch_never_brings_a_session_back
                the_limits_of_a_login_survive_every_write
                every_login_has_its_own_limits
                an_idle_limit_of_a_second_is_a_second
            }
            admission {
                one_login_too_many_ends_the_oldest
                a_lowered_limit_ends_as_many_as_it_takes
                one_login_too_many_is_refused
                logins_that_are_over_do_not_count
                an_admission_counts_before_its_session_is_there
                a_withdrawn_admission_counts_no_more
                a_repeated_admission_happens_once
                a_repeated_start_happens_once
                a_repeated_start_does_not_bring_a_login_back
                the_version_is_the_epoch_that_is_in_force
            }
            list {
                both_kinds_are_listed_the_newest_first
                pages_follow_each_other
                an_entry_tells_what_its_login_is
                a_login_that_has_ended_is_not_listed
                a_login_that_has_expired_is_not_listed
                a_session_stays_listed_when_its_id_changes
                a_second_login_over_the_same_session_takes_its_place
                a_withdrawn_admission_is_not_listed
                what_has_no_session_to_come_is_a_note_that_no_revocation_hides
                the_oldest_of_very_many_leave_the_list_and_live_on
            }
            rotation {
                a_login_starts_as_it_was_granted
                the_time_of_authentication_may_be_earlier
                each_token_is_rotated_into_the_next
                a_token_presented_again_gets_the_same_successor
                the_grace_ends_to_the_millisecond
                a_replay_does_not_prolong_the_grace
                without_grace_every_replay_is_reuse
                a_lost_response_is_retried_to_the_millisecond
                what_has_arrived_is_not_retried
                what_arrived_of_another_generation_changes_nothing
                a_token_before_the_previous_one_is_reuse_even_within_the_grace
                reuse_ends_that_login_and_only_that
                the_right_generation_with_another_hash_is_data_loss
                one_lost_rotation_is_adopted
                a_token_from_further_ahead_changes_nothing
                an_unknown_login_is_invalid
                whatever_is_presented_of_an_ended_login_is_invalid
                an_idle_login_ends_to_the_millisecond
                a_replay_is_no_use
                a_login_ends_at_its_absolute_limit
                the_version_becomes_current_when_it_advances
                a_refresh_login_is_not_read_by_rotating_it
            }
            notices {
                each_revocation_is_told_as_what_it_is
                a_foreign_subject_is_told_by_its_own_place
                logins_that_the_store_ends_are_told
                who_is_told_finds_it_in_force
                a_subscriber_that_left_is_no_trouble
                a_subscriber_that_never_listens_is_told_that_it_lags
            }
            races {
                commits_of_different_fields_all_survive
                of_commits_of_one_field_one_wins
                a_counter_that_expects_loses_no_step
                no_write_survives_the_end_of_its_session
                no_write_survives_a_change_of_the_id
                of_two_changes_of_an_id_one_happens
                a_session_ended_while_its_id_changes_is_in_one_of_two_states
                racing_admissions_never_exceed_the_limit
                one_token_presented_by_many_gets_one_successor
                a_refresh_that_races_a_revocation_does_not_outlive_it
                a_login_that_races_a_revocation_is_before_or_after_it
                a_repeated_command_races_itself
            }
            histories {
                random_requests_of_one_session_do_what_the_model_says
                every_order_of_a_few_requests_does_what_the_model_says
            }
            model {
                random_steps_do_what_the_model_says
                random_parallel_refreshes_never_fork_and_never_end_the_login
            }
        }
    };
}

__contract_cases! { [table] }
