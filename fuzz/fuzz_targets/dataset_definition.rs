//! libFuzzer's entry to `fuzz::dataset_definition`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::dataset_definition(data);
});
