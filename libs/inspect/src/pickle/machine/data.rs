//! Opcodes that push plain data, put it into containers, and remember it.

use std::io;

use super::{EMPTY, MAX_MEMO_PLACE, Machine, SHORT, Seen, Step, TORCH_MAGIC};
use crate::{
    pickle::{
        digits::{self, Base, Number},
        number,
        value::{MAX_TEXT_BYTES, Value},
    },
    source::{Line, Stream},
};

const NO_PLACE: &str = "a place that is no number";

/// The place in a line of PUT or GET.
enum Place {
    At(u64),
    /// In a line that is too long to be read.
    Unknown,
    /// CPython fails.
    None,
}

impl Machine {
    /// Opcodes that put values into a container.
    pub(super) fn extend(&mut self, opcode: u8) -> Step {
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

    pub(super) fn remember(
        &mut self,
        opcode: u8,
        at: u64,
        stream: &mut Stream<'_, '_>,
    ) -> io::Result<Step> {
        let place = match opcode {
            b'p' | b'g' => {
                let line = operand!(stream.line(MAX_TEXT_BYTES));
                match self.place(&line, at) {
                    Place::At(place) => place,
                    // Whatever is taken from the memo from here on is not known.
                    place => {
                        self.memo.forget();
                        let fails = matches!(place, Place::None);
                        return Ok(match (fails, opcode) {
                            (false, b'g') => self.push(Value::Other),
                            (false, _) => Step::On,
                            (true, b'g') => self.unknown(NO_PLACE),
                            (true, _) => Step::Odd(NO_PLACE),
                        });
                    }
                }
            }
            b'q' | b'h' => operand!(number::<1>(stream)),
            b'r' | b'j' => operand!(number::<4>(stream)),
            _ => 0,
        };
        Ok(match opcode {
            b'g' | b'h' | b'j' => match self.memo.get(place) {
                Some(value) => self.push(value),
                None => self.unknown("it takes what was not put away"),
            },
            _ => {
                let Some(top) = self.stack.last().filter(|top| !matches!(top, Value::Mark)) else {
                    return Ok(EMPTY);
                };
                let top = top.clone();
                if opcode == 0x94 {
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

    /// The place that PUT or GET names; a spelling of which readers differ hides what is there.
    fn place(&mut self, line: &Line, at: u64) -> Place {
        let number = digits::int(&line.kept, Base::Ten);
        let number = number.filter(|_| !line.cut || line.kept.contains(&0));
        let goes_on = line.cut && number.is_none() && digits::may_begin(&line.kept);
        if goes_on || number.is_some_and(|number| !number.plain) {
            self.see(Seen::Hidden, at);
            self.odd(at, "a place as no pickler writes it");
        }
        let place = number.and_then(|number| u64::try_from(number.value?).ok());
        match place {
            Some(place) => Place::At(place),
            None if goes_on => Place::Unknown,
            None => Place::None,
        }
    }

    /// Opcodes that push plain data.
    pub(super) fn data(
        &mut self,
        opcode: u8,
        at: u64,
        stream: &mut Stream<'_, '_>,
    ) -> io::Result<Step> {
        let value = match opcode {
            b'N' | 0x88 | 0x89 | 0x97 => Value::Object,
            b']' | 0x8F => {
                self.made_something = true;
                Value::Object
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
                Some(number) => {
                    if !number.plain {
                        self.odd(at, "a number as no pickler writes it");
                    }
                    number.value.map_or(Value::Object, Value::Int)
                }
                None => return Ok(self.unknown("a number that is none")),
            },
            b'G' => {
                operand!(stream.array::<8>());
                Value::Object
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
                match Value::line(opcode, &line.kept) {
                    // Longer than any name.
                    _ if line.cut => Value::Other,
                    Some(value) => value,
                    None => return Ok(self.unknown("a text without quotes")),
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

fn line_number(opcode: u8, line: &Line) -> Option<Number> {
    let text = Some(line.kept.as_slice()).filter(|_| !line.cut)?;
    match opcode {
        b'F' => digits::float(text),
        b'L' => digits::int(text.strip_suffix(b"L").unwrap_or(text), Base::Prefix),
        _ => digits::int(text, Base::C),
    }
}
