//! Which fields of a component are there, and how a field is named.

/// The names of the fields that are there.
pub(crate) fn given<const N: usize>(fields: [(&'static str, bool); N]) -> Vec<&'static str> {
    fields.into_iter().filter_map(|(name, there)| there.then_some(name)).collect()
}

/// A member's name or an item's name as one step of a field: `~0`, `~1` and `~2` stand for `~`, `/`
/// (RFC 6901) and the comma, which separates fields.
pub(crate) fn step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1").replace(',', "~2")
}
