//! The processor time of a process, of its children, and of this thread, from proc(5).

use anyhow::Context as _;

/// Clock ticks in a second, as Linux shows them to user space on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// User and system time of process `pid` so far, in seconds; steps of 10 ms.
pub(crate) fn seconds(pid: u32) -> anyhow::Result<f64> {
    let path = format!("/proc/{pid}/stat");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    parse(&text).with_context(|| format!("{path} is not what proc(5) says"))
}

/// The children of process `pid`, with their command lines.
pub(crate) fn children(pid: u32) -> anyhow::Result<Vec<(u32, String)>> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let child = |id: &str| -> anyhow::Result<(u32, String)> {
        let command = std::fs::read_to_string(format!("/proc/{id}/cmdline"))?;
        Ok((id.parse()?, command.replace('\0', " ")))
    };
    text.split_ascii_whitespace().map(child).collect()
}

/// Time of the calling thread on a processor so far, in seconds; steps of a scheduler tick.
pub(crate) fn thread_seconds() -> anyhow::Result<f64> {
    let path = "/proc/thread-self/schedstat";
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    let ns: u64 = text.split(' ').next().unwrap_or_default().parse().context(path)?;
    Ok(crate::rounds::as_f64(ns) / 1e9)
}

/// Fields 14 and 15, counted after the command's closing parenthesis.
fn parse(text: &str) -> Option<f64> {
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some((f64::from(user) + f64::from(system)) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_command_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let line = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 1 0 1 1 1";
        assert_eq!(parse(line), Some(2.0));
        assert_eq!(parse("7 (a"), None);
    }
}
