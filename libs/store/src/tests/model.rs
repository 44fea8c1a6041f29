//! The durable store against a `BTreeMap`: any run of batches, with reopening in between.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::{Batch, CommitError, Durable, Span};

const TABLES: &[&str] = &["t0", "t1"];

type Model = BTreeMap<(&'static str, Vec<u8>), Vec<u8>>;

#[derive(Debug, Clone)]
enum Step {
    Put(usize, Vec<u8>, Vec<u8>),
    Delete(usize, Vec<u8>),
    Absent(usize, Vec<u8>),
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(255)], 1..4)
}

fn batches() -> impl Strategy<Value = Vec<(Vec<Step>, bool)>> {
    let step = prop_oneof![
        4 => (0..2_usize, key(), proptest::collection::vec(any::<u8>(), 0..40))
            .prop_map(|(table, key, value)| Step::Put(table, key, value)),
        2 => (0..2_usize, key()).prop_map(|(table, key)| Step::Delete(table, key)),
        1 => (0..2_usize, key()).prop_map(|(table, key)| Step::Absent(table, key)),
    ];
    let batch = (proptest::collection::vec(step, 0..6), proptest::bool::weighted(0.1));
    proptest::collection::vec(batch, 1..24)
}

fn batch_of(steps: &[Step]) -> Batch {
    steps.iter().fold(Batch::new(), |batch, step| match step.clone() {
        Step::Put(table, key, value) => batch.put(TABLES[table], key, value),
        Step::Delete(table, key) => batch.delete(TABLES[table], key),
        Step::Absent(table, key) => batch.absent(TABLES[table], key),
    })
}

fn apply(model: &mut Model, steps: &[Step]) -> Result<(), CommitError> {
    for step in steps {
        if let Step::Absent(table, key) = step
            && model.contains_key(&(TABLES[*table], key.clone()))
        {
            return Err(CommitError::Exists { table: TABLES[*table], key: key.clone() });
        }
    }
    for step in steps {
        match step.clone() {
            Step::Put(table, key, value) => drop(model.insert((TABLES[table], key), value)),
            Step::Delete(table, key) => drop(model.remove(&(TABLES[table], key))),
            Step::Absent(..) => {}
        }
    }
    Ok(())
}

fn same(store: &Durable, model: &Model) {
    for table in TABLES {
        let entries = |prefix: &[u8]| -> Vec<(Vec<u8>, Vec<u8>)> {
            let mine =
                model.iter().filter(|((name, key), _)| name == table && key.starts_with(prefix));
            mine.map(|((_, key), value)| (key.clone(), value.clone())).collect()
        };
        for prefix in [&b""[..], &[0], &[1, 255], &[255], &[255, 255]] {
            let found = store.scan(table, &Span::prefix(prefix), usize::MAX).unwrap();
            assert_eq!(found, entries(prefix));
            assert_eq!(store.last(table, &Span::prefix(prefix)).unwrap(), found.last().cloned());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_run_of_batches_leaves_what_the_model_holds(batches in batches()) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.redb");
        let mut store = Durable::open(&path, TABLES).unwrap();
        let mut model = Model::new();
        for (steps, reopen) in batches {
            prop_assert_eq!(store.commit_blocking(batch_of(&steps)), apply(&mut model, &steps));
            if reopen {
                drop(store);
                store = Durable::open(&path, TABLES).unwrap();
            }
        }
        same(&store, &model);
    }
}
