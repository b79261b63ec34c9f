//! What the agent reads from images of a store: versions for 32 and 64 bits, and clear errors on what has none.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;

use sendgate_agent::inspect;
use sendgate_agent::probe::store_version::parse;
use sendgate_tests::pe::{Bits, image};

fn error(bytes: &[u8]) -> String {
    parse(Path::new("/s/store.exe"), bytes).unwrap_err().to_string()
}

#[test]
fn the_version_of_a_store_with_32_and_64_bits() {
    let file = std::env::temp_dir().join(format!("sendgate-store-{:016x}.exe", rand::random::<u64>()));
    for (version, bits, expected) in [
        ((6, 5, 7638, 1), Bits::B32, ("6.5.7638.1", "x86")),
        ((6, 5, 7233, 51), Bits::B32, ("6.5.7233.51", "x86")),
        ((8, 0, 685, 24), Bits::B64, ("8.0.685.24", "x64")),
        ((65535, 0, 65535, 1), Bits::B64, ("65535.0.65535.1", "x64")),
    ] {
        std::fs::write(&file, image(version, bits)).unwrap();
        let answer = inspect::store_exe(&file).unwrap();
        assert_eq!((answer.version.as_str(), answer.machine.as_str()), expected);
    }
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn an_image_without_a_version_has_none() {
    for bits in [Bits::B32, Bits::B64] {
        let good = image((6, 5, 7638, 1), bits);
        // The signature of the fixed block (VS_FIXEDFILEINFO.dwSignature).
        let at = good.windows(4).position(|bytes| bytes == 0xFEEF_04BD_u32.to_le_bytes()).unwrap();
        let mut unsigned = good.clone();
        unsigned[at] ^= 1;
        assert_eq!(
            error(&unsigned),
            "/s/store.exe is an image without a file version (the fixed block of its version resource has a wrong \
             signature); name the store.exe of the host"
        );
        // The resource table among the data directories, which start behind 96 or 112 bytes of optional header.
        let directories = 0x40 + 24 + if bits == Bits::B32 { 96 } else { 112 };
        let mut bare = good.clone();
        bare[directories + 16..directories + 24].fill(0);
        assert_eq!(
            error(&bare),
            "/s/store.exe is an image without a file version (it has no resources); name the store.exe of the host"
        );
    }
}

#[test]
fn no_cut_or_changed_image_makes_it_panic_or_guess() {
    let good = image((6, 5, 7638, 1), Bits::B32);
    for length in 0..good.len() {
        if let Ok(read) = parse(Path::new("/s/store.exe"), &good[..length]) {
            assert_eq!(read.version.to_string(), "6.5.7638.1", "cut at {length}");
        }
    }
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 0xff;
        // Whatever it says, it says something.
        let _ = parse(Path::new("/s/store.exe"), &changed).map_err(|error| error.to_string());
    }
}
