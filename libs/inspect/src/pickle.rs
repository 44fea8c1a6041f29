//! Pickles (protocols 0 to 5), followed opcode by opcode as CPython's unpickler would, with a stack
//! and memo of what can become the name of an import. Nothing is built and nothing is run.
//!
//! The walk goes on behind a fault: what stands before it has run by then, and where this machine
//! and another one disagree about a fault, the rest is still looked at.

mod digits;
mod imports;
mod joblib;
mod machine;
mod memo;
mod value;

use std::io;

use crate::{
    Scan, Severity,
    rule::Rule,
    source::{Source, Stream},
};
use imports::Verdict;
use machine::{End, Machine, Seen};

/// The most pickles that are read one behind the other.
const MAX_PICKLES: u32 = 64;

/// What is around a pickle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setting {
    /// A file of its own.
    Plain,
    /// `data.pkl` of a PyTorch archive, where persistent ids name the storages.
    Torch,
    /// The objects of a NumPy array.
    Numpy,
}

/// Whether bytes without any magic number are a pickle: they run to its end, or import something
/// known before they fail.
pub(crate) fn is_one(scan: &Scan<'_>, source: &mut Source<'_>) -> io::Result<bool> {
    let head = source.peek(0, 2)?;
    let protocol = matches!(head.as_slice(), [0x80, 0..=5]);
    if !head.first().is_some_and(|byte| machine::may_begin(*byte)) {
        return Ok(false);
    }
    let mut machine = Machine::new(scan.limits.max_pickle_bytes);
    let end = machine.run(&mut source.stream(0), false)?;
    let judged = |wanted: fn(&Verdict) -> bool| {
        machine.seen.iter().any(|(seen, _)| {
            matches!(seen, Seen::Import(module, name) if wanted(&imports::judge(module, name)))
        })
    };
    Ok(match end {
        End::Stop { .. } => protocol || machine.made_something,
        End::Full => true,
        End::Fault { .. } if protocol => !machine.seen.is_empty(),
        End::Fault { .. } => {
            let hidden = machine.seen.iter().any(|(seen, _)| *seen == Seen::Hidden);
            judged(|verdict| matches!(verdict, Verdict::Dangerous(_) | Verdict::Stdlib))
                || (machine.calls && (hidden || judged(|verdict| *verdict == Verdict::Unknown)))
        }
    })
}

/// Whether bytes that are no pickle by their place import what does harm when they are read as one.
pub(crate) fn imports_harm(scan: &Scan<'_>, source: &mut Source<'_>) -> io::Result<bool> {
    let mut machine = Machine::new(scan.limits.max_pickle_bytes);
    machine.run(&mut source.stream(0), false)?;
    Ok(machine.seen.iter().any(|(seen, _)| match seen {
        Seen::Import(module, name) => {
            matches!(imports::judge(module, name), Verdict::Dangerous(_) | Verdict::Stdlib)
        }
        _ => false,
    }))
}

impl Scan<'_> {
    /// Reads every pickle that stands in `source` from `at`, one behind the other.
    pub(crate) fn pickles(
        &mut self,
        source: &mut Source<'_>,
        at: u64,
        setting: Setting,
    ) -> io::Result<()> {
        let mut at = at;
        let mut torch_tail = false;
        for index in 0..MAX_PICKLES {
            let mut machine = Machine::new(self.limits.max_pickle_bytes);
            let end = machine.run(&mut source.stream(at), true)?;
            self.tell(&machine, setting);
            if machine.overflow {
                self.findings.unread("a pickle imports or calls more than is noted");
            }
            torch_tail |= machine.torch_magic && index == 0;
            match end {
                End::Stop { next, fault } => {
                    if let Some((place, why)) = fault {
                        self.broken(place, why);
                    }
                    if next >= source.length() {
                        return Ok(());
                    }
                    // PyTorch's old format: five pickles, then the numbers of the tensors.
                    let tail = torch_tail && index >= 4;
                    if tail || !self.continues(source, next, torch_tail)? {
                        return Ok(());
                    }
                    at = next;
                }
                End::Fault { at, why } => {
                    self.broken(at, why);
                    return Ok(());
                }
                End::Full => {
                    self.findings.unread("a pickle's stack takes more memory than is allowed");
                    return Ok(());
                }
            }
        }
        self.findings.unread(format!("more than {MAX_PICKLES} pickles one behind the other"));
        Ok(())
    }

    fn broken(&mut self, at: u64, why: &str) {
        let detail = format!(
            "no pickler writes this ({why}); a loader fails here or goes on, and has run what stands before"
        );
        self.findings.add(Severity::High, Rule::PickleBroken, &format!("byte {at}"), &detail);
        self.findings.unread(format!("a pickle that no pickler writes: {why}"));
    }

    /// Whether what stands behind a pickle is looked at as another one.
    fn continues(&mut self, source: &mut Source<'_>, at: u64, torch: bool) -> io::Result<bool> {
        if torch {
            return Ok(true);
        }
        let detail = "bytes stand behind the end of the pickle; a loader that is called again \
                      reads on there";
        self.findings.add(Severity::Medium, Rule::PickleTrailing, &format!("byte {at}"), detail);
        let end = source.length();
        is_one(self, &mut source.part(&(at..end)))
    }

    /// Turns what the machine saw into hazards.
    fn tell(&mut self, machine: &Machine, setting: Setting) {
        for (seen, at) in &machine.seen {
            let place = format!("byte {at}");
            let (severity, rule, detail) = match seen {
                Seen::Import(module, name) => match told(module, name, machine.calls(module, name))
                {
                    Some(told) => told,
                    None => continue,
                },
                Seen::Hidden => (
                    Severity::High,
                    Rule::PickleHiddenImport,
                    "the names of an import are not texts that stand in the pickle".to_owned(),
                ),
                Seen::Extension(code) => (
                    Severity::High,
                    Rule::PickleExtension,
                    format!("extension code {code} stands for a class of the loading program"),
                ),
                Seen::PersistentId if setting == Setting::Torch || machine.torch_magic => continue,
                Seen::PersistentId => (
                    Severity::Low,
                    Rule::PicklePersistentId,
                    "an object is asked for by a persistent id".to_owned(),
                ),
                Seen::Memory(bytes) => (
                    Severity::Medium,
                    Rule::PickleMemory,
                    format!("memory for {bytes} bytes or places is asked for"),
                ),
            };
            self.findings.add(severity, rule, &place, &detail);
        }
    }
}

fn told(module: &str, name: &str, called: bool) -> Option<(Severity, Rule, String)> {
    let shown = format!("{module}.{name}");
    Some(match imports::judge(module, name) {
        Verdict::Plain => return None,
        Verdict::Dangerous(why) => {
            (Severity::Critical, Rule::PickleCode, format!("the pickle imports {shown}: {why}"))
        }
        Verdict::Stdlib => (
            Severity::High,
            Rule::PickleStdlibImport,
            format!("the pickle imports {shown}, which plain data does not need"),
        ),
        Verdict::Unknown if called => (
            Severity::High,
            Rule::PickleUnknownCall,
            format!("the pickle calls or builds {shown}, which is on no list"),
        ),
        Verdict::Unknown => (
            Severity::Medium,
            Rule::PickleUnknownImport,
            format!("the pickle imports {shown}, which is on no list"),
        ),
    })
}

/// Reads a little-endian number of `N` bytes.
fn number<const N: usize>(stream: &mut Stream<'_, '_>) -> io::Result<Option<u64>> {
    let bytes = stream.array::<N>()?;
    Ok(bytes.map(|bytes| bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))))
}
