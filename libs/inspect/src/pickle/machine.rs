//! The machine: one opcode after the other, as CPython's `_pickle.c` reads them.

/// Unwraps an operand; without one the pickle is cut short.
macro_rules! operand {
    ($value:expr) => {
        match $value? {
            Some(value) => value,
            None => return Ok(SHORT),
        }
    };
}

/// Unwraps what the stack gives.
macro_rules! popped {
    ($value:expr) => {
        match $value {
            Some(value) => value,
            None => return Ok(EMPTY),
        }
    };
}

mod call;
mod data;
mod raw;

use std::{collections::HashSet, io, rc::Rc};

use super::{
    imports::{self, Verdict},
    memo::Memo,
    number,
    value::Value,
};
use crate::source::Stream;

/// What matters about a pickle besides its data.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Seen {
    Import(Rc<str>, Rc<str>),
    /// An import whose names are not texts that stand in the pickle.
    Hidden,
    Extension(u64),
    PersistentId,
    /// It asks for memory for so many bytes or places.
    Memory(u64),
}

/// How a pickle ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// At a STOP; `next` is the byte behind it, and `fault` where it failed before.
    Stop { next: u64, fault: Option<(u64, &'static str)> },
    /// It failed, or there was none.
    Fault { at: u64, why: &'static str },
    /// The stack would take more memory than is allowed.
    Full,
}

/// The most different things of either kind that are noted of one pickle.
const MAX_SEEN: usize = 4_096;
/// More places than a memo needs: CPython takes memory for all of them.
const MAX_MEMO_PLACE: u64 = 1 << 26;
/// The number with which PyTorch's old format begins, `0x1950a86a20f9469cfc6c`.
const TORCH_MAGIC: [u8; 10] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19];

/// Whether a pickle without a protocol can begin with this byte.
pub(super) const fn may_begin(opcode: u8) -> bool {
    matches!(
        opcode,
        b'(' | b'c' | b'i' | b'I' | b'J' | b'K' | b'L' | b'M' | b'N' | b'S' | b'T' | b'U' | b'V'
            | b'X' | b'B' | b'C' | b'F' | b'G' | b']' | b'}' | b')' | b'P' | 0x82..=0x84
            | 0x88..=0x8F | 0x95 | 0x96 | 0x80
    )
}

/// The state.
pub(super) struct Machine {
    pub(super) seen: Vec<(Seen, u64)>,
    known: HashSet<Seen>,
    /// How many were noted that surely do harm, and how many others.
    noted: (usize, usize),
    pub(super) torch_magic: bool,
    /// Whether an import or a container was met, so that the pickle is more than a text.
    pub(super) made_something: bool,
    stack: Vec<Value>,
    bytes_left: usize,
    memo: Memo,
    /// What was called, built or given to a call.
    called: HashSet<Rc<(String, String)>>,
    /// Whether anything was called.
    pub(super) calls: bool,
    /// Whether there was more to note than is noted.
    pub(super) overflow: bool,
    /// The first thing that fails, or that no pickler writes.
    fault: Option<(u64, &'static str)>,
    /// Behind a fault, where opcodes may be data: only what is surely an import is noted.
    faulted: bool,
    /// Inside of bytes that are no opcodes for joblib.
    raw: bool,
    /// Values that may still be copied to look at such bytes.
    copies_left: usize,
    /// Inside of another pickle.
    inner: bool,
}

pub(super) enum Step {
    On,
    Stop,
    /// CPython fails here. What the opcode would have pushed is there, so that a walk can go on.
    Odd(&'static str),
    Fault(&'static str),
    Full,
}

const SHORT: Step = Step::Fault("it is cut short");
const TAKES: &str = "it takes from an empty stack";
const EMPTY: Step = Step::Fault(TAKES);

impl Machine {
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            seen: Vec::new(),
            known: HashSet::new(),
            noted: (0, 0),
            torch_magic: false,
            made_something: false,
            stack: Vec::new(),
            bytes_left: bytes,
            memo: Memo::new(bytes),
            called: HashSet::new(),
            calls: false,
            overflow: false,
            fault: None,
            faulted: false,
            raw: false,
            copies_left: raw::MAX_COPIES,
            inner: false,
        }
    }

    /// Runs to STOP. With `on`, a fault does not end the walk.
    pub(super) fn run(&mut self, stream: &mut Stream<'_, '_>, on: bool) -> io::Result<End> {
        loop {
            let at = stream.at();
            let Some(opcode) = stream.u8()? else {
                let (at, why) = self.fault.unwrap_or((at, "it is cut short"));
                return Ok(End::Fault { at, why });
            };
            match self.step(opcode, at, stream)? {
                Step::On => {}
                Step::Stop => return Ok(End::Stop { next: stream.at(), fault: self.fault }),
                Step::Full => return Ok(End::Full),
                Step::Odd(why) if on => self.odd(at, why),
                Step::Fault(why) if on => {
                    self.odd(at, why);
                    self.faulted = true;
                    self.clear();
                }
                Step::Odd(why) | Step::Fault(why) => return Ok(End::Fault { at, why }),
            }
        }
    }

    /// Notes what fails, or what loads but was written by no pickler.
    fn odd(&mut self, at: u64, why: &'static str) {
        if !self.raw {
            self.fault = self.fault.or(Some((at, why)));
        }
    }

    /// Pushes what an operand that CPython refuses stands for.
    fn unknown(&mut self, why: &'static str) -> Step {
        match self.push(Value::Other) {
            Step::On => Step::Odd(why),
            full => full,
        }
    }

    fn clear(&mut self) {
        self.bytes_left += self.stack.iter().map(Value::cost).sum::<usize>();
        self.stack.clear();
    }

    /// Notes what was seen. What surely does harm is noted however much else there was before.
    fn see(&mut self, seen: Seen, at: u64) {
        if self.known.contains(&seen) {
            return;
        }
        let surely = surely(&seen);
        // Numbers look like many things; an import is rarely among them.
        let likely = !self.raw || matches!(seen, Seen::Import(..) | Seen::Hidden);
        if !surely && (self.faulted || !likely) {
            return;
        }
        let noted = if surely { &mut self.noted.0 } else { &mut self.noted.1 };
        if *noted >= MAX_SEEN {
            self.overflow = true;
            return;
        }
        *noted += 1;
        self.known.insert(seen.clone());
        self.seen.push((seen, at));
    }

    /// Notes a call, with what is given to it: `copyreg._reconstructor` makes what it is given.
    fn call(&mut self, callable: &Value, arguments: &Value) {
        self.calls = true;
        let given = if let Value::Tuple(items, _) = arguments { &**items } else { &[] };
        for value in std::iter::once(callable).chain(given) {
            let Value::Global(global) = value else { continue };
            if self.called.contains(global) {
                continue;
            }
            if self.called.len() < MAX_SEEN {
                self.called.insert(Rc::clone(global));
            } else {
                self.overflow = true;
            }
        }
    }

    /// Whether an import is called, as far as that is known.
    pub(super) fn calls(&self, module: &str, name: &str) -> bool {
        self.memo.is_lossy() || self.called.contains(&(module.to_owned(), name.to_owned()))
    }

    fn push(&mut self, value: Value) -> Step {
        match self.bytes_left.checked_sub(value.cost()) {
            Some(left) => {
                self.bytes_left = left;
                self.stack.push(value);
                Step::On
            }
            None => Step::Full,
        }
    }

    /// The top of the stack, which must be a value.
    fn pop(&mut self) -> Option<Value> {
        let value = self.stack.pop()?;
        self.bytes_left += value.cost();
        (!matches!(value, Value::Mark)).then_some(value)
    }

    /// Everything above the last mark.
    fn pop_mark(&mut self) -> Option<Vec<Value>> {
        let mark = self.stack.iter().rposition(|value| matches!(value, Value::Mark))?;
        let items = self.stack.split_off(mark + 1);
        self.stack.pop();
        self.bytes_left += Value::Mark.cost() + items.iter().map(Value::cost).sum::<usize>();
        Some(items)
    }

    /// Takes a value off the stack after the top `count`, gives `value` instead.
    fn replace(&mut self, count: usize, value: Value) -> Step {
        for _ in 0..count {
            if self.pop().is_none() {
                return EMPTY;
            }
        }
        self.push(value)
    }

    fn step(&mut self, opcode: u8, at: u64, stream: &mut Stream<'_, '_>) -> io::Result<Step> {
        Ok(match opcode {
            b'.' => {
                if self.pop().is_some() {
                    Step::Stop
                } else {
                    EMPTY
                }
            }
            b'(' => self.push(Value::Mark),
            0x80 => match operand!(stream.u8()) {
                0..=5 => Step::On,
                _ => Step::Odd("a protocol newer than 5"),
            },
            0x95 => {
                // Only the length of what is read at once; CPython fails when it reaches over.
                let length = operand!(number::<8>(stream));
                if length > stream.left() { Step::Odd("a frame over the end") } else { Step::On }
            }
            b'c' | b'i' | 0x93 => return self.name(opcode, at, stream),
            0x82..=0x84 | b'P' | b'Q' => return self.ask(opcode, at, stream),
            b'R' | 0x81 | 0x92 | b'o' | b'b' => return self.build(opcode, stream),
            b'a' | b'e' | b's' | b'u' | 0x90 => self.extend(opcode),
            b'0' => {
                if self.stack.pop().is_some() {
                    Step::On
                } else {
                    EMPTY
                }
            }
            b'1' => {
                popped!(self.pop_mark());
                Step::On
            }
            b'2' => {
                let top = popped!(self.stack.last().cloned());
                self.push(top)
            }
            b'p' | b'q' | b'r' | 0x94 | b'g' | b'h' | b'j' => {
                return self.remember(opcode, at, stream);
            }
            _ => return self.data(opcode, at, stream),
        })
    }
}

/// Whether data would hardly look like this.
fn surely(seen: &Seen) -> bool {
    match seen {
        Seen::Import(module, name) => {
            matches!(imports::judge(module, name), Verdict::Dangerous(_) | Verdict::Stdlib)
        }
        Seen::Hidden | Seen::Extension(_) | Seen::PersistentId | Seen::Memory(_) => false,
    }
}
