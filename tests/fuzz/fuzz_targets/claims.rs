//! Headers and claims with a good signature: a line of header, then the claims.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    auth_tests::fuzz::claims(data);
});
