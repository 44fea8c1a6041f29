//! What names a key in a PKCS#11 token.

use hsm::{MAX_URI_BYTES, Uri};

/// A PKCS#11 URI: it reads back from its own spelling, names absolute paths, and holds no PIN.
pub fn pkcs11_uri(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let written = uri.to_string();
    assert!(written.len() <= MAX_URI_BYTES && text.len() <= MAX_URI_BYTES, "URIs are bounded");
    assert!(written.parse::<Uri>().as_ref() == Ok(&uri), "a URI reads back");
    let mut paths = uri.module_path.iter().chain(&uri.pin_source);
    assert!(paths.all(|path| path.is_absolute()), "paths are absolute");
    let attributes = written.split(['?', ';', '&']).skip(1);
    let pins = attributes.filter(|attribute| attribute.starts_with("pin-value="));
    // The path of a PIN's file may have a question mark in it.
    assert!(uri.pin_source.is_some() || pins.count() == 0, "no PIN in a URI");
    true
}
