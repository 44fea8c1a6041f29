//! libFuzzer's entry to `fuzz::scan_db`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::scan_db(data);
});
