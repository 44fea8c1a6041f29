//! libFuzzer's entry to `fuzz::dsse_envelope`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::dsse_envelope(data);
});
