//! Tests of the statistics: exact figures, errors that name their place, and bounds.

use ids::canonical;
use proptest::prelude::*;

use super::*;

fn definition(text: &str) -> Definition {
    Definition::parse(text.as_bytes()).unwrap()
}

fn plain() -> Definition {
    definition("columns: {x: float, n: int, y: int}\nlabel: y")
}

fn read(csv: &str) -> Result<Statistics, DatasetError> {
    describe(csv.as_bytes(), &plain(), &Limits::default())
}

fn text(decimal: Decimal) -> String {
    decimal.to_string()
}

#[test]
fn figures_are_exact() {
    let csv = "y,note,x,n\n1,a,2,10\n0,\"b,\"\"\nc\",4,-2\r\n1.0,, 4.5e0 ,+3";
    let statistics = read(csv).unwrap();
    assert_eq!((statistics.rows, statistics.columns), (3, 4));
    assert_eq!(statistics.bytes, csv.len() as u64);
    assert_eq!(statistics.ignored_columns, ["note"]);
    let order: Vec<&str> = statistics.column.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(order, ["x", "n", "y"]);
    let x = statistics.column[0].numbers.unwrap();
    let figures = [x.min, x.max, x.mean, x.std].map(text);
    assert_eq!(figures, ["2", "4.5", "3.5", "1.0801234497346435"]);
    let counts = statistics.label_histogram.clone().unwrap();
    let counts: Vec<_> = counts.iter().map(|c| (c.class.as_str(), c.count)).collect();
    assert_eq!(counts, [("0", 1), ("1", 2)]);
    let bytes = canonical::to_vec(&statistics).unwrap();
    assert_eq!(canonical::from_slice::<Statistics>(&bytes, 10_000).unwrap(), statistics);
}

#[test]
fn the_wine_example_is_described() {
    let wine = definition(include_str!("../../../../examples/wine/definition.yaml"));
    let csv = include_bytes!("../../../../examples/wine/wine.csv");
    let statistics = describe(&csv[..], &wine, &Limits::default()).unwrap();
    assert_eq!((statistics.rows, statistics.columns), (178, 14));
    assert_eq!(statistics.bytes, csv.len() as u64);
    let counts = statistics.label_histogram.unwrap();
    let counts: Vec<_> = counts.iter().map(|c| (c.class.as_str(), c.count)).collect();
    assert_eq!(counts, [("0", 59), ("1", 71), ("2", 48)]);
    let alcohol = statistics.column[0].numbers.unwrap();
    assert_eq!((text(alcohol.min), text(alcohol.max)), ("11.03".to_owned(), "14.83".to_owned()));
    assert!((alcohol.mean.get() - 13.000_617_977).abs() < 1e-8);
    assert!((alcohol.std.get() - 0.809_542_9).abs() < 1e-6);
}

#[test]
fn every_bad_place_is_named() {
    let table = [
        ("", "no header line"),
        ("x,n,y\n", "a header and no rows"),
        ("x,n\n1,1\n", "the header lacks column \"y\""),
        ("x,n,y,x\n1,1,1,1\n", "the header names column \"x\" twice"),
        ("x;n;y\n1;1;1\n", "the header lacks column \"x\""),
        ("x,n,y\n1,1\n", "row 1: 2 cells where the header has 3"),
        ("x,n,y\n1,1,1\n1,1,1,1\n", "row 2: 4 cells where the header has 3"),
        ("x,n,y\n\n1,1,1\n", "row 1: 1 cells where the header has 3"),
        ("x,n,y\n1,1,1\n\n", "row 2: 1 cells where the header has 3"),
        ("x,n,y\n1,1,1\n,1,1\n", "row 2, column \"x\": the cell is empty"),
        ("x,n,y\n1,1,  \n", "row 1, column \"y\": the cell is empty"),
        ("x,n,y\nred,1,1\n", "row 1, column \"x\": \"red\" is not a number"),
        ("x,n,y\nNaN,1,1\n", "\"NaN\" is not a number"),
        ("x,n,y\ninf,1,1\n", "\"inf\" is not a number"),
        ("x,n,y\n1_000,1,1\n", "\"1_000\" is not a number"),
        ("x,n,y\n0x10,1,1\n", "\"0x10\" is not a number"),
        ("x,n,y\n1e,1,1\n", "\"1e\" is not a number"),
        ("x,n,y\n.,1,1\n", "\".\" is not a number"),
        ("x,n,y\n--1,1,1\n", "\"--1\" is not a number"),
        ("x,n,y\n1 2,1,1\n", "\"1 2\" is not a number"),
        ("x,n,y\n1,1.5,1\n", "row 1, column \"n\": \"1.5\" is not an integer"),
        ("x,n,y\n1e39,1,1\n", "does not fit a 32-bit float"),
        ("x,n,y\n1e999,1,1\n", "does not fit a 32-bit float"),
        ("x,n,y\n1,1,1\n\"1,1,1\n", "row 2: a quoted cell does not end"),
        ("x,n,y\n\"1\"2,1,1\n", "row 1: a quoted cell does not end"),
        ("x,n,y\r1,1,1\r", "row 0: a carriage return"),
        ("x,n,y\n1,1,1\r", "row 1: a carriage return"),
    ];
    for (csv, expected) in table {
        let error = read(csv).expect_err(csv).to_string();
        assert!(error.contains(expected), "{csv:?} gave {error:?}");
    }
    let latin = describe(&b"x,n,y\n1,1,1\n\xE9,1,1\n"[..], &plain(), &Limits::default());
    assert_eq!(latin.unwrap_err().to_string(), "row 2, column \"x\": not UTF-8 text");
    let latin = describe(&b"x,n,y,\xE9\n1,1,1,1\n"[..], &plain(), &Limits::default());
    assert_eq!(latin.unwrap_err().to_string(), "row 0, column \"4\": not UTF-8 text");
}

#[test]
fn limits_hold() {
    let limits = Limits { max_rows: 2, max_columns: 3, max_line_bytes: 10 };
    let read = |csv: &str| describe(csv.as_bytes(), &plain(), &limits).map_err(|e| e.to_string());
    assert!(read("x,n,y\n1,1,1\n1,1,1\n").is_ok());
    assert_eq!(read("x,n,y\n1,1,1\n1,1,1\n1,1,1\n").unwrap_err(), "more than 2 rows");
    assert_eq!(read("x,n,y,z\n").unwrap_err(), "row 0: more than 3 cells");
    assert!(read("x,n,y\n1,1,00001\n").is_ok());
    assert_eq!(read("x,n,y\n1,1,000001\n").unwrap_err(), "row 1: longer than 10 bytes");
    assert_eq!(read("x,n,y\n\"1\n\n\n\n\n\n\n\n\n\n").unwrap_err(), "row 1: longer than 10 bytes");
    // A stream without end or line end stops at the limit.
    let endless = describe(io::repeat(b'1'), &plain(), &Limits::default());
    assert!(matches!(endless, Err(DatasetError::LineTooLong { row: 0, .. })));
    let endless = describe(io::repeat(b','), &plain(), &Limits::default());
    assert!(matches!(endless, Err(DatasetError::TooManyColumns { row: 0, limit: 4096 })));
}

#[test]
fn text_labels_lists_and_many_classes() {
    let named = definition("columns: {x: float, y: str}\nlabel: y\nlabels: [red, ro\u{df}]");
    let csv = "\u{feff}x,y\n1,red\n2, ro\u{df} \n3,red\n";
    let statistics = describe(csv.as_bytes(), &named, &Limits::default()).unwrap();
    assert_eq!(statistics.column[1].numbers, None);
    assert_eq!(statistics.label_histogram.unwrap()[0].count, 2);
    let unknown = describe(&b"x,y\n1,blue\n"[..], &named, &Limits::default()).unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "row 1, column \"y\": \"blue\" is not among the definition's labels"
    );
    let listed = definition("columns: {x: float, y: int}\nlabel: y\nlabels: [0, 1.0]");
    assert!(describe(&b"x,y\n1,1\n1,-0\n"[..], &listed, &Limits::default()).is_ok());
    assert!(describe(&b"x,y\n1,2\n"[..], &listed, &Limits::default()).is_err());
    let rows: String = (0..1001).map(|i| format!("1,{i}.5\n")).collect();
    let regression = definition("columns: {x: float, y: float}\nlabel: y");
    let many = describe(format!("x,y\n{rows}").as_bytes(), &regression, &Limits::default());
    assert_eq!(many.unwrap().label_histogram, None);
}

#[test]
fn a_failing_stream_is_an_error_and_not_an_end() {
    struct Failing(bool);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(io::Error::other("gone"));
            }
            buffer[..12].copy_from_slice(b"x,n,y\n1,1,1\n");
            Ok(12)
        }
    }
    let error = describe(Failing(false), &plain(), &Limits::default()).unwrap_err();
    assert!(matches!(error, DatasetError::Read(_)));
}

proptest! {
    #[test]
    fn decimals_read_back(bits in any::<u64>()) {
        let Some(decimal) = Decimal::new(f64::from_bits(bits)) else { return Ok(()) };
        let text = decimal.to_string();
        prop_assert!(text.len() < 32);
        prop_assert_eq!(text.parse::<Decimal>(), Ok(decimal));
        let respelt = format!("+{text}").parse::<Decimal>();
        prop_assert!(respelt.is_err());
    }

    #[test]
    fn figures_equal_two_pass_ones(values in proptest::collection::vec(-1e6..1e6_f64, 1..200)) {
        let rows: String = values.iter().map(|v| format!("{v:e},1,1\n")).collect();
        let statistics = read(&format!("x,n,y\n{rows}")).unwrap();
        let x = statistics.column[0].numbers.unwrap();
        #[expect(clippy::cast_precision_loss, reason = "a few values")]
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count;
        prop_assert!((x.mean.get() - mean).abs() < 1e-6);
        prop_assert!((x.std.get() - variance.sqrt()).abs() < 1e-6);
        prop_assert_eq!(x.max.get(), values.iter().copied().fold(f64::MIN, f64::max));
    }

    #[test]
    fn how_the_stream_is_cut_makes_no_difference(csv in "(x,n,y\n)?[x\",0-9.\r\n]{0,60}", step in 1..7_usize) {
        struct Slow<'a>(&'a [u8], usize);
        impl Read for Slow<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let end = self.1.min(self.0.len());
                (&self.0[..end]).read(buffer).inspect(|n| self.0 = &self.0[*n..])
            }
        }
        let whole = read(&csv).map_err(|e| e.to_string());
        let cut = describe(Slow(csv.as_bytes(), step), &plain(), &Limits::default());
        prop_assert_eq!(whole, cut.map_err(|e| e.to_string()));
    }
}
