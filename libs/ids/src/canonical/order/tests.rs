//! The fast way gives what the general writer gives, or nothing.

use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::{pruned, sorted};

enum Node {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::List(values) => values.serialize(serializer),
            Self::Map(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

/// A fixed sequence of noise (xorshift64).
struct Noise(u64);

impl Noise {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % below
    }

    fn text(&mut self) -> String {
        let letters = ['a', 'b', 'Z', '_', '0', '"', '\\', '/', '\n', '\u{1}', '\u{7f}', 'é', '😀'];
        let plain = if self.next(4) > 0 { 5 } else { letters.len() as u64 };
        let length = self.next(6);
        (0..length).map(|_| letters[usize::try_from(self.next(plain)).unwrap()]).collect()
    }

    fn float(&mut self) -> f64 {
        let value = match self.next(3) {
            0 => f64::from_bits(self.next(u64::MAX)),
            1 => f64::from(u32::try_from(self.next(100_000)).unwrap()) / 1000.0,
            _ => f64::from(u32::try_from(self.next(1 << 32)).unwrap()) * 1e6,
        };
        if value.is_finite() { value } else { -0.0 }
    }

    fn node(&mut self, depth: u32) -> Node {
        let kinds = if depth == 0 { 5 } else { 7 };
        match self.next(kinds) {
            0 => Node::Null,
            1 => Node::Bool(self.next(2) == 0),
            2 => Node::Int(i64::from_ne_bytes(self.next(u64::MAX).to_ne_bytes()) >> self.next(64)),
            3 => Node::Float(self.float()),
            4 => Node::Text(self.text()),
            5 => Node::List((0..self.next(5)).map(|_| self.node(depth - 1)).collect()),
            _ => {
                let mut members = std::collections::HashMap::new();
                for _ in 0..self.next(7) {
                    members.insert(self.text(), self.node(depth - 1));
                }
                Node::Map(members.into_iter().collect())
            }
        }
    }
}

#[test]
fn what_it_gives_is_what_the_general_writer_gives() {
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    let mut given = 0;
    for _ in 0..20_000 {
        let node = noise.node(4);
        let slow = super::super::to_vec(&node).unwrap();
        if let Some(fast) = sorted(&serde_json::to_vec(&node).unwrap()) {
            assert_eq!(String::from_utf8(fast).unwrap(), String::from_utf8(slow).unwrap());
            given += 1;
        }
    }
    assert!(given > 5_000, "the fast way is taken: {given}");
}

/// What `prune` of the general writer leaves.
fn slowly_pruned(node: &Node) -> Vec<u8> {
    let mut value = serde_json::to_value(node).unwrap();
    super::super::prune(&mut value);
    super::super::to_vec(&value).unwrap()
}

#[test]
fn what_it_leaves_is_what_the_general_writer_leaves() {
    let mut noise = Noise(0x2545_f491_4f6c_dd1d);
    let mut given = 0;
    for _ in 0..20_000 {
        let node = noise.node(4);
        if let Some(fast) = pruned(&serde_json::to_vec(&node).unwrap()) {
            let slow = slowly_pruned(&node);
            assert_eq!(String::from_utf8(fast).unwrap(), String::from_utf8(slow).unwrap());
            given += 1;
        }
    }
    assert!(given > 5_000, "the fast way is taken: {given}");
    let nothing = br#"{"b":[null,{"x":[]},{}],"a":{"y":null},"c":["",0,false,[]],"d":null}"#;
    assert_eq!(pruned(nothing).unwrap(), br#"{"c":["",0,false]}"#);
}

#[test]
fn it_sorts_and_drops_what_a_double_does_not_need() {
    let give = |json: &str| sorted(json.as_bytes()).map(|out| String::from_utf8(out).unwrap());
    let sorted = give(r#"{"b":[{"y":1.0,"x":-2.5}],"aa":0,"a":""}"#);
    assert_eq!(sorted.unwrap(), r#"{"a":"","aa":0,"b":[{"x":-2.5,"y":1}]}"#);
    for left in ["1e21", "1e-7", "-0.0", "1234567890123456", r#"{"é":1}"#, r#"{"a":1,"a":2}"#] {
        assert_eq!(give(left), None, "{left}");
    }
    for broken in ["", "{", "[1", "\"", "\"\\", "{\"a\"", "-", "nul", "1 2"] {
        assert_eq!(give(broken), None, "{broken}");
    }
}
