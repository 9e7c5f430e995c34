//! What other libraries do with sessions and refresh tokens.

use crate::{Class, Here::*};

pub(crate) const CLASSES: &[Class] = &[
    Class {
        about: "their own interface",
        here: Apart("there is no such function or option here"),
        cases: &[
            "reject non-function",
            "reject unknown values",
            "enumerable methods",
            "overridden `reload`",
            "res.end is called twice",
            "offline scope",
            "custom client lifespans",
        ],
    },
    Class {
        about: "the attributes of the cookie",
        here: Done(&[
            "the_host_prefix_works_and_the_attributes_are_the_safe_ones",
            "settings_that_can_not_work_fail_where_the_layer_is_built",
            "a_partitioned_cookie_is_set_and_removed_as_one",
        ]),
        cases: &[
            "X-Forwarded-Proto",
            "req.secure",
            "SameSite=None",
            "when insecure",
            "partitioned",
            "not reset cookie",
            "modify cookie expires",
            "should not set cookie for",
        ],
    },
    Class {
        about: "ids that nobody gave out, and sessions that are over",
        here: Done(&[
            "every_shape_of_the_cookie_header_is_served_as_the_vectors_say",
            "asvs_7_2_1_an_id_is_good_only_if_the_store_knows_it",
            "asvs_7_4_1_what_has_ended_can_not_be_resumed",
        ]),
        cases: &[
            "ENOENT",
            "attempt fetch",
            "not exist in store",
            "malformed_session_cookie",
            "destroy",
        ],
    },
    Class {
        about: "ids that change",
        here: Done(&["asvs_7_2_4_logging_in_and_proving_it_again_make_a_new_id_and_end_the_old"]),
        cases: &["cycle"],
    },
    Class {
        about: "what is saved when, and what if it can not be",
        here: Done(&[
            "changes_that_can_not_be_saved_are_500_and_told",
            "a_save_that_fails_is_told_to_the_handler_and_not_tried_again",
            "a_stack_without_the_layer_is_500_and_says_why",
            "a_request_that_does_not_touch_its_session_sets_no_cookie_whatever_its_method",
            "fields_are_typed_and_seen_before_they_are_saved",
        ]),
        cases: &[
            "save error",
            "end-of-request save",
            "session missing",
            "no_session_set",
            "insert_session",
        ],
    },
    Class {
        about: "how long sessions live",
        here: Done(&["asvs_7_3_2_no_session_lasts_longer_than_its_absolute_limit"]),
        cases: &["session_max_age"],
    },
    Class {
        about: "refresh tokens that are good, and that are not",
        here: Done(&[
            "a_refresh_token_gets_the_next_pair",
            "what_nobody_issued_asks_no_store_and_ends_nothing",
            "the_client_of_the_login_may_say_so",
            "an_idle_login_is_over_without_an_alarm",
        ]),
        cases: &[
            "should pass",
            "token invalid",
            "client mismatches",
            "is expired",
        ],
    },
    Class {
        about: "refresh tokens that are reused",
        here: Done(&["a_replay_after_the_grace_ends_that_login_and_no_other"]),
        cases: &["token reuse"],
    },
    Class {
        about: "a store that fails in the middle, where there is none here: it is one step",
        here: Done(&[
            "store_trouble_is_never_an_invalid_grant",
            "store_trouble_is_503_and_the_token_stays_good",
            "of_a_refresh_it_is_no_theft",
        ]),
        cases: &["transaction", "ErrSerializationFailure"],
    },
];
