//! Patterns of artifact rules: shell globs as Python's `fnmatch` reads them, where `*` also takes
//! slashes (in-toto specification, section 4.3.3).

/// Steps that all rules of a layout may take over all their patterns and names.
const MAX_STEPS: u64 = 20_000_000;

/// What is left of the steps; patterns and names come from strangers.
#[derive(Debug)]
pub(super) struct Budget(u64);

impl Budget {
    pub(super) const fn new() -> Self {
        Self(MAX_STEPS)
    }

    fn spend(&mut self) -> Result<(), String> {
        self.0 = self.0.checked_sub(1).ok_or("the rules take too much work to check")?;
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Many,
    One,
    Literal(char),
    Set { negated: bool, ranges: Vec<(char, char)> },
}

impl Token {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Many | Self::One => true,
            Self::Literal(literal) => *literal == c,
            Self::Set { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

/// A parsed pattern.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Token>);

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let mut tokens = Vec::new();
        let mut rest = chars.as_slice();
        while let [first, tail @ ..] = rest {
            rest = tail;
            let token = match first {
                '*' => Token::Many,
                '?' => Token::One,
                '[' => match set(tail) {
                    Some((token, after)) => {
                        rest = after;
                        token
                    }
                    None => Token::Literal('['),
                },
                literal => Token::Literal(*literal),
            };
            if token != Token::Many || tokens.last() != Some(&Token::Many) {
                tokens.push(token);
            }
        }
        Self(tokens)
    }

    /// Whether the whole of `text` fits. Takes back only the last `*`, so it ends.
    pub(super) fn matches(&self, text: &str, budget: &mut Budget) -> Result<bool, String> {
        let text: Vec<char> = text.chars().collect();
        let (mut token, mut at) = (0_usize, 0_usize);
        let mut retry: Option<(usize, usize)> = None;
        while let Some(c) = text.get(at) {
            budget.spend()?;
            match self.0.get(token) {
                Some(Token::Many) => {
                    retry = Some((token + 1, at));
                    token += 1;
                }
                Some(other) if other.takes(*c) => {
                    token += 1;
                    at += 1;
                }
                _ => match retry {
                    Some((after, from)) => {
                        retry = Some((after, from + 1));
                        (token, at) = (after, from + 1);
                    }
                    None => return Ok(false),
                },
            }
        }
        Ok(self.0.get(token..).unwrap_or_default().iter().all(|rest| *rest == Token::Many))
    }
}

/// The set whose content follows a `[`, and what comes after its `]`.
fn set(after_bracket: &[char]) -> Option<(Token, &[char])> {
    let (negated, body) = match after_bracket {
        ['!', body @ ..] => (true, body),
        body => (false, body),
    };
    // A `]` that comes first stands for itself.
    let end = body.iter().skip(1).position(|c| *c == ']')?.checked_add(1)?;
    let (mut inside, after) = body.split_at(end);
    let mut ranges = Vec::new();
    while let [first, tail @ ..] = inside {
        if let ['-', last, tail @ ..] = tail {
            ranges.push((*first, *last));
            inside = tail;
        } else {
            ranges.push((*first, *first));
            inside = tail;
        }
    }
    Some((Token::Set { negated, ranges }, after.get(1..)?))
}
