//! libFuzzer's entry to `fuzz::inclusion_proof`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::inclusion_proof(data);
});
