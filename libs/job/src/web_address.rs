//! What counts as a web address: the part of RFC 3986 that every reader of an AIBoM takes.

/// The longest web address, in bytes.
const MAX_BYTES: usize = 1024;

/// Whether `text` is `https://` or `http://`, a host name with or without a port, and a path, query
/// and fragment of RFC 3986 characters; at most 1,024 bytes.
#[must_use]
pub fn is_web_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest.filter(|_| text.len() <= MAX_BYTES) else { return false };
    let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let port_is_number = |port: &str| {
        port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    let (before, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
    host.starts_with(|c: char| c.is_ascii_alphanumeric())
        && host.bytes().all(name)
        && port.is_none_or(port_is_number)
        && is_plain(before)
        && is_plain(fragment)
}

/// Characters of a path, query or fragment; a percent sign begins an encoded byte.
fn is_plain(text: &str) -> bool {
    let mut parts = text.split('%');
    let first = parts.next().unwrap_or_default();
    let unencoded = |text: &str| {
        text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&b))
    };
    unencoded(first)
        && parts.all(|part| {
            part.split_at_checked(2).is_some_and(|(byte, rest)| {
                byte.bytes().all(|b| b.is_ascii_hexdigit()) && unencoded(rest)
            })
        })
}
