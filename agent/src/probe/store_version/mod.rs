//! The file version of store.exe, from the fixed version block of its version resource (PE/COFF specification section
//! "The .rsrc Section"; `VS_FIXEDFILEINFO`). Images for 32 and for 64 bits.

mod image;

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use image::Stop;

/// No larger image is read: store.exe has about 5 MB.
const MAX_IMAGE_BYTES: u64 = 128 * 1024 * 1024;
/// `IMAGE_FILE_MACHINE_I386` and `IMAGE_FILE_MACHINE_AMD64`.
const MACHINES: [(u16, &str); 2] = [(0x014c, "x86"), (0x8664, "x64")];

/// A file version, part by part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileVersion {
    /// Such as 6.
    pub major: u16,
    /// Such as 5.
    pub minor: u16,
    /// Such as 7638.
    pub build: u16,
    /// Such as 1.
    pub revision: u16,
}

impl fmt::Display for FileVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}.{}", self.major, self.minor, self.build, self.revision)
    }
}

/// What an image says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreImage {
    /// The file version.
    pub version: FileVersion,
    /// `x86`, `x64`, or the machine's number as `0x01c0`.
    pub machine: String,
}

/// Why a version could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The system refused it.
    #[error("cannot read the image {}: {source}", file.display())]
    Read {
        /// Which file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A directory, a pipe or the like.
    #[error("cannot read the image {}: it is not a regular file", file.display())]
    NoFile {
        /// Which.
        file: PathBuf,
    },
    /// Larger than any store.exe.
    #[error("{} has more than {MAX_IMAGE_BYTES} bytes: no store.exe has; name the image of the store", file.display())]
    Large {
        /// Which file.
        file: PathBuf,
    },
    /// Not a PE image.
    #[error("{} is not a Windows program image ({text}); name the store.exe of the host", file.display())]
    NoImage {
        /// Which file.
        file: PathBuf,
        /// What the reader says.
        text: String,
    },
    /// An image without a version resource or without a fixed version block.
    #[error("{} is an image without a file version ({text}); name the store.exe of the host", file.display())]
    NoVersion {
        /// Which file.
        file: PathBuf,
        /// What the reader says.
        text: String,
    },
}

/// Reads the version of an image file.
///
/// # Errors
/// When the file is not readable, no image, or has no fixed version block; never a version that is not there.
pub fn read(file: &Path) -> Result<StoreImage, ImageError> {
    let failed = |source| ImageError::Read { file: file.to_owned(), source };
    if !std::fs::metadata(file).map_err(failed)?.is_file() {
        return Err(ImageError::NoFile { file: file.to_owned() });
    }
    // Read, not mapped: a file that is replaced while it is mapped would kill the process.
    let mut bytes = Vec::new();
    File::open(file).map_err(failed)?.take(MAX_IMAGE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(bytes.len()).is_ok_and(|count| count > MAX_IMAGE_BYTES) {
        return Err(ImageError::Large { file: file.to_owned() });
    }
    parse(file, &bytes)
}

/// Reads the version from the bytes of an image; `file` is only named in errors.
///
/// # Errors
/// As [`read`].
pub fn parse(file: &Path, bytes: &[u8]) -> Result<StoreImage, ImageError> {
    let (found, version) = image::walk(bytes).map_err(|stop| match stop {
        Stop::NoImage(why) => ImageError::NoImage { file: file.to_owned(), text: why.to_owned() },
        Stop::NoVersion(why) => ImageError::NoVersion { file: file.to_owned(), text: why.to_owned() },
    })?;
    let machine = MACHINES.iter().find(|(number, _)| *number == found).map(|(_, name)| (*name).to_owned());
    Ok(StoreImage { version, machine: machine.unwrap_or_else(|| format!("{found:#06x}")) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_image_is_said() {
        let error = parse(Path::new("/tmp/letter.txt"), b"Dear store,\n").unwrap_err().to_string();
        assert_eq!(
            error,
            "/tmp/letter.txt is not a Windows program image (it does not begin with MZ); name the store.exe of the host"
        );
        let error = read(Path::new("/nonexistent/store.exe")).unwrap_err().to_string();
        assert!(error.starts_with("cannot read the image /nonexistent/store.exe: No such file"), "{error}");
        assert!(read(Path::new("/")).unwrap_err().to_string().ends_with("it is not a regular file"));
    }

    /// Where the image below has its parts.
    const PE: usize = 0x40;
    const OPTIONAL: usize = PE + 24;
    const RESOURCES: usize = 0x100;
    const INFO: usize = RESOURCES + 88;

    fn put(image: &mut [u8], at: usize, bytes: &[u8]) {
        image[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn put_u32(image: &mut [u8], at: usize, number: u32) {
        put(image, at, &number.to_le_bytes());
    }

    /// The least that has a version: headers, one section, and in it one resource.
    fn image() -> Vec<u8> {
        let mut image = vec![0; INFO + 92];
        put(&mut image, 0, b"MZ");
        put(&mut image, 0x3c, &[PE as u8]);
        put(&mut image, PE, b"PE\0\0\x4c\x01\x01");
        put(&mut image, PE + 20, &[120]);
        put(&mut image, OPTIONAL, &[0x0b, 0x01]);
        // Of three data directories the last one, where the resources are in memory.
        put_u32(&mut image, OPTIONAL + 92, 3);
        put_u32(&mut image, OPTIONAL + 112, 0x1000);
        // The section: where it is in memory, how long it is, and where it is in the file.
        let bytes = u32::try_from(image.len() - RESOURCES).unwrap();
        for (at, number) in [(12, 0x1000), (16, bytes), (20, RESOURCES as u32)] {
            put_u32(&mut image, OPTIONAL + 120 + at, number);
        }
        // Directories of type, name and language with one entry each, and what the last one leads to.
        for (at, id, next) in [(0, 16, 0x8000_0018), (24, 1, 0x8000_0030), (48, 0x0409, 72)] {
            put(&mut image, RESOURCES + at + 14, &[1]);
            put_u32(&mut image, RESOURCES + at + 16, id);
            put_u32(&mut image, RESOURCES + at + 20, next);
        }
        put_u32(&mut image, RESOURCES + 72, 0x1000 + 88);
        put(&mut image, INFO + 2, &[52]);
        let key: Vec<u8> = "VS_VERSION_INFO\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
        put(&mut image, INFO + 6, &key);
        put_u32(&mut image, INFO + 40, 0xFEEF_04BD);
        put_u32(&mut image, INFO + 48, (6 << 16) + 5);
        put_u32(&mut image, INFO + 52, (7638 << 16) + 1);
        image
    }

    /// The image with other bytes at one place.
    fn changed(at: usize, bytes: &[u8]) -> Vec<u8> {
        let mut image = image();
        put(&mut image, at, bytes);
        image
    }

    #[test]
    fn what_is_wrong_with_an_image_is_said() {
        let good = parse(Path::new("/s/store.exe"), &image()).unwrap();
        assert_eq!((good.version.to_string().as_str(), good.machine.as_str()), ("6.5.7638.1", "x86"));
        let outside = 0x9000_u32.to_le_bytes();
        let no_image = [
            (changed(PE, b"NE"), "there is no PE header where it points to"),
            (image()[..OPTIONAL + 8].to_vec(), "its headers are cut off or broken"),
            (changed(OPTIONAL, &[0]), "its headers are cut off or broken"),
        ];
        let no_version = [
            (changed(OPTIONAL + 112, &outside), "its resources are outside of the file"),
            (changed(RESOURCES + 16, &[10]), "it has no version resource"),
            // A type that leads to no directory.
            (changed(RESOURCES + 23, &[0]), "its resources are cut off or broken"),
            (changed(RESOURCES + 72, &outside), "its version resource is outside of the file"),
            (changed(INFO + 6, b"X"), "its version resource is cut off or broken"),
            (changed(INFO + 2, &[0]), "its version resource has no fixed block"),
        ];
        let no_image = no_image.map(|(bytes, why)| (bytes, "is not a Windows program image", why));
        let no_version = no_version.map(|(bytes, why)| (bytes, "is an image without a file version", why));
        for (bytes, what, why) in no_image.into_iter().chain(no_version) {
            let error = parse(Path::new("/s/store.exe"), &bytes).unwrap_err().to_string();
            assert_eq!(error, format!("/s/store.exe {what} ({why}); name the store.exe of the host"));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            if bytes.len() > 200 {
                bytes[..2].copy_from_slice(b"MZ");
                bytes[60..64].copy_from_slice(&64_u32.to_le_bytes());
                bytes[64..68].copy_from_slice(b"PE\0\0");
            }
            prop_assert!(parse(Path::new("/x"), &bytes).is_err());
        }
    }
}
