//! Builds small but valid PE images with a version resource: what a simulated host has as its `store.exe`.
//!
//! Layout (PE Format, "Microsoft Portable Executable and Common Object File Format Specification"): DOS header, PE
//! header, optional header, two sections: `.text` with one instruction, `.rsrc` with the version resource.

/// Whether the image is PE32 or PE32+.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bits {
    /// PE32, machine x86: Exchange 2000 and 2003.
    B32,
    /// PE32+, machine x64: Exchange 2007 and later.
    B64,
}

const FILE_ALIGNMENT: usize = 0x200;
const SECTION_ALIGNMENT: u32 = 0x1000;
const TEXT_RVA: u32 = 0x1000;
const RESOURCE_RVA: u32 = 0x2000;
const DATA_DIRECTORIES: usize = 16;
/// Index of the resource table among the data directories.
const RESOURCE_DIRECTORY: usize = 2;
const RT_VERSION: u32 = 16;
const US_ENGLISH: u32 = 0x409;

/// A PE image whose fixed version block (VS_FIXEDFILEINFO) and version strings say `version`.
pub fn image(version: (u16, u16, u16, u16), bits: Bits) -> Vec<u8> {
    let resource = resource_section(&version_info(version));
    let mut bytes = headers(resource.len(), bits);
    pad(&mut bytes, FILE_ALIGNMENT);
    bytes.push(0xc3); // ret
    pad(&mut bytes, FILE_ALIGNMENT);
    bytes.extend(&resource);
    pad(&mut bytes, FILE_ALIGNMENT);
    bytes
}

fn headers(resource_len: usize, bits: Bits) -> Vec<u8> {
    let mut out = Bytes::default();
    // DOS header: magic, and at 0x3c where the PE header stands.
    out.raw(b"MZ").zero(0x3a).u32(0x40);
    out.raw(b"PE\0\0");
    let optional_len = match bits {
        Bits::B32 => 96,
        Bits::B64 => 112,
    } + DATA_DIRECTORIES as u16 * 8;
    let (machine, characteristics) = match bits {
        Bits::B32 => (0x014c, 0x0102), // executable, 32-bit
        Bits::B64 => (0x8664, 0x0022), // executable, large address aware
    };
    out.u16(machine).u16(2).u32(0).u32(0).u32(0).u16(optional_len).u16(characteristics);
    optional_header(&mut out, resource_len, bits);
    section(&mut out, b".text\0\0\0", 1, TEXT_RVA, FILE_ALIGNMENT, 0x6000_0020);
    section(&mut out, b".rsrc\0\0\0", resource_len, RESOURCE_RVA, 2 * FILE_ALIGNMENT, 0x4000_0040);
    out.0
}

fn optional_header(out: &mut Bytes, resource_len: usize, bits: Bits) {
    let magic = match bits {
        Bits::B32 => 0x010b,
        Bits::B64 => 0x020b,
    };
    out.u16(magic).u16(0); // linker version
    out.u32(FILE_ALIGNMENT as u32).u32(aligned(resource_len)).u32(0); // sizes of code, data, uninitialized data
    out.u32(TEXT_RVA).u32(TEXT_RVA); // entry point, base of code
    match bits {
        Bits::B32 => out.u32(RESOURCE_RVA).u32(0x0040_0000), // base of data, image base
        Bits::B64 => out.u64(0x1_4000_0000),
    };
    out.u32(SECTION_ALIGNMENT).u32(FILE_ALIGNMENT as u32);
    out.u16(4).u16(0).u16(0).u16(0).u16(4).u16(0).u32(0); // versions of system, image, subsystem
    let memory = (RESOURCE_RVA + resource_len as u32).next_multiple_of(SECTION_ALIGNMENT);
    out.u32(memory).u32(FILE_ALIGNMENT as u32).u32(0); // image, headers, checksum
    out.u16(3).u16(0); // console, no characteristics
    for size in [0x10_0000_u64, 0x1000, 0x10_0000, 0x1000] {
        match bits {
            Bits::B32 => out.u32(size as u32),
            Bits::B64 => out.u64(size),
        };
    }
    out.u32(0).u32(DATA_DIRECTORIES as u32);
    for directory in 0..DATA_DIRECTORIES {
        let (rva, len) = if directory == RESOURCE_DIRECTORY { (RESOURCE_RVA, resource_len as u32) } else { (0, 0) };
        out.u32(rva).u32(len);
    }
}

fn section(out: &mut Bytes, name: &[u8; 8], len: usize, rva: u32, at: usize, characteristics: u32) {
    out.raw(name).u32(len as u32).u32(rva).u32(aligned(len)).u32(at as u32);
    out.zero(12).u32(characteristics);
}

/// The three levels of a resource directory (type, name, language) with one leaf.
fn resource_section(data: &[u8]) -> Vec<u8> {
    const DIRECTORY: u32 = 16 + 8;
    const SUBDIRECTORY: u32 = 0x8000_0000;
    let mut out = Bytes::default();
    for (id, offset) in
        [(RT_VERSION, SUBDIRECTORY | DIRECTORY), (1, SUBDIRECTORY | (2 * DIRECTORY)), (US_ENGLISH, 3 * DIRECTORY)]
    {
        out.zero(12).u16(0).u16(1).u32(id).u32(offset);
    }
    out.u32(RESOURCE_RVA + 3 * DIRECTORY + 16).u32(data.len() as u32).u32(0).u32(0);
    out.raw(data);
    out.0
}

/// VS_VERSIONINFO with the fixed block and one table of strings.
fn version_info(version: (u16, u16, u16, u16)) -> Vec<u8> {
    let (major, minor, build, revision) = version;
    let high = u32::from(major) << 16 | u32::from(minor);
    let low = u32::from(build) << 16 | u32::from(revision);
    let mut fixed = Bytes::default();
    fixed.u32(0xfeef_04bd).u32(0x0001_0000).u32(high).u32(low).u32(high).u32(low);
    fixed.u32(0x3f).u32(0).u32(0x0004_0004).u32(1).u32(0).u32(0).u32(0); // flags, NT on Windows32, an application
    let text = format!("{major}.{minor}.{build}.{revision}");
    let strings = [
        ("CompanyName", "Sendgate laboratory"),
        ("FileDescription", "Simulated information store"),
        ("FileVersion", &text),
        ("OriginalFilename", "store.exe"),
        ("ProductVersion", &text),
    ];
    let strings: Vec<Vec<u8>> = strings.iter().map(|(key, value)| string(key, value)).collect();
    let table = block("040904b0", 1, 0, &[], &strings);
    let translation = block("Translation", 0, 4, &[0x09, 0x04, 0xb0, 0x04], &[]);
    let children = [block("StringFileInfo", 1, 0, &[], &[table]), block("VarFileInfo", 1, 0, &[], &[translation])];
    block("VS_VERSION_INFO", 0, fixed.0.len() as u16, &fixed.0, &children)
}

fn string(key: &str, value: &str) -> Vec<u8> {
    let value = utf16(value);
    // The length of a text value counts characters, not bytes.
    block(key, 1, (value.len() / 2) as u16, &value, &[])
}

/// One block of a version resource: length, value length, kind (1 text, 0 binary), key, value, children, each aligned.
fn block(key: &str, kind: u16, value_len: u16, value: &[u8], children: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Bytes::default();
    out.u16(0).u16(value_len).u16(kind).raw(&utf16(key));
    pad(&mut out.0, 4);
    out.raw(value);
    for child in children {
        pad(&mut out.0, 4);
        out.raw(child);
    }
    let len = out.0.len() as u16;
    out.0[..2].copy_from_slice(&len.to_le_bytes());
    out.0
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

fn aligned(len: usize) -> u32 {
    len.next_multiple_of(FILE_ALIGNMENT) as u32
}

fn pad(bytes: &mut Vec<u8>, alignment: usize) {
    bytes.resize(bytes.len().next_multiple_of(alignment), 0);
}

/// Little-endian bytes in the making.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend(bytes);
        self
    }
    fn zero(&mut self, count: usize) -> &mut Self {
        self.raw(&vec![0; count])
    }
    fn u16(&mut self, value: u16) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }
    fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }
    fn u64(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::{Bits, FILE_ALIGNMENT, image};

    fn u16_at(image: &[u8], at: usize) -> u16 {
        u16::from_le_bytes([image[at], image[at + 1]])
    }

    #[test]
    fn the_fixed_block_says_the_version_in_both_widths() {
        for (bits, magic) in [(Bits::B32, 0x010b), (Bits::B64, 0x020b)] {
            let image = image((6, 5, 7638, 1), bits);
            assert_eq!(u16_at(&image, 0x40 + 24), magic, "{bits:?}: magic of the optional header");
            assert_eq!(image.len() % FILE_ALIGNMENT, 0, "{bits:?}: sections end on the file alignment");
            let at = image.windows(4).position(|four| four == [0xbd, 0x04, 0xef, 0xfe]).expect("a fixed block");
            let parts: Vec<u16> = [10, 8, 14, 12].iter().map(|offset| u16_at(&image, at + offset)).collect();
            assert_eq!(parts, [6, 5, 7638, 1], "{bits:?}");
            assert_eq!(at % 4, 0, "{bits:?}: the block is aligned");
        }
    }
}
