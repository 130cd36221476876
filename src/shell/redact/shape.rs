//! The notation of token formats: literal text and runs of a character class.
//!
//! `ghp_{36:w}` is the text `ghp_`, then 36 or more letters and digits. The longest literal is the trigger that a scan
//! looks for (the first one, if it has three different bytes); the pieces on both sides are matched outwards, each as long as it can be.

use std::ops::Range;

use super::value;
use super::work::Work;

/// How long a run may be, in bytes: a bound on the work at one trigger.
const LONGEST_RUN: usize = 4096;

#[derive(Debug)]
enum Piece {
    Literal(Vec<u8>),
    /// At least this many characters of the class.
    Run(usize, u8),
}

/// One token format.
#[derive(Debug)]
pub(super) struct Shape {
    before: Vec<Piece>,
    /// The literal that a scan looks for.
    pub trigger: Vec<u8>,
    after: Vec<Piece>,
    /// Whether the drawn part must look random, because the literal alone proves too little.
    random: bool,
}

impl Shape {
    /// Reads the notation. Text that is not `{count:class}` stands for itself.
    pub fn parse(text: &str) -> Self {
        let (random, mut rest) = match text.strip_prefix('?') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut pieces = Vec::new();
        let mut literal = Vec::new();
        while let Some(first) = rest.chars().next() {
            let run = rest.strip_prefix('{').and_then(|rest| {
                let (inner, behind) = rest.split_once('}')?;
                let (count, class) = inner.split_once(':')?;
                Some((count.parse().ok()?, *class.as_bytes().first()?, behind))
            });
            if let Some((count, class, behind)) = run {
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                }
                pieces.push(Piece::Run(count, class));
                rest = behind;
            } else {
                literal.extend(first.to_string().bytes());
                rest = &rest[first.len_utf8()..];
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        let length = |piece: &Piece| match piece {
            Piece::Literal(text) => text.len(),
            Piece::Run(..) => 0,
        };
        let longest = pieces.iter().map(length).max().unwrap_or(0);
        // A run of one letter is in too many texts.
        let first = pieces.first().is_some_and(|piece| match piece {
            Piece::Literal(text) => text.len() >= 3 && !text.iter().all(|byte| *byte == text[0]),
            Piece::Run(..) => false,
        });
        let at = pieces
            .iter()
            .position(|piece| first || length(piece) == longest);
        let mut before = pieces;
        let mut after = before.split_off(at.unwrap_or(0));
        let trigger = match after.remove(0) {
            Piece::Literal(text) => text,
            Piece::Run(..) => Vec::new(),
        };
        Self {
            before,
            trigger,
            after,
            random,
        }
    }

    /// Matches around a trigger that begins at `at`. Until `read_to` no trigger of this format can match anything else.
    pub fn matched(
        &self,
        text: &[u8],
        at: usize,
        read_to: &mut usize,
        work: &Work,
    ) -> Option<Range<usize>> {
        work.spend(8);
        if !text.get(at..)?.starts_with(&self.trigger) {
            return None;
        }
        let mut start = at;
        for piece in self.before.iter().rev() {
            start -= match piece {
                Piece::Literal(literal) => {
                    text[..start].ends_with(literal).then_some(literal.len())
                }
                Piece::Run(least, class) => {
                    let run = text[start.saturating_sub(LONGEST_RUN)..start].iter().rev();
                    let count = run.take_while(|&&byte| is_in(byte, *class)).count();
                    work.spend(2 * count);
                    (count >= *least).then_some(count)
                }
            }?;
        }
        if matches!(self.before.first(), None | Some(Piece::Literal(_)))
            && !begins_word(text, start)
        {
            return None;
        }
        let mut end = at + self.trigger.len();
        let drawn = end;
        for piece in &self.after {
            end += match piece {
                Piece::Literal(literal) => {
                    text[end..].starts_with(literal).then_some(literal.len())
                }
                Piece::Run(least, class) => {
                    let run = text[end..].iter().take(LONGEST_RUN);
                    let count = run.take_while(|&&byte| is_in(byte, *class)).count();
                    work.spend(2 * count);
                    // The same run ends behind a trigger within it.
                    if end == drawn {
                        *read_to = end + count;
                    }
                    (count >= *least).then_some(count)
                }
            }?;
        }
        *read_to = end;
        // A dot or a dash at the end belongs to the sentence.
        while end > drawn && matches!(text[end - 1], b'.' | b'-') {
            end -= 1;
        }
        let body = &text[drawn..end];
        let proven = match self.random {
            true => value::is_random(body),
            // A stand-in is a run of one sign behind the prefix, such as `ghp_xxxx`.
            false if self.before.is_empty() && !body.is_empty() => !value::is_example(body),
            false => !value::is_example(&text[start..end]),
        };
        proven.then_some(start..end)
    }
}

/// Whether a word may begin at `at`: no letter or digit before it, unless that one belongs to an escape such as `\n`
/// or `%3D`.
fn begins_word(text: &[u8], at: usize) -> bool {
    match text[..at] {
        [.., b'\\', b'n' | b't' | b'r'] => true,
        [.., b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => true,
        [.., last] => !last.is_ascii_alphanumeric() || !text[at].is_ascii_alphanumeric(),
        [] => true,
    }
}

/// Whether a byte belongs to a class of the notation.
pub(super) fn is_in(byte: u8, class: u8) -> bool {
    let other: &[u8] = match class {
        b'W' => b"-_",
        b'b' => b"+/=",
        b'c' => b"./",
        b'e' => b"+/=_",
        b'k' => b"+/",
        b'p' => b"%+/=_-",
        b'P' => b"/_-+",
        b'Q' => b"/_-@",
        b'S' => b"$=,+/.:",
        b'x' => b"-_.=",
        b'y' => b"_~.-",
        b'z' => b"-_.=",
        _ => b"",
    };
    match class {
        b'a' => byte.is_ascii_lowercase(),
        b'A' => byte.is_ascii_uppercase(),
        b'd' => byte.is_ascii_digit(),
        b'h' | b'H' => byte.is_ascii_hexdigit(),
        b'l' => byte.is_ascii_lowercase() || byte.is_ascii_digit(),
        b'U' | b'B' => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
        _ => byte.is_ascii_alphanumeric() || other.contains(&byte),
    }
}

#[cfg(test)]
impl Shape {
    /// A token of this format, each run as short as it may be.
    pub fn sample(&self, rng: &mut fastrand::Rng) -> String {
        let mut text = Vec::new();
        let pieces = |pieces: &[Piece], text: &mut Vec<u8>, rng: &mut fastrand::Rng| {
            for piece in pieces {
                match piece {
                    Piece::Literal(literal) => text.extend(literal),
                    Piece::Run(count, class) => {
                        // Letters and digits belong to every class that has them; others would end a word early.
                        let fits: Vec<u8> = (b'0'..=b'z')
                            .filter(|&byte| byte.is_ascii_alphanumeric() && is_in(byte, *class))
                            .collect();
                        text.extend((0..*count).map(|_| fits[rng.usize(..fits.len())]));
                    }
                }
            }
        };
        pieces(&self.before, &mut text, rng);
        text.extend(&self.trigger);
        pieces(&self.after, &mut text, rng);
        String::from_utf8_lossy(&text).into_owned()
    }
}
