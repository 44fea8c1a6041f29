//! Tests of where tiles and bundles are: other people's paths, the shape of trees, files of one width.

use super::*;

/// Index, width and path below `tile/<level>/`: C2SP tlog-tiles, Go's sumdb/tlog (`TestTilePath`)
/// and Tessera's api/layout.
const PLACES: [(u64, u16, &str); 14] = [
    (0, 1, "000.p/1"),
    (0, 255, "000.p/255"),
    (0, 256, "000"),
    (1, 256, "001"),
    (10, 256, "010"),
    (67, 8, "067.p/8"),
    (999, 256, "999"),
    (1000, 256, "x001/000"),
    (1_234_067, 256, "x001/x234/067"),
    (123_456_078, 256, "x123/x456/078"),
    (123_456_078, 2, "x123/x456/078.p/2"),
    (3_057_500, 256, "x003/x057/500"),
    (1_234_067, 6, "x001/x234/067.p/6"),
    (u64::MAX, 1, "x018/x446/x744/x073/x709/x551/615.p/1"),
];

/// What is no place, however close it comes.
const NO_PLACES: [&str; 24] = [
    "",
    "0",
    "00",
    "0000",
    "+00",
    "00a",
    "x000",
    "x00",
    "x000/000",
    "x000/x001/000",
    "001/000",
    "x001/",
    "x001//000",
    "X001/000",
    "000/",
    "000.p",
    "000.p/",
    "000.p/0",
    "000.p/256",
    "000.p/01",
    "000.p/+1",
    "000.p/1/",
    "000.p/1.p/1",
    "x018/x446/x744/x073/x709/x551/616",
];

#[test]
fn other_peoples_paths_are_ours() {
    for (index, width, path) in PLACES {
        for level in [0, 1, 63] {
            let tile = Tile::new(level, index, width).unwrap();
            let path = format!("tile/{level}/{path}");
            assert_eq!(tile.to_string(), path);
            assert_eq!(path.parse(), Ok(tile));
        }
        let path = format!("tile/entries/{path}");
        match EntryBundle::new(index, width) {
            Some(bundle) => {
                assert_eq!((bundle.to_string(), path.parse()), (path.clone(), Ok(bundle)));
            }
            None => assert_eq!(path.parse::<EntryBundle>(), Err(PathError::Index)),
        }
    }
}

#[test]
fn other_spellings_of_paths_are_refused() {
    for place in NO_PLACES {
        assert!(format!("tile/0/{place}").parse::<Tile>().is_err(), "{place}");
        assert!(format!("tile/entries/{place}").parse::<EntryBundle>().is_err(), "{place}");
    }
    for path in [
        "",
        "tile",
        "tile/",
        "tile/0",
        "/tile/0/000",
        "tile//000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/8/0/000",
        "tile/data/000",
        "tile/entries/000",
        "Tile/0/000",
        "tile/0/000 ",
        "tile/0/000\n",
        "tile/0/000?",
        "tile/256/000",
    ] {
        assert!(path.parse::<Tile>().is_err(), "{path:?}");
    }
    for path in ["tile/0/000", "tile/entries", "tile/entries/", "entries/000"] {
        assert!(path.parse::<EntryBundle>().is_err(), "{path:?}");
    }
}

/// How many tiles of which width: level, full ones, width of the partial one.
fn shape(size: u64) -> Vec<(u8, usize, u16)> {
    let tiles: Vec<Tile> = tiles_between(0, size).collect();
    let levels: BTreeSet<u8> = tiles.iter().map(|tile| tile.level()).collect();
    let of = |level| tiles.iter().filter(move |tile| tile.level() == level);
    let partial = |level| of(level).find(|tile| !tile.is_full()).map_or(0, |tile| tile.width());
    let full = |level| of(level).filter(|tile| tile.is_full()).count();
    levels.into_iter().map(|level| (level, full(level), partial(level))).collect()
}

#[test]
fn the_specifications_trees_have_its_tiles() {
    // tlog-tiles, "Partial Tiles".
    assert_eq!(shape(70_000), [(0, 273, 112), (1, 1, 17), (2, 0, 1)]);
    assert_eq!(shape(256), [(0, 1, 0), (1, 0, 1)]);
    assert_eq!(shape(0), []);
    assert_eq!(shape(1), [(0, 0, 1)]);
    assert_eq!(shape(65_536), [(0, 256, 0), (1, 1, 0), (2, 0, 1)]);
    assert_eq!(bundles_between(0, 70_000).count(), 274);
    assert_eq!(bundles_between(0, 70_000).last(), EntryBundle::new(273, 112));
}

#[test]
fn what_growth_publishes_is_what_the_larger_tree_has_and_the_smaller_had_not() {
    let all = |size| tiles_between(0, size).collect::<BTreeSet<_>>();
    let bundles = |size| bundles_between(0, size).collect::<BTreeSet<_>>();
    for old in (0..1100).step_by(7).chain([256, 512, 65_280, 65_535, 65_536]) {
        for grown in [0, 1, 2, 255, 256, 257, 700] {
            let new = old + grown;
            let published: BTreeSet<_> = tiles_between(old, new).collect();
            assert_eq!(published, all(new).difference(&all(old)).copied().collect());
            let published: BTreeSet<_> = bundles_between(old, new).collect();
            assert_eq!(published, bundles(new).difference(&bundles(old)).copied().collect());
        }
    }
    assert_eq!((tiles_between(5, 4).count(), bundles_between(5, 4).count()), (0, 0));
    assert_eq!((tiles_between(300, 5).count(), bundles_between(300, 5).count()), (0, 0));
}

#[test]
fn the_largest_trees_do_not_overflow() {
    for size in [u64::MAX, u64::MAX - 1, 1 << 63, (1 << 63) + 1] {
        for question in [
            Question::root(size),
            Question::inclusion(size - 1, size).unwrap(),
            Question::inclusion(0, size).unwrap(),
            Question::consistency(1, size).unwrap(),
            Question::consistency(size - 1, size).unwrap(),
        ] {
            let tiles = question.tiles(size);
            assert!((1..=16).contains(&tiles.len()), "{}", tiles.len());
            assert!(tiles.iter().all(|tile| tile.to_string().parse() == Ok(*tile)));
        }
        assert!(bundles_between(size - 1, size).all(|bundle| bundle.first_entry() < size));
        assert!((1..=16).contains(&tiles_between(size - 1, size).count()));
    }
    assert_eq!(Tile::in_tree(0, u64::MAX, u64::MAX), None);
    assert_eq!(Tile::in_tree(8, 0, u64::MAX), None);
    assert_eq!(Tile::in_tree(63, 0, u64::MAX), None);
    assert_eq!(Tile::new(64, 0, 1), None);
    assert_eq!((Tile::new(0, 0, 0), Tile::new(0, 0, 257)), (None, None));
}

#[test]
fn a_tile_is_read_at_its_width_alone() {
    let tree = tree(300);
    let tile = Tile::in_tree(0, 1, 300).unwrap();
    let bytes = Tile::encode(&hashes(&tree, tile));
    assert_eq!(bytes.len(), tile.byte_len());
    assert_eq!(tile.decode(&bytes), Ok(hashes(&tree, tile)));
    for bad in [&bytes[1..], &bytes[32..], &[&bytes[..], &[0]].concat(), &[]] {
        assert_eq!(tile.decode(bad), Err(TileError::Length { tile, got: bad.len() }));
    }
}

#[test]
fn an_entry_bundle_is_read_at_its_width_alone() {
    let longest = vec![7; 65_535];
    let entries: [&[u8]; 4] = [b"one", b"", &longest, b"four"];
    let bytes = encode_entries(entries).unwrap();
    assert_eq!(&bytes[..7], b"\0\x03one\0\0");
    assert_eq!(decode_entries(&bytes, 4), Ok(entries.to_vec()));
    assert_eq!(decode_entries(&bytes, 3), Err(EntriesError::Rest { bytes: 6, width: 3 }));
    assert_eq!(decode_entries(&bytes, 5), Err(EntriesError::Ends { position: 4, width: 5 }));
    for cut in [1, 4, 6, 8, bytes.len() - 1] {
        assert!(matches!(decode_entries(&bytes[..cut], 4), Err(EntriesError::Ends { .. })));
    }
    let refused = encode_entries([vec![], vec![0; 65_536]]);
    assert_eq!(refused, Err(EntriesError::TooLong { position: 1, bytes: 65_536 }));
    let bundle = EntryBundle::of_entry(70_000 - 1, 70_000).unwrap();
    assert_eq!((bundle.index(), bundle.width(), bundle.first_entry()), (273, 112, 69_888));
    assert_eq!(EntryBundle::of_entry(70_000, 70_000), None);
}

proptest! {
    #[test]
    fn paths_read_back(level in 0_u8..64, index in any::<u64>(), width in 1_u16..=256) {
        let tile = Tile::new(level, index, width).unwrap();
        prop_assert_eq!(tile.to_string().parse(), Ok(tile));
        if let Some(bundle) = EntryBundle::new(index, width) {
            prop_assert_eq!(bundle.to_string().parse(), Ok(bundle));
        }
    }

    #[test]
    fn what_is_read_as_a_path_is_its_one_spelling(path in "tile/(entries|[0-9]{1,2})/[x0-9/.p]{1,24}") {
        if let Ok(tile) = path.parse::<Tile>() {
            prop_assert_eq!(tile.to_string(), path.clone());
        }
        if let Ok(bundle) = path.parse::<EntryBundle>() {
            prop_assert_eq!(bundle.to_string(), path);
        }
    }

    #[test]
    fn what_is_read_as_entries_is_written_back(
        bytes in proptest::collection::vec(0_u8..4, 0..64), width in 0_u16..40
    ) {
        if let Ok(entries) = decode_entries(&bytes, width) {
            prop_assert_eq!(encode_entries(entries), Ok(bytes));
        }
    }
}
