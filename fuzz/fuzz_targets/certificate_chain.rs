//! libFuzzer's entry to `fuzz::certificate_chain`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::certificate_chain(data);
});
