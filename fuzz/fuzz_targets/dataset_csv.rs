//! libFuzzer's entry to `fuzz::dataset_csv`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::dataset_csv(data);
});
