//! libFuzzer's entry to `fuzz::record_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::record_file(data);
});
