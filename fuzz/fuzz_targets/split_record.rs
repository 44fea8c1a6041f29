//! libFuzzer's entry to `fuzz::split_record`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::split_record(data);
});
