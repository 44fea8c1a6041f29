//! The smallest program that says what it was built from: an ELF file with the section that
//! `cargo auditable` writes, and nothing that could run.

use serde_json::{Value, json};

/// A list of packages as the section has it.
pub(crate) fn packages(packages: &[(&str, &str)]) -> Value {
    let package = |(name, version): &(&str, &str)| json!({"name": name, "version": version, "source": "crates.io"});
    let root = json!({"name": "program", "version": "0.1.0", "source": "local", "root": true});
    let all: Vec<_> = packages.iter().map(package).chain([root]).collect();
    json!({ "packages": all })
}

/// `bytes` as a zlib stream of one stored block.
fn zlib(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    let mut out = vec![0x78, 0x01, 0x01];
    out.extend(length.to_le_bytes());
    out.extend((!length).to_le_bytes());
    out.extend(bytes);
    out.extend((b << 16 | a).to_be_bytes());
    out
}

/// A section header: name, type, place and length.
fn section(name: u32, kind: u32, offset: u64, size: u64) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend(name.to_le_bytes());
    header.extend(kind.to_le_bytes());
    header.extend([0; 16]);
    header.extend(offset.to_le_bytes());
    header.extend(size.to_le_bytes());
    header.extend([0; 8]);
    header.extend(1_u64.to_le_bytes());
    header.extend([0; 8]);
    header
}

/// The program.
pub(crate) fn program(list: &Value) -> Vec<u8> {
    const HEADER: u64 = 64;
    let names = b"\0.dep-v0\0.shstrtab\0";
    let data = zlib(list.to_string().as_bytes());
    let names_at = HEADER + data.len() as u64;
    let sections_at = names_at + names.len() as u64;
    let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    elf.extend(2_u16.to_le_bytes());
    elf.extend(62_u16.to_le_bytes());
    elf.extend(1_u32.to_le_bytes());
    elf.extend([0; 16]);
    elf.extend(sections_at.to_le_bytes());
    elf.extend([0; 4]);
    for half in [64_u16, 0, 0, 64, 3, 2] {
        elf.extend(half.to_le_bytes());
    }
    assert_eq!(elf.len() as u64, HEADER);
    elf.extend(&data);
    elf.extend(names);
    elf.extend([0; 64]);
    elf.extend(section(1, 1, HEADER, data.len() as u64));
    elf.extend(section(9, 3, names_at, names.len() as u64));
    elf
}
