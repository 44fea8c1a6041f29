//! libFuzzer's entry to `fuzz::log_policy`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::log_policy(data);
});
