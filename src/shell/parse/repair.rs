//! Texts in which what a grammar does not know is blanked or replaced, without moving a byte.
//!
//! A repair runs only where the plain text has errors, and its tree is used only if that has fewer. A repair may be wrong
//! about a file; it is never worse than the errors.

pub(super) fn javascript(_: &[u8]) -> Option<Vec<u8>> {
    None
}
pub(super) fn typescript(_: &[u8]) -> Option<Vec<u8>> {
    None
}
pub(super) fn flow(_: &[u8]) -> Option<Vec<u8>> {
    None
}
pub(super) fn java(_: &[u8]) -> Option<Vec<u8>> {
    None
}
pub(super) fn cpp(_: &[u8]) -> Option<Vec<u8>> {
    None
}
pub(super) fn c(_: &[u8]) -> Option<Vec<u8>> {
    None
}
