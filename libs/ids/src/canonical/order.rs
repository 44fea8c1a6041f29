//! A fast way to the canonical form: sorts the members of compact JSON, and gives up on everything
//! that RFC 8785 spells in another way than `serde_json` does. It serves
//! [`super::rewrite`]: strict parsing is much of what a service does with a signed document.

use std::ops::Range;

/// The most digits before the point: both writers spell a double of that size in full.
const DIGITS_MAX: usize = 15;

/// The canonical form of `json`, which `serde_json` wrote from a finite value without `f32`; `None`
/// where numbers or keys need more than a copy.
pub(super) fn sorted(json: &[u8]) -> Option<Vec<u8>> {
    order(json, false)
}

/// As [`sorted`], without the members and items that say nothing: `null`, `[]` and `{}`, also when
/// they are that only because of what was left out of them.
pub(super) fn pruned(json: &[u8]) -> Option<Vec<u8>> {
    order(json, true)
}

fn order(json: &[u8], prune: bool) -> Option<Vec<u8>> {
    let out = Vec::with_capacity(json.len());
    let mut order = Order { json, at: 0, out, members: Vec::new(), prune };
    order.value()?;
    (order.at == json.len()).then_some(order.out)
}

struct Order<'a> {
    json: &'a [u8],
    at: usize,
    out: Vec<u8>,
    /// The members so far of every object that is open, outermost first.
    members: Vec<Member>,
    prune: bool,
}

/// A member of an object in `out`: its key without quotes, and all of it.
struct Member {
    key: Range<usize>,
    whole: Range<usize>,
}

impl Order<'_> {
    fn peek(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    /// Copies the next `length` bytes.
    fn copy(&mut self, length: usize) -> Option<()> {
        let end = self.at.checked_add(length)?;
        self.out.extend_from_slice(self.json.get(self.at..end)?);
        self.at = end;
        Some(())
    }

    fn value(&mut self) -> Option<()> {
        match self.peek()? {
            b'{' => self.object(),
            b'[' => self.array(),
            b'"' => self.string(),
            b't' | b'n' => self.copy(4),
            b'f' => self.copy(5),
            _ => self.number(),
        }
    }

    fn string(&mut self) -> Option<()> {
        let rest = self.json.get(self.at..)?;
        let mut length = 1;
        loop {
            // Much of a document is one long string; `position` is what the compiler makes fast.
            let plain = rest.get(length..)?.iter().position(|b| matches!(b, b'"' | b'\\'))?;
            length += plain;
            match rest.get(length)? {
                b'"' => return self.copy(length + 1),
                _ => length += 2,
            }
        }
    }

    /// Copies an integer, or a decimal fraction without its `.0`; never an exponent or a `-0`.
    fn number(&mut self) -> Option<()> {
        let rest = self.json.get(self.at..)?;
        let end = rest.iter().position(|b| matches!(b, b',' | b']' | b'}'));
        let token = rest.get(..end.unwrap_or(rest.len()))?;
        let kept = token.strip_suffix(b".0").unwrap_or(token);
        let digits = kept.strip_prefix(b"-").unwrap_or(kept);
        let whole = digits.iter().take_while(|b| b.is_ascii_digit()).count();
        let plain = digits.iter().all(|b| b.is_ascii_digit() || *b == b'.');
        if !plain || kept == b"-0" || !(1..=DIGITS_MAX).contains(&whole) {
            return None;
        }
        let skipped = token.len() - kept.len();
        self.copy(kept.len())?;
        self.at += skipped;
        Some(())
    }

    fn array(&mut self) -> Option<()> {
        self.copy(1)?;
        let mut kept = false;
        while self.peek()? != b']' {
            let start = self.separate(kept)?;
            let value = self.out.len();
            self.value()?;
            kept |= self.keep(start, value);
        }
        self.copy(1)
    }

    /// Steps over a comma, and writes one when an item was written before; where the output was.
    fn separate(&mut self, kept: bool) -> Option<usize> {
        let start = self.out.len();
        if self.peek()? == b',' {
            self.at += 1;
        }
        if kept {
            self.out.push(b',');
        }
        Some(start)
    }

    /// Whether the value at `value` says something; else the output ends at `start` again.
    fn keep(&mut self, start: usize, value: usize) -> bool {
        let written = self.out.get(value..).unwrap_or_default();
        let keep = !self.prune || !matches!(written, b"null" | b"[]" | b"{}");
        if !keep {
            self.out.truncate(start);
        }
        keep
    }

    fn object(&mut self) -> Option<()> {
        self.copy(1)?;
        let first = self.members.len();
        while self.peek()? != b'}' {
            let start = self.separate(self.members.len() > first)?;
            let member = self.member()?;
            // The value begins after the key, its quote and the colon.
            if self.keep(start, member.key.end + 2) {
                self.members.push(member);
            }
        }
        self.sort(first)?;
        self.members.truncate(first);
        self.copy(1)
    }

    fn member(&mut self) -> Option<Member> {
        let start = self.out.len();
        self.string()?;
        let key = start + 1..self.out.len() - 1;
        // RFC 8785 sorts by UTF-16 units; bytes sort alike in plain ASCII only.
        if !self.out.get(key.clone())?.iter().all(|b| b.is_ascii() && *b != b'\\') {
            return None;
        }
        self.copy(1)?;
        self.value()?;
        Some(Member { key, whole: start..self.out.len() })
    }

    /// Puts the members from the `first` on, which are the end of `out`, in the order of their keys.
    fn sort(&mut self, first: usize) -> Option<()> {
        let members = self.members.get_mut(first..)?;
        let key = |member: &Member| self.out.get(member.key.clone()).unwrap_or_default();
        if members.is_sorted_by(|a, b| key(a) < key(b)) {
            return Some(());
        }
        let start = members.first()?.whole.start;
        members.sort_unstable_by(|a, b| key(a).cmp(key(b)));
        if !members.is_sorted_by(|a, b| key(a) < key(b)) {
            return None;
        }
        let mut again = Vec::with_capacity(self.out.len() - start);
        for member in members.iter() {
            if !again.is_empty() {
                again.push(b',');
            }
            again.extend_from_slice(self.out.get(member.whole.clone())?);
        }
        self.out.truncate(start);
        self.out.extend_from_slice(&again);
        Some(())
    }
}

#[cfg(test)]
mod tests;
