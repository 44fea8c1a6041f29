//! Datasets: their definition and their rows.

use ids::canonical;

/// A dataset definition in YAML.
pub fn dataset_definition(data: &[u8]) -> bool {
    let Ok(definition) = dataset::Definition::parse(data) else {
        return false;
    };
    assert!(definition.label_column().is_some(), "the label is a column");
    assert!(definition.features().next().is_some(), "there is a feature");
    assert!(canonical::to_vec(&definition).is_ok(), "canonical JSON can hold it");
    true
}

/// A CSV, read with a fixed definition and small limits.
pub fn dataset_csv(data: &[u8]) -> bool {
    const DEFINITION: &[u8] = b"columns: {x: float, n: int, y: str}\nlabel: y\n";
    let Ok(definition) = dataset::Definition::parse(DEFINITION) else {
        unreachable!("a constant definition")
    };
    let limits = dataset::Limits { max_rows: 50, max_columns: 8, max_line_bytes: 200 };
    let Ok((statistics, leaves)) = dataset::measure(data, &definition, &limits) else {
        return false;
    };
    assert_eq!(leaves.len(), statistics.rows, "every row is a leaf");
    assert_eq!(statistics.bytes, data.len() as u64, "every byte was read");
    assert!((1..=50).contains(&statistics.rows), "rows are bounded");
    let Ok(bytes) = canonical::to_vec(&statistics) else { unreachable!("canonical JSON") };
    let back = canonical::from_slice::<dataset::Statistics>(&bytes, 1 << 20);
    assert!(back.is_ok_and(|back| back == statistics), "statistics read back");
    true
}

/// A trainer's own record of its split, against the rule's.
pub fn split_record(data: &[u8]) -> bool {
    let Some(division) = dataset::Division::new(5, 0.5, 0) else { unreachable!("a small dataset") };
    let agrees = division.agrees(data);
    if agrees == Some(true) {
        let text = String::from_utf8_lossy(data);
        assert!(text.contains(dataset::split::SCHEMA), "what agrees has the schema");
        assert!(["0", "1", "2", "3", "4"].iter().all(|row| text.contains(row)), "and every row");
    }
    agrees.is_some()
}
