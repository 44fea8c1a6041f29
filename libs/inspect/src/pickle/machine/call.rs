//! Opcodes that import, ask for, call and build.

use std::{io, rc::Rc};

use super::{EMPTY, Machine, SHORT, Seen, Step};
use crate::{
    pickle::{
        joblib, number,
        value::{MAX_TEXT_BYTES, Value},
    },
    source::{Line, Stream},
};

const NAMELESS: &str = "an import without names";

impl Machine {
    /// An import; gives what stands for it.
    fn import(&mut self, module: &str, name: &str, at: u64) -> Value {
        self.made_something = true;
        self.see(Seen::Import(module.into(), name.into()), at);
        Value::Global(Rc::new((module.to_owned(), name.to_owned())))
    }

    /// An import of which the names are not known.
    fn hidden(&mut self, at: u64) -> Value {
        self.made_something = true;
        self.see(Seen::Hidden, at);
        Value::Other
    }

    fn lines_import(&mut self, stream: &mut Stream<'_, '_>, at: u64) -> io::Result<Option<Value>> {
        let (Some(module), Some(name)) =
            (stream.line(MAX_TEXT_BYTES)?, stream.line(MAX_TEXT_BYTES)?)
        else {
            return Ok(None);
        };
        if module.cut || name.cut {
            // The end of a character may be what was cut off.
            let text = |line: &Line| match std::str::from_utf8(&line.kept) {
                Ok(_) => true,
                Err(error) => line.cut && error.error_len().is_none(),
            };
            return Ok((text(&module) && text(&name)).then(|| self.hidden(at)));
        }
        let names = (std::str::from_utf8(&module.kept), std::str::from_utf8(&name.kept));
        let (Ok(module), Ok(name)) = names else { return Ok(None) };
        Ok((!module.is_empty() && !name.is_empty()).then(|| self.import(module, name, at)))
    }

    /// GLOBAL, INST and STACK_GLOBAL.
    pub(super) fn name(
        &mut self,
        opcode: u8,
        at: u64,
        stream: &mut Stream<'_, '_>,
    ) -> io::Result<Step> {
        Ok(match opcode {
            b'c' => match self.lines_import(stream, at)? {
                Some(global) => self.push(global),
                None => self.unknown(NAMELESS),
            },
            b'i' => match self.lines_import(stream, at)? {
                Some(class) => {
                    let arguments = Value::tuple(popped!(self.pop_mark()));
                    self.call(&class, &arguments);
                    self.push(made(class, arguments))
                }
                None => self.unknown(NAMELESS),
            },
            _ => {
                let (name, module) = (popped!(self.pop()), popped!(self.pop()));
                let global = match (module.as_text(), name.as_text()) {
                    (Some(module), Some(name)) => self.import(module, name, at),
                    _ if module.is_no_text() || name.is_no_text() => {
                        return Ok(self.unknown("an import whose names are no texts"));
                    }
                    _ => self.hidden(at),
                };
                self.push(global)
            }
        })
    }

    /// What the loading program answers: classes by number, objects by name.
    pub(super) fn ask(
        &mut self,
        opcode: u8,
        at: u64,
        stream: &mut Stream<'_, '_>,
    ) -> io::Result<Step> {
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
    pub(super) fn build(&mut self, opcode: u8, stream: &mut Stream<'_, '_>) -> io::Result<Step> {
        self.made_something = true;
        let (callable, arguments) = match opcode {
            b'o' => {
                let mut items = popped!(self.pop_mark()).into_iter();
                let class = popped!(items.next());
                (class, Value::tuple(items.collect()))
            }
            b'b' => {
                let state = popped!(self.pop());
                let object = popped!(self.stack.last().cloned());
                self.call(&object, &Value::Other);
                return Ok(
                    match joblib::array(&object, &state).filter(|_| !(self.raw || self.inner)) {
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
        if callable.is_no_callable() {
            return Ok(self.unknown("a call of what is no function"));
        }
        self.call(&callable, &arguments);
        Ok(self.push(made(callable, arguments)))
    }
}

/// What calling something made.
fn made(callable: Value, arguments: Value) -> Value {
    match callable {
        Value::Global(global) => Value::made(global, arguments),
        _ => Value::Other,
    }
}
