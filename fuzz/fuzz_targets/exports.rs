//! libFuzzer's entry to `fuzz::exports`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::exports(data);
});
