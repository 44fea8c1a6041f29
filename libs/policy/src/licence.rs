//! Whether a package can be used without a denied licence.

/// The denied licence that `stated` cannot do without. Each statement of a package holds; within one,
/// `OR` leaves a choice (SPDX specification, annex D). Parentheses are not looked into: a denied id
/// inside of them counts.
pub(crate) fn denied<'a>(stated: &[String], deny: &'a [String]) -> Option<&'a str> {
    stated.iter().find_map(|statement| {
        let mut choices = choices(statement).into_iter().map(|choice| named(choice, deny));
        let first = choices.next()??;
        choices.all(|named| named.is_some()).then_some(first)
    })
}

fn choices(statement: &str) -> Vec<&str> {
    if statement.contains(['(', ')']) { vec![statement] } else { statement.split(" OR ").collect() }
}

fn named<'a>(choice: &str, deny: &'a [String]) -> Option<&'a str> {
    let mut words = choice.split(|c: char| !(c.is_ascii_alphanumeric() || "-.+".contains(c)));
    words.find_map(|word| deny.iter().find(|id| id.eq_ignore_ascii_case(word))).map(String::as_str)
}
