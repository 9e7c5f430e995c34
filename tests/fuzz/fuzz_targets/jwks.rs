//! JWK sets, as they come.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    auth_tests::fuzz::jwks(data);
});
