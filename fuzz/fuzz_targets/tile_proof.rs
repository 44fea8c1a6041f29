//! libFuzzer's entry to `fuzz::tile_proof`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::tile_proof(data);
});
