//! libFuzzer's entry to `fuzz::evidence_set`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::evidence_set(data);
});
