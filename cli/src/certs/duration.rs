//! Durations as people write them: `90s`, `15m`, `24h`, `30d`.

const MAX_DAYS: i64 = 3_650;

/// Milliseconds of `text`, at most ten years.
pub(crate) fn milliseconds(text: &str) -> Result<i64, String> {
    let form = || format!("a time is a number and s, m, h or d, such as 24h; got {text:?}");
    let split = text.len().saturating_sub(1);
    let (number, unit) = text.split_at_checked(split).ok_or_else(form)?;
    let number: u32 = number.parse().map_err(|_| form())?;
    let unit_ms: i64 = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(form()),
    };
    let total = i64::from(number).saturating_mul(unit_ms);
    if (1..=MAX_DAYS * 86_400_000).contains(&total) {
        Ok(total)
    } else {
        Err(format!("a time is 1s to {MAX_DAYS}d, got {text:?}"))
    }
}
