//! libFuzzer's entry to `fuzz::trust_root`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::trust_root(data);
});
