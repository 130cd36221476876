//! Literals as most languages write them: quoted strings with prefixes and escapes, and lists of bytes.

use std::ops::Range;

/// How long a literal may be, in bytes.
const LONGEST: usize = 4096;

/// A quoted string.
#[derive(Clone, Debug)]
pub(super) struct Literal {
    /// What stands between the quotes.
    pub inner: Range<usize>,
    /// Where the text goes on behind it.
    pub end: usize,
    pub quote: u8,
    /// Whether braces in it are expressions: `f"…"`, `$"…"`.
    pub is_format: bool,
}

/// The string that begins at `at`, with its prefix (`b"`, `r'`, `@"`, `f"`, `N'`) and as many backslashes as an
/// enclosing string needs.
pub(super) fn at(text: &[u8], at: usize) -> Option<Literal> {
    let rest = text.get(at..)?;
    let prefix = rest
        .iter()
        .take(3)
        .take_while(|byte| b"rRbBfFuULN@$#".contains(byte))
        .count();
    let slashes = rest[prefix..]
        .iter()
        .take(8)
        .take_while(|byte| **byte == b'\\')
        .count();
    let quote = *rest.get(prefix + slashes)?;
    if !b"\"'`".contains(&quote) {
        return None;
    }
    let is_format =
        rest[..prefix].iter().any(|byte| b"fF$".contains(byte)) || (quote == b'`' && slashes == 0);
    let start = at + prefix + slashes + 1;
    let body = &text[start..text.len().min(start + LONGEST)];
    let triple = slashes == 0 && body.starts_with(&[quote, quote]) && quote != b'`';
    if triple {
        let close = memchr::memmem::find(&body[2..], &[quote, quote, quote])?;
        return Some(Literal {
            inner: start + 2..start + 2 + close,
            end: start + close + 5,
            quote,
            is_format,
        });
    }
    let mut place = 0;
    while let Some(&byte) = body.get(place) {
        let closing = body[place..]
            .iter()
            .take_while(|byte| **byte == b'\\')
            .count();
        if closing == slashes && body.get(place + closing) == Some(&quote) {
            return Some(Literal {
                inner: start..start + place,
                end: start + place + closing + 1,
                quote,
                is_format,
            });
        }
        match byte {
            b'\n' if quote != b'`' => return None,
            // An escape takes the next byte along; within an escaped string one level more does.
            b'\\' if closing > slashes => place += closing + 1,
            b'\\' => place += closing.max(1),
            _ => place += 1,
        }
    }
    None
}

/// What stands in a long bracket of Lua: `[[…]]`, `[==[…]==]`. A nested list has commas, quotes or brackets within.
pub(super) fn long(rest: &[u8]) -> Option<Range<usize>> {
    let level = rest.strip_prefix(b"[")?;
    let level = level.iter().take(8).take_while(|byte| **byte == b'=');
    let level = level.count();
    if rest.get(level + 1) != Some(&b'[') {
        return None;
    }
    let start = level + 2;
    let body = &rest[start..rest.len().min(start + LONGEST)];
    let length = memchr::memchr(b']', body)?;
    let close = &body[length + 1..];
    let closed = close.len() > level
        && close[..level].iter().all(|byte| *byte == b'=')
        && close[level] == b']';
    let plain = !body[..length].iter().any(|byte| b",\"'[".contains(byte));
    (closed && plain && length > 0).then_some(start..start + length)
}

/// A list of eight or more numbers, as keys are written in code: `{0x1f, 0x2e, …}`.
pub(super) fn numbers(rest: &[u8]) -> Option<Range<usize>> {
    let head = &rest[..rest.len().min(24)];
    let open = head.iter().position(|byte| b"{[(".contains(byte))?;
    if !head[..open]
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"&!_ []<>.".contains(byte))
    {
        return None;
    }
    let mut open = open;
    while let Some(b'{' | b'[' | b'(') = rest.get(open + 1) {
        open += 1;
    }
    let inner = &rest[open + 1..];
    let length = inner
        .iter()
        .take(LONGEST)
        .take_while(|byte| byte.is_ascii_hexdigit() || b"xX, \t\r\nuU_()byte".contains(byte))
        .count();
    let mut values = Vec::new();
    for item in inner[..length].split(|byte| *byte == b',') {
        let item = item.trim_ascii();
        let hex = item
            .strip_prefix(b"0x")
            .or_else(|| item.strip_prefix(b"0X"));
        let digits = String::from_utf8_lossy(hex.unwrap_or(item)).into_owned();
        let value = u32::from_str_radix(&digits, if hex.is_some() { 16 } else { 10 });
        values.extend(value.ok().filter(|value| *value < 256 || hex.is_some()));
    }
    // What is in order is a list of places.
    let count = if values.is_sorted() { 0 } else { values.len() };
    let inner = inner[..length].trim_ascii_end();
    (count >= 8 && inner.len() >= 16).then_some(open + 1..open + 1 + inner.len())
}

const SCHEMES: [&[u8]; 8] = [
    b"Bearer ", b"bearer ", b"Basic ", b"basic ", b"Token ", b"token ", b"ApiKey ", b"Digest ",
];

/// Whether a value begins with an authorization scheme, and how long that is.
pub(super) fn scheme(value: &[u8]) -> (bool, usize) {
    let found = SCHEMES.iter().find(|scheme| value.starts_with(scheme));
    found.map_or((false, 0), |scheme| (true, scheme.len()))
}

/// A value without its authorization scheme.
pub(super) fn without_scheme(value: &[u8]) -> (bool, &[u8]) {
    let (found, length) = scheme(value);
    (found, &value[length..])
}
