//! joblib's arrays: raw numbers that stand in the middle of a pickle, behind the BUILD of their
//! wrapper (`joblib/numpy_pickle.py`, `NumpyArrayWrapper.read_array`).

use std::io;

use super::{
    machine::{Machine, Step},
    value::Value,
};
use crate::source::Stream;

/// What stands behind the wrapper.
pub(super) struct Array {
    /// Bytes of numbers; `None` for objects, which are a pickle of their own.
    bytes: Option<u64>,
    /// Whether a byte says how many bytes of padding follow it.
    aligned: bool,
}

/// The array that `object`'s BUILD with `state` makes joblib read.
pub(super) fn array(object: &Value, state: &Value) -> Option<Array> {
    let Value::Made(made, _) = object else { return None };
    let class = &made.0;
    if class.1 != "NumpyArrayWrapper" || !class.0.starts_with("joblib") {
        return None;
    }
    let Some(Value::Tuple(shape, _)) = state.get("shape") else { return None };
    let count = shape.iter().try_fold(1_u64, |product, size| match size {
        Value::Int(size) => product.checked_mul(u64::try_from(*size).ok()?),
        _ => None,
    })?;
    let width = width(state.get("dtype")?)?;
    let aligned = state
        .get("numpy_array_alignment_bytes")
        .is_some_and(|bytes| matches!(bytes, Value::Int(bytes) if *bytes > 0));
    let bytes = match width {
        Some(width) => Some(count.checked_mul(width)?),
        None => None,
    };
    Some(Array { bytes, aligned })
}

/// The bytes of one element of a `numpy.dtype`; `Some(None)` for objects.
fn width(dtype: &Value) -> Option<Option<u64>> {
    let Value::Made(made, _) = dtype else { return None };
    let Value::Tuple(arguments, _) = &made.1 else { return None };
    let name = arguments.first()?.as_text()?.trim_start_matches(['<', '>', '|', '=']);
    if name.starts_with('O') {
        return Some(None);
    }
    let digits = name.trim_start_matches(|c: char| c.is_ascii_alphabetic()).split('[').next()?;
    let number: u64 = digits.parse().ok()?;
    Some(Some(if name.starts_with('U') { number.checked_mul(4)? } else { number }))
}

/// Passes over the array. What a plain `pickle.load` would take for opcodes is looked at as such.
pub(super) fn pass(
    machine: &mut Machine,
    array: &Array,
    stream: &mut Stream<'_, '_>,
) -> io::Result<Step> {
    const SHORT: Step = Step::Fault("an array is cut short");
    let Some(bytes) = array.bytes else {
        return machine.run_inner(stream);
    };
    let start = stream.at();
    let mut skip = bytes;
    if array.aligned {
        let Some(padding) = stream.u8()? else { return Ok(SHORT) };
        skip = skip.saturating_add(u64::from(padding));
    }
    if skip > stream.left() {
        return Ok(SHORT);
    }
    let end = stream.at().saturating_add(skip);
    stream.seek(start);
    machine.run_raw(stream, end, true)?;
    Ok(Step::On)
}
