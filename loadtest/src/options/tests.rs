//! The command line refuses what is out of bounds.

use clap::{CommandFactory as _, Parser as _};

use super::{Options, Size};

#[test]
fn the_command_line_is_consistent() {
    Options::command().debug_assert();
}

#[test]
fn sizes_have_a_unit_and_bounds() {
    assert_eq!("2GB".parse(), Ok(Size(2_000_000_000)));
    assert_eq!("64 MiB".parse(), Ok(Size(64 << 20)));
    for bad in ["2", "0GB", "17GiB", "-1GB", "GB", "99999999999999999999GB"] {
        assert!(bad.parse::<Size>().is_err(), "{bad}");
    }
}

#[test]
fn levels_have_bounds() {
    let with =
        |streams: &str| Options::try_parse_from(["loadtest", "submit", "--streams", streams]);
    assert!(with("1,256").is_ok());
    assert!(with("0").is_err());
    assert!(with("2000").is_err());
}
