//! libFuzzer's entry to `fuzz::agent_frame`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::agent_frame(data);
});
