//! One cell to one value. What `parse` of Rust accepts and no data file should hold is left out.

use super::CellProblem;

/// The largest number that a 32-bit float holds.
const FLOAT32_MAX: f64 = f32::MAX as f64;

/// The cell without the white space around it.
pub(super) fn present(cell: &str) -> Result<&str, CellProblem> {
    let text = cell.trim();
    if text.is_empty() { Err(CellProblem::Missing) } else { Ok(text) }
}

/// The number in a cell.
pub(super) fn number(cell: &str, integer: bool) -> Result<f64, CellProblem> {
    let text = present(cell)?;
    if !is_plain_number(text.as_bytes()) {
        return Err(CellProblem::NotANumber(cut(text)));
    }
    let value: f64 = text.parse().map_err(|_| CellProblem::NotANumber(cut(text)))?;
    if value.abs() > FLOAT32_MAX {
        return Err(CellProblem::OutOfRange(cut(text)));
    }
    if integer && value.fract() != 0.0 {
        return Err(CellProblem::NotAnInteger(cut(text)));
    }
    Ok(value)
}

/// The start of a cell, for an error message.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(40).collect()
}

/// `[+-]? (digits [. digits*] | . digits) ([eE] [+-]? digits)?`: no `nan`, `inf` or `1_000`.
fn is_plain_number(text: &[u8]) -> bool {
    let rest = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let (whole, rest) = digits(rest);
    let (fraction, rest) = match rest.strip_prefix(b".") {
        Some(rest) => digits(rest),
        None => (0, rest),
    };
    if whole + fraction == 0 {
        return false;
    }
    let Some(rest) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) else {
        return rest.is_empty();
    };
    let rest = rest.strip_prefix(b"-").or_else(|| rest.strip_prefix(b"+")).unwrap_or(rest);
    let (exponent, rest) = digits(rest);
    exponent > 0 && rest.is_empty()
}

fn digits(text: &[u8]) -> (usize, &[u8]) {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count, text.get(count..).unwrap_or_default())
}
