//! The fuzz targets' properties over their corpus, as an ordinary test: see `tests/fuzz`.

#![expect(clippy::disallowed_methods, reason = "the corpus is files; the crate itself does no I/O")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by it")]

#[path = "../../../tests/fuzz/properties.rs"]
mod properties;

use std::path::Path;

/// Every file of a target's corpus; a failure names the file.
fn over(target: &str, property: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus").join(target);
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let run = std::panic::catch_unwind(|| property(&bytes));
        assert!(run.is_ok(), "{} breaks a property", path.display());
        seen += 1;
    }
    assert!(seen >= 20, "the corpus in {} has only {seen} files", folder.display());
}

#[test]
fn descriptors() {
    over("descriptor", properties::descriptor);
}

#[test]
fn sddl() {
    over("sddl", properties::sddl);
}

#[test]
fn distinguished_names() {
    over("dn", properties::dn);
}
