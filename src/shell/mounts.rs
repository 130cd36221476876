//! Lists the mounts in a tree. No event reports a mount over a folder, nor an unmount while the file system is in use
//! elsewhere, so callers compare this list over time.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The kernel's lines about mounts at `root` and below it, in order. Empty if there are none, or on a system without
/// such a list.
pub fn at_or_below(root: &Path) -> Vec<Vec<u8>> {
    // See proc(5): the mount point is the fifth field.
    const MOUNT_POINT: usize = 4;
    let list = fs::read("/proc/self/mountinfo").unwrap_or_default();
    let lines = list.split(|&byte| byte == b'\n');
    let within = lines.filter(|line| {
        let mut fields = line.split(|&byte| byte == b' ');
        fields.nth(MOUNT_POINT).is_some_and(|field| {
            let place = unescaped(field);
            Path::new(std::ffi::OsStr::from_bytes(&place)).starts_with(root)
        })
    });
    within.map(<[u8]>::to_vec).collect()
}

/// Decodes a field: a space and similar characters are written as a backslash and three octal digits.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        let digits = after.first_chunk::<3>();
        match digits.filter(|digits| digits.iter().all(|digit| (b'0'..=b'7').contains(digit))) {
            Some([high, middle, low]) if first == b'\\' => {
                let digit = |byte: &u8| byte & 7;
                bytes.push((digit(high) << 6) | (digit(middle) << 3) | digit(low));
                rest = &after[3..];
            }
            _ => bytes.push(first),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_fields_are_decoded() {
        assert_eq!(unescaped(br"/a\040b\134c"), br"/a b\c");
        assert_eq!(unescaped(br"/a\0x\"), br"/a\0x\");
        if cfg!(target_os = "linux") {
            assert!(!at_or_below(Path::new("/")).is_empty());
            assert!(at_or_below(Path::new("/no/such/folder")).is_empty());
        }
    }
}
