//! Against what CPython's `int` and `strtol` answer.

use super::{Base, int};

fn value(line: &str, base: Base) -> Option<i64> {
    int(line.as_bytes(), base).and_then(|number| number.value)
}

#[test]
fn all_that_python_takes_for_a_number_is_one() {
    for (line, number) in [
        ("5", 5),
        ("-5", -5),
        (" 1", 1),
        ("+7\r", 7),
        ("0B1", 1),
        ("0O7", 7),
        ("0x_1f", 31),
        ("1_0", 10),
        ("0_0", 0),
        ("00", 0),
        ("-0b11\u{b}", -3),
        ("1\0junk", 1),
    ] {
        assert_eq!(value(line, Base::C), Some(number), "{line:?}");
        assert_eq!(value(line, Base::Prefix), Some(number), "{line:?}");
    }
    assert_eq!(value("010", Base::C), Some(8));
    assert_eq!(value("\0", Base::C), Some(0));
    assert_eq!(value(&format!("{}1", "0".repeat(32)), Base::Ten), Some(1));
    assert_eq!(value("1_0", Base::Ten), Some(10));
}

#[test]
fn what_python_refuses_is_none() {
    for line in ["", "_1", "1_", "1__0", "0x", "0b2", "- 1", "1 0", "a", "--1", "\u{ff11}"] {
        assert_eq!(int(line.as_bytes(), Base::C), None, "{line:?}");
        assert_eq!(int(line.as_bytes(), Base::Ten), None, "{line:?}");
    }
    assert_eq!(int(b"010", Base::Prefix), None);
    assert_eq!(int(b"0x1", Base::Ten), None);
}

#[test]
fn only_what_picklers_write_is_plain() {
    let plain = |line: &str| int(line.as_bytes(), Base::C).is_some_and(|number| number.plain);
    assert!(["0", "7", "-12", "00", "01", "99999999999999999999"].into_iter().all(plain));
    assert!(!["+7", " 1", "0b1", "1_0", "007", "1\0"].into_iter().any(plain));
}
