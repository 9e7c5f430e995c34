//! What other libraries take.

use crate::{Class, Here::*};

pub(crate) const CLASSES: &[Class] = &[
    Class {
        about: "their own interface: its arguments, options and errors",
        here: Apart("there is no such argument, option or type here"),
        cases: &[
            "cache_put_none",
            "proper_str",
            "map_claims_test.go/missing key",
            "extractor_test.go/simple",
            "unicode_token",
            "errors.rs",
        ],
    },
    Class {
        about: "a key that is looked for by a function, or several that are tried",
        here: Apart("a verifier has a set of keys, and the header's `kid` says which one it is"),
        cases: &["multiple keys"],
    },
    Class {
        about: "detached and unencoded payloads, and extensions that are critical",
        here: Stricter("access tokens have none of them: RFC 7519 section 7.2, RFC 9068"),
        cases: &["detached", "supported_crit"],
    },
    Class {
        about: "a secret that does not say what it is for, or is shorter than its hash",
        here: Stricter("one key, one algorithm; RFC 7518 section 3.2"),
        cases: &["hmac_without_alg", "accept_unicode_key"],
    },
    Class {
        about: "an algorithm that is not supported",
        here: Stricter("P-521 is hardly used, and not in both backends"),
        cases: &["ES512"],
    },
    Class {
        about: "no audience, or claims that need not be there or right",
        here: Stricter("what is required is always required, and of its own type"),
        cases: &[
            "Nil String Aud",
            "Empty []String Aud",
            "null aud",
            "exp_validated_but_not_required",
            "exp_required_but_not_validated",
        ],
    },
    Class {
        about: "clocks that differ by two minutes",
        here: Stricter("leeway is a minute at most"),
        cases: &["nbf with 120s skew"],
    },
    Class {
        about: "tokens in the query",
        here: Stricter("queries get into logs: RFC 9700 section 4.3.2"),
        cases: &["oauth bearer token - url"],
    },
    Class {
        about: "cases that expect `false`, which was read as taken",
        here: Misread(&[
            "asvs_9_2_3_tokens_are_for_their_audience",
            "every_token_gets_its_verdict",
        ]),
        cases: &["without match not required", "Aud int with match"],
    },
    Class {
        about: "good signatures",
        here: Taken(&[
            "jose_and_we_take_each_others_tokens_and_key_sets",
            "pyjwt_and_we_take_each_others_tokens_and_key_sets",
            "the_examples_of_the_rfcs",
        ]),
        cases: &[
            "Basic ES256",
            "Basic RS",
            "Basic PS",
            "parser_test.go/basic",
            "web sample",
            "key_without_alg",
        ],
    },
    Class {
        about: "good claims, and those that need not be there",
        here: Taken(&[
            "every_token_gets_its_verdict",
            "claims_are_of_the_type_asked_for_or_said_not_to_be",
            "asvs_9_2_3_tokens_are_for_their_audience",
        ]),
        cases: &[
            "good claim",
            "RFC7519 Claims",
            "JSON Number",
            "JSON Data Types",
            "String Aud",
            "[]string aud",
            "audience matches",
            "none_subject",
        ],
    },
    Class {
        about: "the header of a request",
        here: Taken(&["every_shape_of_the_authorization_header_gets_its_verdict"]),
        cases: &["extractor_test.go/filter", "authorization bearer token"],
    },
];
