//! Which denied licences a package cannot do without.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter::Peekable,
};

/// How deep parentheses are followed; deeper expressions are read as words.
const MAX_DEPTH: usize = 32;

/// The deny list, by every spelling that is meant (in lower case).
#[derive(Debug)]
pub(crate) struct Denied<'a>(BTreeMap<String, &'a str>);

impl<'a> Denied<'a> {
    /// An id without `-only` or `-or-later` denies both; `X+` is `X-or-later`, and a bare `X` in a
    /// package is `X-only` (SPDX licence list, deprecated ids).
    pub(crate) fn new(ids: &'a [String]) -> Self {
        let mut spellings = BTreeMap::new();
        for id in ids {
            let lower = id.trim().to_ascii_lowercase();
            let others = if let Some(bare) = lower.strip_suffix("-only") {
                vec![bare.to_owned()]
            } else if let Some(bare) = lower.strip_suffix("-or-later") {
                vec![format!("{bare}+")]
            } else if let Some(bare) = lower.strip_suffix('+') {
                vec![format!("{bare}-or-later")]
            } else {
                ["-only", "-or-later", "+"].map(|end| format!("{lower}{end}")).into()
            };
            for spelling in std::iter::once(lower).chain(others) {
                spellings.entry(spelling).or_insert(id.as_str());
            }
        }
        Self(spellings)
    }

    fn is(&self, text: &str) -> Option<&'a str> {
        self.0.get(&text.to_ascii_lowercase()).copied()
    }

    /// The denied licences that a package with these statements cannot do without. All statements
    /// hold at once; within one, `OR` leaves a choice (SPDX specification, annex D). In a text that
    /// is no expression every denied word counts.
    pub(crate) fn of(&self, stated: &[String]) -> BTreeSet<&'a str> {
        if self.0.is_empty() {
            return BTreeSet::new();
        }
        stated.iter().flat_map(|statement| self.statement(statement)).collect()
    }

    fn statement(&self, statement: &str) -> BTreeSet<&'a str> {
        if let Some(id) = self.is(statement.trim()) {
            return BTreeSet::from([id]);
        }
        let mut expression = Expression { tokens: tokens(statement).peekable(), denied: self };
        match expression.any(0) {
            Some(found) if expression.tokens.next().is_none() => found,
            _ => {
                let words =
                    statement.split(|c: char| !(c.is_ascii_alphanumeric() || "-.+".contains(c)));
                words.filter_map(|word| self.is(word)).collect()
            }
        }
    }
}

/// Parentheses, and what is between them and spaces.
fn tokens(statement: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')');
    let parts = statement.split_inclusive(ends).flat_map(move |part| {
        let (word, end) = part.split_at(part.trim_end_matches(ends).len());
        [word, end.trim()]
    });
    parts.filter(|token| !token.is_empty())
}

/// A licence expression; each part gives the denied licences that it cannot do without, or nothing
/// when it is no expression.
struct Expression<'d, 'a, T: Iterator> {
    tokens: Peekable<T>,
    denied: &'d Denied<'a>,
}

impl<'t, 'a, T: Iterator<Item = &'t str>> Expression<'_, 'a, T> {
    fn takes(&mut self, token: &str) -> bool {
        self.tokens.next_if(|next| next.eq_ignore_ascii_case(token)).is_some()
    }

    fn any(&mut self, depth: usize) -> Option<BTreeSet<&'a str>> {
        let mut all = self.every(depth)?;
        let mut avoidable = all.is_empty();
        while self.takes("or") {
            let other = self.every(depth)?;
            avoidable |= other.is_empty();
            all.extend(other);
        }
        Some(if avoidable { BTreeSet::new() } else { all })
    }

    fn every(&mut self, depth: usize) -> Option<BTreeSet<&'a str>> {
        let mut all = self.one(depth)?;
        while self.takes("and") {
            all.extend(self.one(depth)?);
        }
        Some(all)
    }

    fn one(&mut self, depth: usize) -> Option<BTreeSet<&'a str>> {
        let token = self.tokens.next()?;
        if token == "(" && depth < MAX_DEPTH {
            let inner = self.any(depth + 1)?;
            return self.takes(")").then_some(inner);
        }
        let is_word = |token: &str| {
            let reserved = ["(", ")", "and", "or", "with"];
            let of_id = |c: char| c.is_ascii_alphanumeric() || "-.+:".contains(c);
            token.chars().all(of_id)
                && !reserved.iter().any(|word| word.eq_ignore_ascii_case(token))
        };
        if !is_word(token) {
            return None;
        }
        // An exception permits more; whether that is enough is for people to say.
        if self.takes("with") {
            self.tokens.next().filter(|exception| is_word(exception))?;
        }
        Some(self.denied.is(token).into_iter().collect())
    }
}

#[cfg(test)]
mod tests;
