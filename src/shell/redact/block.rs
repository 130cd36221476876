//! Secrets of several lines: private keys, Kubernetes secrets, tables with a column of passwords, tokens alone on a line.

use std::ops::Range;

use super::literal;
use super::names::{self, Sureness};
use super::shape::is_in;
use super::value;
use super::words::{Words, words};
use super::work::Work;

/// How long a block may be, in bytes.
const LONGEST: usize = 64 << 10;

/// The body of the key whose `-----BEGIN` stands at `at`: up to its end mark, or to the end of what looks like it.
pub(super) fn private_key(text: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = &text[at..text.len().min(at + LONGEST)];
    let head = &rest[..rest.len().min(120)];
    let label = head.get(10..)?;
    let close = memchr::memmem::find(label, b"----")?;
    let dashes = label[close..].iter().take_while(|byte| **byte == b'-');
    let dashes = dashes.count();
    let label = &label[..close];
    let is_key = value::contains(label, b"PRIVATE KEY")
        || value::contains(label, b"Static key")
        || value::contains(label, b"ENCRYPTED");
    if !is_key
        || !label
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b" -".contains(byte))
    {
        return None;
    }
    let body = 10 + close + dashes;
    let inner = &rest[body..];
    let inner = &inner[..memchr::memmem::find(inner, b"----").unwrap_or(inner.len())];
    let is_body = |byte: &&u8| {
        byte.is_ascii_alphanumeric()
            || byte.is_ascii_whitespace()
            || b"+/=\\:,.;()\"'-_#*|<>".contains(byte)
    };
    let inner = &inner[..inner.iter().take_while(is_body).count()];
    // What a program compares with has no body; a key has a row of base64.
    let longest = inner
        .split(|byte| !is_in(*byte, b'b'))
        .map(<[u8]>::len)
        .max()
        .unwrap_or(0);
    if longest < 16 {
        return None;
    }
    let lead = inner.len() - inner.trim_ascii_start().len();
    Some(at + body + lead..at + body + lead + inner.trim_ascii().len())
}

/// The values of a Kubernetes secret whose `kind: Secret` stands at `at`: all below `data` and `stringData` of the same
/// document, from where the last one was read to. Returns where that ends.
pub(super) fn kubernetes(
    text: &[u8],
    at: usize,
    read_to: usize,
    work: &Work,
    found: &mut Vec<(Range<usize>, &'static str)>,
) -> usize {
    let last = text.len().min(at + LONGEST);
    let first = at.saturating_sub(LONGEST).max(read_to);
    let from =
        memchr::memmem::rfind(&text[first..at], b"\n---").map_or(first, |line| first + line + 4);
    let to = memchr::memmem::find(&text[at..last], b"\n---").map_or(last, |line| at + line);
    work.spend(16 * (to - from));
    let mut within: Option<usize> = None;
    let mut start = from;
    for line in text[from..to].split_inclusive(|byte| *byte == b'\n') {
        let place = start;
        start += line.len();
        let body = line.trim_ascii();
        let indent = line.len() - line.trim_ascii_start().len();
        if body.is_empty() || body.starts_with(b"#") {
            continue;
        }
        if within.is_some_and(|outer| indent <= outer) {
            within = None;
        }
        if let Some(outer) = within {
            let value = match body.iter().position(|byte| *byte == b':') {
                Some(colon) if indent > outer => &body[colon + 1..],
                _ => body,
            };
            let value = value.trim_ascii().trim_ascii_start();
            let value = value
                .strip_prefix(b"\"")
                .and_then(|rest| rest.strip_suffix(b"\""))
                .or_else(|| {
                    value
                        .strip_prefix(b"'")
                        .and_then(|rest| rest.strip_suffix(b"'"))
                })
                .unwrap_or(value);
            let scalar = value.len() >= 3 && !value.starts_with(b"|") && !value.starts_with(b">");
            if scalar
                && !value.starts_with(b"[redacted: ")
                && !value::contains(value, b"{{")
                && !value::is_placeholder(value)
            {
                let offset = value.as_ptr() as usize - line.as_ptr() as usize;
                found.push((place + offset..place + offset + value.len(), "secret"));
            }
        } else if body == b"data:" || body == b"stringData:" {
            within = Some(indent);
        }
    }
    to
}

/// The values of Kubernetes secrets in JSON: the strings of each `data` and `stringData` around. Returns to where it has
/// read.
pub(super) fn kubernetes_json(
    text: &[u8],
    at: usize,
    read_to: usize,
    work: &Work,
    found: &mut Vec<(Range<usize>, &'static str)>,
) -> usize {
    let from = at.saturating_sub(LONGEST).max(read_to);
    let last = text.len().min(at + LONGEST);
    let piece = &text[from..last];
    work.spend(12 * piece.len());
    for data in [&b"\"data\""[..], b"\"stringData\""] {
        let mut read_to = 0;
        for place in memchr::memmem::find_iter(piece, data) {
            let behind = &piece[place + data.len()..];
            let open = behind
                .iter()
                .take(80)
                .position(|byte| !b" \t\r\n:".contains(byte))
                .unwrap_or(0);
            if place < read_to || behind.get(open) != Some(&b'{') {
                continue;
            }
            let close = memchr::memchr(b'}', behind).unwrap_or(behind.len());
            read_to = place + data.len() + close;
            let mut next = from + place + data.len() + open;
            let mut is_value = false;
            while let Some(quote) = text
                .get(next..from + read_to)
                .and_then(|rest| memchr::memchr(b'"', rest))
            {
                let Some(literal) = literal::at(text, next + quote) else {
                    break;
                };
                next = literal.end;
                let inner = &text[literal.inner.clone()];
                if is_value
                    && inner.len() >= 3
                    && !value::is_placeholder(inner)
                    && !inner.starts_with(b"[redacted: ")
                {
                    found.push((literal.inner, "secret"));
                }
                is_value = !is_value;
            }
        }
    }
    last
}

/// The values that `INSERT INTO … (…, password) VALUES (…)` gives to columns that a name marks as secret. Returns to where
/// it has read.
pub(super) fn insert(
    text: &[u8],
    at: usize,
    work: &Work,
    found: &mut Vec<(Range<usize>, &'static str)>,
) -> usize {
    let piece = &text[at..text.len().min(at + INSERT)];
    let Some(open) = memchr::memchr(b'(', &piece[..piece.len().min(200)]) else {
        return at + 1;
    };
    let Some(close) = memchr::memchr(b')', &piece[..piece.len().min(2048)]) else {
        return at + 1;
    };
    if close < open {
        return at + 1;
    }
    let clean = |cell: &[u8]| -> Vec<u8> {
        cell.iter()
            .copied()
            .filter(|byte| !b"\"'`[] \t\r\n".contains(byte))
            .collect()
    };
    let columns: Vec<Option<Sureness>> = piece[open + 1..close]
        .split(|byte| *byte == b',')
        .map(|cell| names::sureness(&clean(cell)))
        .collect();
    if columns.iter().all(Option::is_none) {
        return at + 1;
    }
    let mut column = 0;
    let mut place = close + 1;
    while let Some(&byte) = piece.get(place) {
        match byte {
            b';' => break,
            b'(' => (column, place) = (0, place + 1),
            b',' => (column, place) = (column + 1, place + 1),
            b'\'' => {
                let Some(literal) = literal::at(piece, place) else {
                    break;
                };
                let inner = &piece[literal.inner.clone()];
                let fits = match columns.get(column).copied().flatten() {
                    Some(Sureness::Password) => inner.len() >= 4,
                    Some(_) => value::is_random(inner),
                    None => false,
                };
                if fits && !value::is_placeholder(inner) && !inner.starts_with(b"[redacted: ") {
                    found.push((at + literal.inner.start..at + literal.inner.end, "password"));
                }
                place = literal.end;
            }
            _ => place += 1,
        }
    }
    work.spend(4 * place);
    at + place
}

/// The cells below a heading such as `password`, in comma-separated and Markdown tables. Returns where the table, or the
/// line that heads none, ends.
pub(super) fn table(
    text: &[u8],
    at: usize,
    work: &Work,
    found: &mut Vec<(Range<usize>, &'static str)>,
) -> usize {
    let line_start = memchr::memrchr(b'\n', &text[..at]).map_or(0, |line| line + 1);
    let line_end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |line| at + line);
    if line_end - line_start > 2048 || line_end == text.len() {
        return line_end;
    }
    let heading = &text[line_start..line_end];
    work.spend(3 * heading.len());
    let Some(&sign) = b"|,\t;".iter().find(|sign| heading.contains(sign)) else {
        return line_end;
    };
    let clean = |cell: &[u8]| -> Vec<u8> {
        cell.iter()
            .copied()
            .filter(|byte| !b"\"' `*\r".contains(byte))
            .collect()
    };
    let cells: Vec<Vec<u8>> = heading.split(|byte| *byte == sign).map(clean).collect();
    // A Markdown table has a sign at both ends.
    let named = match sign {
        b'|' => cells.iter().filter(|cell| !cell.is_empty()).count() > 1,
        _ => cells.iter().all(|cell| !cell.is_empty()),
    };
    let is_name = |cell: &Vec<u8>| {
        cell.iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte))
    };
    let is_sentence = heading
        .split(|byte| *byte == sign)
        .any(|cell| memchr::memchr_iter(b' ', cell.trim_ascii()).count() > 3);
    if !named || is_sentence || !cells.iter().all(is_name) || cells.len() < 2 {
        return line_end;
    }
    let columns: Vec<(usize, Sureness)> = cells
        .iter()
        .enumerate()
        .filter_map(|(column, cell)| Some((column, names::sureness(cell)?)))
        .collect();
    if columns.is_empty() {
        return line_end;
    }
    let mut start = line_end + 1;
    for line in text[start.min(text.len())..]
        .split_inclusive(|byte| *byte == b'\n')
        .take(2000)
    {
        let place = start;
        start += line.len();
        work.spend(40 + 10 * line.len());
        if work.is_over(place) || line.split(|byte| *byte == sign).count() != cells.len() {
            return place;
        }
        let mut cell_start = place;
        for (column, cell) in line.split(|byte| *byte == sign).enumerate() {
            let from = cell_start;
            cell_start += cell.len() + 1;
            let Some((_, sureness)) = columns.iter().find(|(of, _)| *of == column) else {
                continue;
            };
            let lead = cell
                .iter()
                .take_while(|byte| b" \"'`".contains(byte))
                .count();
            let tail = cell
                .iter()
                .rev()
                .take_while(|byte| b" \"'`\r\n".contains(byte))
                .count();
            let inner = &cell[lead..cell.len().max(lead + tail) - tail];
            let proven = match sureness {
                Sureness::Password if sign == b'|' => {
                    value::is_mixed(inner) || value::is_random(inner)
                }
                Sureness::Password => inner.len() >= 4,
                _ => value::is_random(inner),
            };
            if proven
                && !value::is_placeholder(inner)
                && !inner.iter().all(|byte| b"-:= ".contains(byte))
                && !inner.starts_with(b"[redacted: ")
            {
                found.push((from + lead..from + lead + inner.len(), "password"));
            }
        }
    }
    start
}

/// How far the values of an `INSERT` are read, in bytes.
pub(super) const INSERT: usize = 16 << 10;

/// What a token or a row of base64 is made of.
static IN_RUN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        let sign = byte as u8;
        table[byte] = sign.is_ascii_alphanumeric() || matches!(sign, b'+' | b'/' | b'_' | b'-');
        byte += 1;
    }
    table
};

/// How long a run is that may be a token, in bytes.
const SHORTEST: usize = 14;

/// Tokens that nothing names: a short prefix, an underscore and a long row that looks drawn; base64 alone on a line.
pub(super) fn lone(
    text: &[u8],
    piece: Range<usize>,
    found: &mut Vec<(Range<usize>, &'static str)>,
) {
    let is_run = |at: usize| IN_RUN[usize::from(text[at])];
    let mut at = piece.start;
    // The rest of a run is no token.
    while at > 0 && at < piece.end && is_run(at - 1) {
        at += 1;
    }
    while at + SHORTEST <= piece.end {
        // A run that is long enough to count covers each byte up to here; of most places one look shows that none does.
        let covered = (at..at + SHORTEST).rev().find(|&at| !is_run(at));
        if let Some(outside) = covered {
            at = outside + 1;
            continue;
        }
        let rest = &text[at..];
        let length = rest
            .iter()
            .take_while(|byte| IN_RUN[usize::from(**byte)])
            .count();
        // Signs of equality belong to a run at its end only.
        let filled = rest[length..]
            .iter()
            .take(2)
            .take_while(|byte| **byte == b'=')
            .count();
        let length = length + filled;
        let run = &rest[..length];
        if let Some(place) = pair(text, at, run) {
            found.push((place, "secret"));
        }
        if let Some(place) = discord(text, at, run) {
            found.push((at + place.start..at + place.end, "Discord token"));
        }
        if (24..=300).contains(&length)
            && !is_checksum(text, at)
            && let Some(place) = prefixed(run)
                .or_else(|| alone(text, at, run))
                .or_else(|| storage_key(run))
        {
            found.push((at + place.start..at + place.end, "secret"));
        } else if length <= 300
            && !is_checksum(text, at)
            && let Some(place) = whole(text, at, length)
        {
            found.push((place, "secret"));
        }
        at += length;
    }
}

/// Whether what stands before says that this is a checksum: `sha256=`, `sha512-`, `h1:`.
fn is_checksum(text: &[u8], at: usize) -> bool {
    let before = text[at.saturating_sub(7)..at].to_ascii_lowercase();
    [
        &b"sha1="[..],
        b"sha256=",
        b"sha384=",
        b"sha512=",
        b"sha256:",
        b"sha512:",
        b"h1:",
        b"base64,",
    ]
    .iter()
    .any(|name| before.ends_with(name))
}

/// What vendors put into the prefix of a key.
static KEY_PREFIXES: Words = words!(
    "sk pk rk pat api apikey key token live prod production sandbox secret priv private access auth oauth svc"
);

/// `acme_live_…`: a prefix of letters, and behind its last underscore or dash at least 20 letters and digits, or behind
/// a prefix that says what it is any drawn row.
fn prefixed(run: &[u8]) -> Option<Range<usize>> {
    let tail = run
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    let (head, drawn) = run.split_at(run.len() - tail);
    let begins = head.first().is_some_and(u8::is_ascii_alphabetic);
    let separated = head.last().is_some_and(|byte| b"_-".contains(byte));
    let plain = head.len() <= 24
        && head
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(byte));
    let digits = drawn.iter().filter(|byte| byte.is_ascii_digit()).count();
    let upper = drawn
        .iter()
        .filter(|byte| byte.is_ascii_uppercase())
        .count();
    let lower = drawn
        .iter()
        .filter(|byte| byte.is_ascii_lowercase())
        .count();
    let mixed = tail >= 20 && digits >= 1 && upper >= 4 && lower >= 4;
    let says = || {
        let words = head.split(|byte| b"_-".contains(byte));
        tail >= 24
            && digits >= 4
            && upper + lower >= 4
            && words
                .filter_map(|word| std::str::from_utf8(word).ok())
                .any(|word| KEY_PREFIXES.has(word))
    };
    (begins && separated && plain && (mixed || says()) && value::is_random(drawn))
        .then_some(0..run.len())
}

/// Words before a drawn row that say what it is: a checksum, or what a build or a protocol writes.
static NO_KEYS: Words = words!(
    "sha sha1 sha224 sha256 sha384 sha512 md5 crc32 blake2b blake3 integrity etag rev commit hash digest checksum \
    fingerprint thumbprint websocket version xn punycode encoded"
);

/// How files of other formats begin in base64: images, archives, fonts, certificates.
const FILES: [&[u8]; 12] = [
    b"iVBORw0KGgo",
    b"R0lGOD",
    b"/9j/",
    b"UEsDB",
    b"H4sI",
    b"JVBERi",
    b"d09G",
    b"AAEAAA",
    b"AAAB",
    b"PHN2",
    b"PD94",
    b"MI",
];

/// A literal, or the value of a line that sets a variable, that is one token: a drawn row of letters in both cases and
/// digits, or a short prefix with a drawn row of 30 letters and digits. `at` is a run within it.
fn whole(text: &[u8], at: usize, length: usize) -> Option<Range<usize>> {
    let digits = text[at..at + length]
        .iter()
        .filter(|byte| byte.is_ascii_digit());
    if digits.count() < 2 {
        return None;
    }
    let is_part = |byte: &&u8| IN_RUN[usize::from(**byte)] || b".~=".contains(byte);
    let before = text[at.saturating_sub(32)..at].iter().rev();
    let lead = before
        .take_while(|byte| is_part(byte) && **byte != b'=')
        .count();
    let start = at - lead;
    let open = *text[..start].last()?;
    let behind = text[at + length..].iter().take(300);
    let end = at + length + behind.take_while(is_part).count();
    let close = text.get(end).copied().unwrap_or(b'\n');
    let is_setting = || {
        let name = text[..start - 1].iter().rev().take(48);
        let name = name.take_while(|byte| is_in(**byte, b'U') || **byte == b'_');
        let named = name.count();
        named >= 3 && b"\r\n".contains(&close)
    };
    let is_literal = b"\"'`".contains(&open) && close == open;
    if !(is_literal || open == b'=' && is_setting()) {
        return None;
    }
    let token = &text[start..end];
    let mut drawn = 0..0;
    let mut part = 0;
    for (place, byte) in token.iter().chain(b".").enumerate() {
        if !byte.is_ascii_alphanumeric() {
            if place - part > drawn.len() {
                drawn = part..place;
            }
            part = place + 1;
        }
    }
    let (head, drawn) = (&token[..drawn.start], &token[drawn]);
    let count = |is: fn(&u8) -> bool| drawn.iter().filter(|byte| is(byte)).count();
    let digits = count(u8::is_ascii_digit);
    let (upper, lower) = (count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase));
    let mixed = drawn.len() >= 20 && digits >= 2 && upper >= 4 && lower >= 4;
    let separated = head.first().is_some_and(u8::is_ascii_alphabetic) && head.len() <= 16;
    let prefixed = separated && drawn.len() >= 30 && digits >= 4 && upper + lower >= 6;
    let drawn_alone = (mixed || prefixed)
        && head.len() <= 32
        && !token.contains(&b'/')
        && value::is_random(drawn)
        && !is_identifier(drawn);
    if !drawn_alone || is_data(text, start - 1..end + 1) {
        return None;
    }
    let line = &text[start.saturating_sub(64)..start - 1];
    let line = line.rsplit(|byte| *byte == b'\n').next();
    let mut words = [head, line.unwrap_or_default()]
        .into_iter()
        .flat_map(names::words_in);
    let says_other = words.any(|word| NO_KEYS.has(&word));
    (!says_other).then_some(start..end)
}

/// Whether a literal with its quotes is data of another kind: a piece of a longer one, a file, a text, or a digest in base64.
fn is_data(text: &[u8], literal: Range<usize>) -> bool {
    let before = text[literal.start.saturating_sub(64)..literal.start].trim_ascii_end();
    let behind = &text[literal.end.min(text.len())..text.len().min(literal.end + 64)];
    let behind = behind.trim_ascii_start();
    let token = &text[literal.start + 1..literal.end - 1];
    let padding = token.iter().rev().take_while(|byte| **byte == b'=').count();
    before.ends_with(b"+")
        || behind.starts_with(b"+")
        || FILES.iter().any(|file| token.starts_with(file))
        || matches!((token.len(), padding), (24, 2) | (28, 1))
        || is_encoded_text(token)
}

/// Whether a row of base64 stands for plain text.
fn is_encoded_text(token: &[u8]) -> bool {
    let mut bits = 0_u32;
    let digits = token.iter().map_while(|byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    });
    digits.enumerate().all(|(place, digit)| {
        bits = (bits << 6 | u32::from(digit)) & 0xff_ffff;
        let [_, bytes @ ..] = bits.to_be_bytes();
        place % 4 < 3
            || bytes
                .iter()
                .all(|byte| byte.is_ascii_graphic() || b" \r\n\t".contains(byte))
    })
}

/// Whether it reads like words in camel case with a number among them.
fn is_identifier(drawn: &[u8]) -> bool {
    let same = |pair: &&[u8]| {
        pair.iter().all(u8::is_ascii_lowercase) || pair.iter().all(u8::is_ascii_uppercase)
    };
    let numbers = drawn.split(|byte| !byte.is_ascii_digit());
    let numbers = numbers.filter(|number| !number.is_empty()).count();
    numbers <= 2 && drawn.windows(2).filter(same).count() * 2 > drawn.len() - 1
}

/// `id:key` without a name: digits and a bar, or hexadecimal and a colon, before a drawn row.
fn pair(text: &[u8], at: usize, run: &[u8]) -> Option<Range<usize>> {
    let sign = *text.get(at + run.len())?;
    let fits = match sign {
        b'|' => (14..=17).contains(&run.len()) && run.iter().all(u8::is_ascii_digit),
        b':' => {
            (24..=36).contains(&run.len())
                && run.iter().all(|&byte| is_in(byte, b'h') || byte == b'-')
        }
        _ => false,
    };
    let start = at + run.len() + 1;
    let key = || {
        text[start..]
            .iter()
            .take(128)
            .take_while(|byte| IN_RUN[usize::from(**byte)])
    };
    let hex = || key().all(|&byte| is_in(byte, b'h'));
    let length = if fits { key().count() } else { 0 };
    let proven = match sign {
        b'|' => (26..=44).contains(&length) && value::is_random(&text[start..start + length]),
        _ => (length == 32 || length == 64) && hex(),
    };
    proven.then_some(start..start + length)
}

/// 64 bytes in base64, as Azure's storage keys are.
fn storage_key(run: &[u8]) -> Option<Range<usize>> {
    let digits = run.iter().filter(|byte| byte.is_ascii_digit()).count();
    let fits = run.len() == 88
        && run.ends_with(b"==")
        && digits >= 3
        && !run.contains(&b'-')
        && value::is_random(run);
    fits.then_some(0..run.len())
}

/// Discord's tokens: three parts with dots between them, of which the run ends the first one.
fn discord(text: &[u8], at: usize, run: &[u8]) -> Option<Range<usize>> {
    if !(23..=28).contains(&run.len())
        || !b"MNO".contains(&run[0])
        || text.get(at + run.len()) != Some(&b'.')
    {
        return None;
    }
    let is_part = |byte: &&u8| is_in(**byte, b'W');
    let second = &text[at + run.len() + 1..];
    let length = second.iter().take(12).take_while(is_part).count();
    let third = second.get(length + 1..)?;
    let last = third.iter().take(60).take_while(is_part).count();
    let fits = (5..=7).contains(&length) && second[length] == b'.' && (25..=50).contains(&last);
    (fits && value::is_random(run)).then_some(0..run.len() + 2 + length + last)
}

/// A row of 40 to 120 characters of base64 alone on its line, where the lines around it are none.
fn alone(text: &[u8], at: usize, run: &[u8]) -> Option<Range<usize>> {
    let begins = at == 0 || text[at - 1] == b'\n';
    let end = at + run.len();
    let ends = text.get(end).is_none_or(|byte| b"\r\n".contains(byte));
    if !begins || !ends || !(40..=120).contains(&run.len()) {
        return None;
    }
    let upper = run.iter().any(u8::is_ascii_uppercase);
    let lower = run.iter().any(u8::is_ascii_lowercase);
    let digits = run.iter().filter(|byte| byte.is_ascii_digit()).count();
    if !upper || !lower || digits < 3 || !value::is_random(run) {
        return None;
    }
    let like =
        |line: &[u8]| line.len() >= 20 && line.trim_ascii().iter().all(|byte| is_in(*byte, b'b'));
    let before = text[..at.saturating_sub(1)]
        .rsplit(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let after = text[end..]
        .splitn(3, |byte| *byte == b'\n')
        .nth(1)
        .unwrap_or_default();
    let last_word = before
        .trim_ascii_end()
        .trim_ascii_end()
        .rsplit(|byte| *byte == b' ')
        .next()
        .unwrap_or_default();
    let continues = before.ends_with(b"\\") || like(last_word);
    (!continues && !like(before) && !like(after) && !before.starts_with(b"-----"))
        .then_some(0..run.len())
}
