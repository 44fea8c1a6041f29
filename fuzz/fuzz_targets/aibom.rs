//! libFuzzer's entry to `fuzz::aibom`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::aibom(data);
});
