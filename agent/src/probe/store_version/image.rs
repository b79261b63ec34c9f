//! Walks a PE image down to its fixed version block: every offset is checked, no byte is trusted.
//!
//! PE Format ("Microsoft Portable Executable and Common Object File Format Specification"), sections "Optional Header",
//! "Section Table" and "The .rsrc Section"; `VS_VERSIONINFO` and `VS_FIXEDFILEINFO` of the Windows SDK.

use super::FileVersion;

/// What `dwSignature` of a fixed version block must be.
const SIGNATURE: u32 = 0xFEEF_04BD;
/// The type of version resources, and the id that the one of a program has.
const RT_VERSION: u32 = 16;
const VS_VERSION_INFO: u32 = 1;
/// Set in the offset of a resource entry that leads to another directory.
const SUBDIRECTORY: u32 = 0x8000_0000;
/// The key of a version resource, as UTF-16.
const KEY: &str = "VS_VERSION_INFO\0";
/// Bytes of a `VS_FIXEDFILEINFO`.
const FIXED_BYTES: u16 = 52;

/// What stops the walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// This is no image.
    NoImage(&'static str),
    /// This is one, but it has no version.
    NoVersion(&'static str),
}

/// The machine and the version of an image.
pub(super) fn walk(bytes: &[u8]) -> Result<(u16, FileVersion), Stop> {
    let image = Image::new(Bytes(bytes)).map_err(Stop::NoImage)?;
    let version = image.version().map_err(Stop::NoVersion)?;
    Ok((image.machine, version))
}

#[derive(Clone, Copy)]
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn from(self, at: usize) -> Option<Self> {
        self.0.get(at..).map(Self)
    }

    fn u16(self, at: usize) -> Option<u16> {
        Some(u16::from_le_bytes(*self.0.get(at..)?.first_chunk()?))
    }

    fn u32(self, at: usize) -> Option<u32> {
        Some(u32::from_le_bytes(*self.0.get(at..)?.first_chunk()?))
    }

    fn offset(self, at: usize) -> Option<usize> {
        usize::try_from(self.u32(at)?).ok()
    }

    fn starts_with(self, text: &[u8]) -> bool {
        self.0.starts_with(text)
    }
}

struct Image<'a> {
    bytes: Bytes<'a>,
    machine: u16,
    sections: Bytes<'a>,
    section_count: u16,
    /// Where the resources are in memory; 0: there are none.
    resources: u32,
}

impl<'a> Image<'a> {
    fn new(bytes: Bytes<'a>) -> Result<Self, &'static str> {
        if !bytes.starts_with(b"MZ") {
            return Err("it does not begin with MZ");
        }
        let header = bytes.offset(0x3c).and_then(|at| bytes.from(at)).filter(|header| header.starts_with(b"PE\0\0"));
        let header = header.ok_or("there is no PE header where it points to")?;
        Self::headers(bytes, header).ok_or("its headers are cut off or broken")
    }

    fn headers(bytes: Bytes<'a>, header: Bytes<'a>) -> Option<Self> {
        let (machine, section_count) = (header.u16(4)?, header.u16(6)?);
        let optional_bytes = usize::from(header.u16(20)?);
        let optional = Bytes(header.0.get(24..24_usize.checked_add(optional_bytes)?)?);
        // PE32 and PE32+ differ in the width of addresses, and so in where the data directories are.
        let directories = match optional.u16(0)? {
            0x010b => 96,
            0x020b => 112,
            _ => return None,
        };
        let resources = match optional.u32(directories - 4)? {
            // The resource table is the third.
            0..=2 => 0,
            _ => optional.u32(directories + 2 * 8)?,
        };
        let sections = header.from(24_usize.checked_add(optional_bytes)?)?;
        Some(Self { bytes, machine, sections, section_count, resources })
    }

    /// What the image has in the file from this address in memory on, to the end of its section.
    fn at(&self, address: u32) -> Option<Bytes<'a>> {
        for index in 0..usize::from(self.section_count) {
            let section = self.sections.from(index.checked_mul(40)?)?;
            let (begin, bytes) = (section.u32(12)?, section.offset(16)?);
            let inside = address.checked_sub(begin).and_then(|inside| usize::try_from(inside).ok());
            if let Some(inside) = inside.filter(|inside| *inside < bytes) {
                let file = section.offset(20)?;
                let part = self.bytes.0.get(file..)?;
                return Bytes(part.get(..bytes).unwrap_or(part)).from(inside);
            }
        }
        None
    }

    fn version(&self) -> Result<FileVersion, &'static str> {
        if self.resources == 0 {
            return Err("it has no resources");
        }
        let root = self.at(self.resources).ok_or("its resources are outside of the file")?;
        let broken = "its resources are cut off or broken";
        let types = entry(root, 0, Some(RT_VERSION)).ok_or("it has no version resource")?;
        let names = types.directory().ok_or(broken)?;
        let languages = entry(root, names, Some(VS_VERSION_INFO)).or_else(|| entry(root, names, None)).ok_or(broken)?;
        let language = entry(root, languages.directory().ok_or(broken)?, None).ok_or(broken)?;
        let address = language.leaf().and_then(|leaf| root.u32(leaf)).ok_or(broken)?;
        let info = self.at(address).ok_or("its version resource is outside of the file")?;
        fixed(info)
    }
}

/// Where an entry of a resource directory leads to.
struct Entry(u32);

impl Entry {
    fn directory(&self) -> Option<usize> {
        (self.0 & SUBDIRECTORY != 0).then(|| usize::try_from(self.0 & !SUBDIRECTORY).ok()).flatten()
    }

    fn leaf(&self) -> Option<usize> {
        (self.0 & SUBDIRECTORY == 0).then(|| usize::try_from(self.0).ok()).flatten()
    }
}

/// The entry with this id, or the first one, of the resource directory at `at`.
fn entry(root: Bytes<'_>, at: usize, id: Option<u32>) -> Option<Entry> {
    let directory = root.from(at)?;
    let count = usize::from(directory.u16(12)?) + usize::from(directory.u16(14)?);
    for index in 0..count {
        let entry = 16 + index * 8;
        if id.is_none() || id == Some(directory.u32(entry)?) {
            return directory.u32(entry + 4).map(Entry);
        }
    }
    None
}

fn fixed(info: Bytes<'_>) -> Result<FileVersion, &'static str> {
    let broken = "its version resource is cut off or broken";
    let key: Vec<u8> = KEY.encode_utf16().flat_map(u16::to_le_bytes).collect();
    if !info.from(6).is_some_and(|bytes| bytes.starts_with(&key)) {
        return Err(broken);
    }
    match info.u16(2) {
        Some(bytes) if bytes >= FIXED_BYTES => {}
        Some(_) => return Err("its version resource has no fixed block"),
        None => return Err(broken),
    }
    // Three lengths and the key, then up to the next multiple of four.
    let fixed = info.from((6 + key.len()).next_multiple_of(4)).ok_or(broken)?;
    if fixed.u32(0) != Some(SIGNATURE) {
        return Err("the fixed block of its version resource has a wrong signature");
    }
    let part = |at| fixed.u16(at).ok_or(broken);
    // Each of the two numbers has its more significant half behind, as little-endian numbers do.
    Ok(FileVersion { major: part(10)?, minor: part(8)?, build: part(14)?, revision: part(12)? })
}
