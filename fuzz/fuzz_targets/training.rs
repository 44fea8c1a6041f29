//! libFuzzer's entry to `fuzz::training`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::training(data);
});
