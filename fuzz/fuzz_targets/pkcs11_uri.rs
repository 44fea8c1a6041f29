//! libFuzzer's entry to `fuzz::pkcs11_uri`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::pkcs11_uri(data);
});
