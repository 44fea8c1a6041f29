//! libFuzzer's entry to `fuzz::tlog_proof`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::tlog_proof(data);
});
