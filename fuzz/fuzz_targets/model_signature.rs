//! libFuzzer's entry to `fuzz::model_signature`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::model_signature(data);
});
