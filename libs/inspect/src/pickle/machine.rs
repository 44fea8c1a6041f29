//! The machine: one opcode after the other, as CPython's `_pickle.c` reads them.

use std::{collections::HashSet, io, rc::Rc};

use super::{
    imports::{self, Verdict},
    joblib,
    memo::Memo,
    number,
    value::{MAX_TEXT_BYTES, Value},
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
    /// Behind a fault, where opcodes may be data: only what is surely an import is noted.
    faulted: bool,
    /// Inside of the numbers of an array.
    raw: bool,
    /// Inside of another pickle.
    inner: bool,
}

pub(super) enum Step {
    On,
    Stop,
    Fault(&'static str),
    Full,
}

const SHORT: Step = Step::Fault("it is cut short");
const EMPTY: Step = Step::Fault("it takes from an empty stack");

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
            faulted: false,
            raw: false,
            inner: false,
        }
    }

    /// Runs to STOP. With `on`, a fault does not end the walk.
    pub(super) fn run(&mut self, stream: &mut Stream<'_, '_>, on: bool) -> io::Result<End> {
        let mut fault = None;
        loop {
            let at = stream.at();
            let Some(opcode) = stream.u8()? else {
                let (at, why) = fault.unwrap_or((at, "it is cut short"));
                return Ok(End::Fault { at, why });
            };
            match self.step(opcode, at, stream)? {
                Step::On => {}
                Step::Stop => return Ok(End::Stop { next: stream.at(), fault }),
                Step::Full => return Ok(End::Full),
                Step::Fault(why) if on => {
                    fault = fault.or(Some((at, why)));
                    self.faulted = true;
                    self.clear();
                }
                Step::Fault(why) => return Ok(End::Fault { at, why }),
            }
        }
    }

    fn clear(&mut self) {
        self.bytes_left += self.stack.iter().map(Value::cost).sum::<usize>();
        self.stack.clear();
    }

    /// Looks at bytes that are no opcodes for one loader, and are for another.
    pub(super) fn run_raw(&mut self, stream: &mut Stream<'_, '_>, end: u64) -> io::Result<()> {
        let (stack, faulted) = (std::mem::take(&mut self.stack), self.faulted);
        (self.faulted, self.raw) = (true, true);
        while stream.at() < end {
            let at = stream.at();
            let Some(opcode) = stream.u8()? else { break };
            match self.step(opcode, at, stream)? {
                Step::On => {}
                Step::Stop | Step::Fault(_) | Step::Full => self.clear(),
            }
        }
        self.clear();
        stream.seek(end);
        self.stack = stack;
        (self.faulted, self.raw) = (faulted, false);
        Ok(())
    }

    /// A pickle inside of this one, which has a stack and a memo of its own.
    pub(super) fn run_inner(&mut self, stream: &mut Stream<'_, '_>) -> io::Result<Step> {
        let mut inner = Self::new(self.bytes_left);
        // Plain pickles have no arrays of joblib in them, so this goes one level deep.
        inner.inner = true;
        let end = inner.run(stream, false)?;
        for (seen, at) in inner.seen {
            self.see(seen, at);
        }
        Ok(match end {
            End::Stop { .. } => Step::On,
            End::Fault { why, .. } => Step::Fault(why),
            End::Full => Step::Full,
        })
    }

    /// Notes what was seen. What surely does harm is noted however much else there was before.
    fn see(&mut self, seen: Seen, at: u64) {
        if self.known.contains(&seen) {
            return;
        }
        let surely = surely(&seen);
        let noted = if surely { &mut self.noted.0 } else { &mut self.noted.1 };
        if *noted < MAX_SEEN && (surely || !self.faulted) {
            *noted += 1;
            self.known.insert(seen.clone());
            self.seen.push((seen, at));
        }
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

    /// An import; gives what stands for it.
    fn import(&mut self, module: &str, name: &str, at: u64) -> Value {
        self.made_something = true;
        self.see(Seen::Import(module.into(), name.into()), at);
        Value::Global(Rc::new((module.to_owned(), name.to_owned())))
    }

    fn lines_import(&mut self, stream: &mut Stream<'_, '_>, at: u64) -> io::Result<Option<Value>> {
        let (Some(module), Some(name)) =
            (stream.line(MAX_TEXT_BYTES)?, stream.line(MAX_TEXT_BYTES)?)
        else {
            return Ok(None);
        };
        let (module, name) = (std::str::from_utf8(&module), std::str::from_utf8(&name));
        let (Ok(module), Ok(name)) = (module, name) else { return Ok(None) };
        Ok((!module.is_empty() && !name.is_empty()).then(|| self.import(module, name, at)))
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
                _ => Step::Fault("a protocol newer than 5"),
            },
            0x95 => {
                // Only the length of what is read at once; CPython fails when it reaches over.
                let length = operand!(number::<8>(stream));
                if length > stream.left() { Step::Fault("a frame over the end") } else { Step::On }
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

    /// GLOBAL, INST and STACK_GLOBAL.
    fn name(&mut self, opcode: u8, at: u64, stream: &mut Stream<'_, '_>) -> io::Result<Step> {
        Ok(match opcode {
            b'c' => match self.lines_import(stream, at)? {
                Some(global) => self.push(global),
                None => Step::Fault("an import without names"),
            },
            b'i' => match self.lines_import(stream, at)? {
                Some(Value::Global(global)) => {
                    let items = popped!(self.pop_mark());
                    self.push(Value::made(global, Value::tuple(items)))
                }
                _ => Step::Fault("an import without names"),
            },
            _ => {
                let (name, module) = (popped!(self.pop()), popped!(self.pop()));
                let global = match (module.as_text(), name.as_text()) {
                    (Some(module), Some(name)) => self.import(module, name, at),
                    _ => {
                        self.made_something = true;
                        self.see(Seen::Hidden, at);
                        Value::Other
                    }
                };
                self.push(global)
            }
        })
    }

    /// What the loading program answers: classes by number, objects by name.
    fn ask(&mut self, opcode: u8, at: u64, stream: &mut Stream<'_, '_>) -> io::Result<Step> {
        let seen = match opcode {
            0x82 => Seen::Extension(operand!(number::<1>(stream))),
            0x83 => Seen::Extension(operand!(number::<2>(stream))),
            0x84 => Seen::Extension(operand!(number::<4>(stream))),
            b'P' => {
                operand!(stream.line(0));
                Seen::PersistentId
            }
            _ => {
                popped!(self.pop());
                Seen::PersistentId
            }
        };
        self.made_something = true;
        self.see(seen, at);
        Ok(self.push(Value::Other))
    }

    /// REDUCE, NEWOBJ, NEWOBJ_EX, OBJ and BUILD.
    fn build(&mut self, opcode: u8, stream: &mut Stream<'_, '_>) -> io::Result<Step> {
        self.made_something = true;
        let (callable, arguments) = match opcode {
            b'o' => {
                let mut items = popped!(self.pop_mark()).into_iter();
                let class = popped!(items.next());
                (class, Value::tuple(items.collect()))
            }
            b'b' => {
                let state = popped!(self.pop());
                let object = popped!(self.stack.last());
                return Ok(
                    match joblib::array(object, &state).filter(|_| !(self.raw || self.inner)) {
                        Some(array) => joblib::pass(self, &array, stream)?,
                        None => Step::On,
                    },
                );
            }
            0x92 => {
                popped!(self.pop());
                let arguments = popped!(self.pop());
                (popped!(self.pop()), arguments)
            }
            _ => {
                let arguments = popped!(self.pop());
                (popped!(self.pop()), arguments)
            }
        };
        Ok(self.push(match callable {
            Value::Global(global) => Value::made(global, arguments),
            _ => Value::Other,
        }))
    }

    /// Opcodes that put values into a container.
    fn extend(&mut self, opcode: u8) -> Step {
        let items = match opcode {
            b'a' => self.pop().map(|item| vec![item]),
            b's' => match (self.pop(), self.pop()) {
                (Some(value), Some(key)) => Some(vec![key, value]),
                _ => None,
            },
            _ => self.pop_mark(),
        };
        match (items, self.stack.last_mut()) {
            (Some(items), Some(top)) if !matches!(top, Value::Mark) => {
                if matches!(opcode, b's' | b'u') {
                    self.bytes_left += top.cost();
                    top.set(items);
                    match self.bytes_left.checked_sub(top.cost()) {
                        Some(left) => self.bytes_left = left,
                        None => return Step::Full,
                    }
                }
                Step::On
            }
            _ => EMPTY,
        }
    }

    fn remember(&mut self, opcode: u8, at: u64, stream: &mut Stream<'_, '_>) -> io::Result<Step> {
        let place = match opcode {
            b'p' | b'g' => {
                let line = operand!(stream.line(32));
                let text = std::str::from_utf8(&line).ok().map(str::trim);
                match text.and_then(|text| text.parse().ok()) {
                    Some(place) => place,
                    None => return Ok(Step::Fault("a place that is no number")),
                }
            }
            b'q' | b'h' => operand!(number::<1>(stream)),
            b'r' | b'j' => operand!(number::<4>(stream)),
            _ => 0,
        };
        Ok(match opcode {
            b'g' | b'h' | b'j' => match self.memo.get(place) {
                Some(value) => self.push(value),
                None => Step::Fault("it takes what was not put away"),
            },
            _ => {
                let Some(top) = self.stack.last().filter(|top| !matches!(top, Value::Mark)) else {
                    return Ok(EMPTY);
                };
                let top = top.clone();
                if self.raw {
                    // Another loader's memo is not this one's.
                } else if opcode == 0x94 {
                    self.memo.memoize(top);
                } else {
                    self.memo.put(place, top);
                    if place > MAX_MEMO_PLACE {
                        self.see(Seen::Memory(place), at);
                    }
                }
                Step::On
            }
        })
    }

    /// Opcodes that push plain data.
    fn data(&mut self, opcode: u8, at: u64, stream: &mut Stream<'_, '_>) -> io::Result<Step> {
        let value = match opcode {
            b'N' | 0x88 | 0x89 | 0x97 => Value::Other,
            b']' | 0x8F => {
                self.made_something = true;
                Value::Other
            }
            b'}' => {
                self.made_something = true;
                Value::Dict(Vec::new(), 1)
            }
            b')' => Value::tuple(Vec::new()),
            0x98 => return Ok(self.replace(1, Value::Other)),
            b'l' | b'd' | 0x91 | b't' | 0x85..=0x87 => match self.collect(opcode) {
                Some(value) => value,
                None => return Ok(EMPTY),
            },
            b'I' | b'L' | b'F' => match line_number(opcode, &operand!(stream.line(4096))) {
                Some(value) => value,
                None => return Ok(Step::Fault("a number that is none")),
            },
            b'G' => {
                operand!(stream.array::<8>());
                Value::Other
            }
            b'K' => small(operand!(number::<1>(stream))),
            b'M' => small(operand!(number::<2>(stream))),
            b'J' => Value::Int(i64::from(i32::from_le_bytes(operand!(stream.array())))),
            0x8A | 0x8B => {
                let count = match opcode {
                    0x8A => operand!(number::<1>(stream)),
                    _ => operand!(number::<4>(stream)),
                };
                let bytes = self.bytes(count, at, stream)?;
                let Some(bytes) = bytes else { return Ok(SHORT) };
                self.torch_magic |= bytes == TORCH_MAGIC;
                long(&bytes)
            }
            b'S' | b'V' => {
                let line = operand!(stream.line(4 * MAX_TEXT_BYTES));
                match Value::line(opcode, &line) {
                    Some(value) => value,
                    None => return Ok(Step::Fault("a text without quotes")),
                }
            }
            b'X' | b'T' | b'B' => {
                let count = operand!(number::<4>(stream));
                return self.sized(opcode, count, at, stream);
            }
            0x8C | b'U' | b'C' => {
                let count = operand!(number::<1>(stream));
                return self.sized(opcode, count, at, stream);
            }
            0x8D | 0x8E | 0x96 => {
                let count = operand!(number::<8>(stream));
                return self.sized(opcode, count, at, stream);
            }
            _ => return Ok(Step::Fault("an unknown opcode")),
        };
        Ok(self.push(value))
    }

    /// Containers of what is on the stack.
    fn collect(&mut self, opcode: u8) -> Option<Value> {
        if let 0x85..=0x87 = opcode {
            let mut items = Vec::new();
            for _ in 0..=(opcode - 0x85) {
                items.push(self.pop()?);
            }
            items.reverse();
            return Some(Value::tuple(items));
        }
        let items = self.pop_mark()?;
        self.made_something |= opcode != b't';
        Some(match opcode {
            b't' => Value::tuple(items),
            b'd' => {
                let mut value = Value::Dict(Vec::new(), 1);
                value.set(items);
                value
            }
            _ => Value::Other,
        })
    }

    /// A text or bytes of `count` bytes.
    fn sized(
        &mut self,
        opcode: u8,
        count: u64,
        at: u64,
        stream: &mut Stream<'_, '_>,
    ) -> io::Result<Step> {
        let Some(bytes) = self.bytes(count, at, stream)? else { return Ok(SHORT) };
        let text = matches!(opcode, b'X' | b'T' | b'U' | 0x8C | 0x8D);
        let whole = bytes.len() as u64 == count;
        Ok(self.push(if text && whole { Value::text(&bytes) } else { Value::Other }))
    }

    /// The next `count` bytes, or as many as a text that is kept has.
    fn bytes(
        &mut self,
        count: u64,
        at: u64,
        stream: &mut Stream<'_, '_>,
    ) -> io::Result<Option<Vec<u8>>> {
        if count > stream.left() && count > 1 << 30 {
            self.see(Seen::Memory(count), at);
        }
        stream.take(count, MAX_TEXT_BYTES + 1)
    }
}

fn small(number: u64) -> Value {
    i64::try_from(number).map_or(Value::Other, Value::Int)
}

fn long(bytes: &[u8]) -> Value {
    if bytes.len() > 8 {
        return Value::Other;
    }
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let start = if negative { -1_i64 } else { 0 };
    Value::Int(bytes.iter().rev().fold(start, |sum, byte| sum << 8 | i64::from(*byte)))
}

fn line_number(opcode: u8, line: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(line).ok()?.trim();
    let text = if opcode == b'L' { text.strip_suffix('L').unwrap_or(text) } else { text };
    if opcode == b'F' {
        return text.parse::<f64>().ok().map(|_| Value::Other);
    }
    let digits = text.trim_start_matches(['-', '+']);
    let number = !digits.is_empty()
        && (digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
            || digits.get(..2).is_some_and(|head| matches!(head, "0x" | "0X" | "0o" | "0b")));
    number.then(|| text.parse().map_or(Value::Other, Value::Int))
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
