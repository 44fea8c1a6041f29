//! Numbers in lines of protocol 0, with all that CPython takes for one: it reads them by `strtol`,
//! `int` and `float`, whose spelling is far freer than what a pickler writes.

/// Which way a whole number is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    /// PUT and GET: decimal.
    Ten,
    /// LONG: by its prefix, as in Python's source.
    Prefix,
    /// INT: as LONG, or by `strtol`, for which a zero in front means octal.
    C,
}

/// What a line stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    /// `None` when it is larger than 64 bits.
    pub(super) value: Option<i64>,
    /// Whether a pickler writes it like this.
    pub(super) plain: bool,
}

/// The whole number of a line; `None` where every reader fails.
pub(super) fn int(line: &[u8], base: Base) -> Option<Number> {
    let text = before_nul(line);
    let trimmed = trim(text);
    let (negative, digits) = match trimmed.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, trimmed),
    };
    let plain = plain_int(line);
    if text.is_empty() && text.len() < line.len() && base == Base::C {
        return Some(Number { value: Some(0), plain: false });
    }
    let (radix, digits, prefixed) = prefix(digits, base)?;
    let (mut value, mut behind_digit) = (Some(0_i64), prefixed);
    for byte in digits {
        if *byte == b'_' {
            behind_digit = behind_digit.then_some(false)?;
            continue;
        }
        let digit = i64::from(char::from(*byte).to_digit(radix)?);
        value = value.and_then(|sum| {
            let sum = sum.checked_mul(radix.into())?;
            if negative { sum.checked_sub(digit) } else { sum.checked_add(digit) }
        });
        behind_digit = true;
    }
    // Neither empty, nor with an underscore at its end.
    let ends = digits.last().is_some_and(|byte| *byte != b'_');
    ends.then_some(Number { value, plain })
}

/// Radix and digits, and whether an underscore may come first.
fn prefix(digits: &[u8], base: Base) -> Option<(u32, &[u8], bool)> {
    if base == Base::Ten {
        return Some((10, digits, false));
    }
    Some(match digits {
        [b'0', b'x' | b'X', rest @ ..] => (16, rest, true),
        [b'0', b'o' | b'O', rest @ ..] => (8, rest, true),
        [b'0', b'b' | b'B', rest @ ..] => (2, rest, true),
        [b'0', rest @ ..] if rest.iter().any(|byte| !matches!(byte, b'0' | b'_')) => {
            let octal = base == Base::C && rest.iter().all(|byte| matches!(byte, b'0'..=b'7'));
            octal.then_some((8, rest, false))?
        }
        digits => (10, digits, false),
    })
}

/// Whether a decimal number may begin like this.
pub(super) fn may_begin(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'_' | b'+' | b'-' | b' ' | 0x09..=0x0D))
}

/// Whether a line is a number for FLOAT, and whether a pickler writes it like this.
pub(super) fn float(line: &[u8]) -> Option<Number> {
    let text = std::str::from_utf8(trim(before_nul(line))).ok()?;
    let plain = text.len() == line.len() && !text.contains('_') && !text.starts_with('+');
    let number = text.replace('_', "").parse::<f64>().is_ok();
    number.then_some(Number { value: None, plain })
}

/// A C string ends there.
fn before_nul(line: &[u8]) -> &[u8] {
    line.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn trim(mut text: &[u8]) -> &[u8] {
    let space = |byte: &u8| matches!(byte, b' ' | 0x09..=0x0D);
    while let Some((_, rest)) = text.split_first().filter(|(first, _)| space(first)) {
        text = rest;
    }
    while let Some((_, rest)) = text.split_last().filter(|(last, _)| space(last)) {
        text = rest;
    }
    text
}

/// Decimal digits without a zero in front. INT's `00` and `01` are `False` and `True`; pickles that
/// went through Windows have a carriage return.
fn plain_int(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let digits = line.strip_prefix(b"-").unwrap_or(line);
    let zero = digits.first() == Some(&b'0') && digits.len() > 1;
    !digits.is_empty()
        && digits.iter().all(u8::is_ascii_digit)
        && (!zero || matches!(line, b"00" | b"01"))
}

#[cfg(test)]
mod tests;
