//! libFuzzer's entry to `fuzz::ledger_inclusion`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::ledger_inclusion(data);
});
