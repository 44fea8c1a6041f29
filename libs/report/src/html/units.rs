//! Properties that count something, with words and units for people.

use super::model::words;
use super::view::Place;

/// Names whose last word says a unit or is not one that people use, with the words for them.
const LABELS: [(&str, &str, Unit); 17] = [
    ("cpuMillis", "Processor limit", Unit::Processors),
    ("cpuMs", "Processor time", Unit::Milliseconds),
    ("memoryBytes", "Memory", Unit::Bytes),
    ("memoryMib", "Memory", Unit::Mebibytes),
    ("memorySwapBytes", "Memory and swap", Unit::Bytes),
    ("peakMemoryBytes", "Peak memory", Unit::Bytes),
    ("outputBytes", "Output", Unit::Bytes),
    ("outputMib", "Output", Unit::Mebibytes),
    ("wallClockS", "Wall clock", Unit::Seconds),
    ("host:memoryBytes", "Memory", Unit::Bytes),
    ("cpu:logicalProcessors", "Logical processors", Unit::None),
    ("cpu:architecture", "Architecture", Unit::None),
    ("os:kernel", "Kernel", Unit::None),
    ("os:architecture", "Architecture", Unit::None),
    ("pids", "Processes", Unit::None),
    ("gpus", "GPUs", Unit::None),
    ("oomKilled", "Killed for want of memory", Unit::None),
];

/// What a number counts.
#[derive(Debug, Clone, Copy)]
enum Unit {
    /// Nothing of its own.
    None,
    /// Thousandths of a processor.
    Processors,
    Milliseconds,
    Seconds,
    Bytes,
    Mebibytes,
}

/// Label and value of a property for people; what is not known stands as it is.
pub(super) fn labelled(name: &str, value: &Place<'_>) -> (String, String) {
    let shown = value.show();
    if let (Some(counter), Ok(number)) =
        (name.strip_prefix("energyMillijoules:"), shown.parse::<u64>())
    {
        return (format!("Energy: {counter}"), format!("{} J", decimal(number, 1000)));
    }
    let Some((_, label, unit)) = LABELS.iter().find(|(known, ..)| *known == name) else {
        return (words(name), shown);
    };
    let text = shown.parse::<u64>().ok().map_or(shown, |number| measure(number, *unit));
    ((*label).to_owned(), text)
}

/// Label and value of a metric whose name ends with a unit: `peak memory (bytes)`.
pub(super) fn metric(kind: &str, value: &str) -> (String, String) {
    match (kind.strip_suffix(" (bytes)"), value.parse::<u64>()) {
        (Some(kind), Ok(number)) => (kind.to_owned(), measure(number, Unit::Bytes)),
        _ => (kind.to_owned(), value.to_owned()),
    }
}

/// A number with its unit.
fn measure(number: u64, unit: Unit) -> String {
    const MIB: u64 = 1024 * 1024;
    const GIB: u64 = 1024 * MIB;
    match unit {
        Unit::None => number.to_string(),
        Unit::Processors if number == 1000 => "1 processor".to_owned(),
        Unit::Processors => format!("{} processors", decimal(number, 1000)),
        Unit::Milliseconds => format!("{} s", decimal(number, 1000)),
        Unit::Seconds => format!("{number} s"),
        Unit::Bytes if number >= GIB => format!("{} GiB", decimal(number, GIB)),
        Unit::Bytes if number >= MIB => format!("{} MiB", decimal(number, MIB)),
        Unit::Bytes => format!("{number} bytes"),
        Unit::Mebibytes => measure(number.saturating_mul(MIB), Unit::Bytes),
    }
}

/// `number / by`, rounded to at most two decimals.
fn decimal(number: u64, by: u64) -> String {
    let hundredths = number.saturating_mul(100).saturating_add(by / 2) / by;
    let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
