//! libFuzzer's entry to `fuzz::monitor_state`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::monitor_state(data);
});
