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
