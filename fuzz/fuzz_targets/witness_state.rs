//! libFuzzer's entry to `fuzz::witness_state`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::witness_state(data);
});
