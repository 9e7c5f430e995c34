//! Tokens, as they come.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    auth_tests::fuzz::token(data);
});
