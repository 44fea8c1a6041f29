//! libFuzzer's entry to `fuzz::checkpoint_note`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::checkpoint_note(data);
});
