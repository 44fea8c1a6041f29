//! What names a key in a PKCS#11 token, and what its agent and the service say to each other.

use hsm::{
    MAX_URI_BYTES, Uri,
    agent::{FromAgent, Request},
};

/// The body of a frame, from either side: what is read is written again as the same bytes.
pub fn agent_frame(data: &[u8]) -> bool {
    let body = |frame: &[u8]| frame.get(4..).map(<[u8]>::to_vec);
    let mut accepted = false;
    if let Ok((id, request)) = Request::decode(data) {
        let again = request.encode(id).ok();
        assert!(again.as_deref().and_then(body).as_deref() == Some(data), "a request has one form");
        accepted = true;
    }
    if let Ok(message) = FromAgent::decode(data) {
        let again = message.encode().ok();
        assert!(again.as_deref().and_then(body).as_deref() == Some(data), "an answer has one form");
        accepted = true;
    }
    accepted
}

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
