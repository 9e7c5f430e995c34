//! `Cookie` headers, a line each.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    auth_tests::fuzz::cookie(data);
});
