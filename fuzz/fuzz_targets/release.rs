//! libFuzzer's entry to `fuzz::release`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::release(data);
});
