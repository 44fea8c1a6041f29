//! libFuzzer's entry to `fuzz::attest_request`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::attest_request(data);
});
