//! Texts in which what a grammar does not know is blanked or replaced, without moving a byte.
//!
//! A repair runs only where the plain text has errors, and its tree is used only if that has fewer. A repair may
//! misread a file; the result is never worse than the errors.

mod c;
mod script;

pub(super) use c::{attributes, c, c_heads, cpp, cpp_heads, dialect};
pub(super) use script::{component, flow, java, javascript, rust, typescript};

/// Replaces a text by blanks; its line ends stay.
pub(super) fn blank(text: &mut [u8]) {
    for byte in text
        .iter_mut()
        .filter(|byte| !matches!(byte, b'\n' | b'\r'))
    {
        *byte = b' ';
    }
}
