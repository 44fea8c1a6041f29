//! libFuzzer's entry to `fuzz::in_toto`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::in_toto(data);
});
