//! What every test run plays again of the fuzzer's seeds, the same every time.

use std::fs;
use std::path::Path;

/// The seeds of a target, by their names.
///
/// # Panics
/// There are none.
pub(crate) fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut seeds: Vec<(String, Vec<u8>)> = files
        .map(|file| {
            let path = file.expect("a file").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
            (name, fs::read(&path).expect("readable"))
        })
        .collect();
    seeds.sort();
    assert!(!seeds.is_empty(), "{target} has no seeds");
    seeds
}

/// Runs each seed as it is, and cut off and with one bit turned in about so many places.
pub(crate) fn replay(target: &str, places: usize, run: fn(&[u8])) {
    for (_, seed) in seeds(target) {
        run(&seed);
        for at in (0..seed.len()).step_by(1 + seed.len() / places) {
            run(&seed[..at]);
            let mut bent = seed.clone();
            bent[at] ^= 1 << (at % 8);
            run(&bent);
        }
    }
}
