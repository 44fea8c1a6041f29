//! libFuzzer's entry to `fuzz::keras_model`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::keras_model(data);
});
