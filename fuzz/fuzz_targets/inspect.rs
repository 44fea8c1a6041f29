//! libFuzzer's entry to `fuzz::inspect`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::inspect(data);
});
