//! libFuzzer's entry to `fuzz::advisory_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::advisory_file(data);
});
