//! Takes the markup out of a line: roles, links, emphasis, tags. What is code stays between single backticks.

use super::words::is_invisible;

/// Markup that is longer than this, in characters, is none.
const MAX_SPAN: usize = 600;

/// A text without markup, control characters and line ends. Code stays between single backticks.
pub(super) fn plain(text: &str) -> String {
    if has_no_markup(text) {
        return text.to_owned();
    }
    let chars: Vec<char> = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !is_invisible(*c))
        .collect();
    let mut out = String::with_capacity(text.len());
    Inline {
        chars: &chars,
        out: &mut out,
    }
    .write(0);
    let out = out
        .replace("&amp;", "&")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&nbsp;", " ");
    let out = if out.matches('`').count() % 2 == 1 {
        out.replace('`', "")
    } else {
        out
    };
    let words: Vec<&str> = out.split_whitespace().collect();
    let out = words.join(" ").replace("( ", "(").replace(" )", ")");
    let out = out
        .replace(" . ", ". ")
        .replace(" , ", ", ")
        .replace("::.", ".");
    match out.strip_suffix("::") {
        Some(head) => format!("{head}:"),
        None => out,
    }
}

/// Whether a text is what [`plain`] makes of it. Most are: this costs a tenth of taking them apart.
fn has_no_markup(text: &str) -> bool {
    let mut before = b' ';
    for byte in text.bytes() {
        let is_itself = match byte {
            b' ' | b'.' | b',' => before != b' ',
            b'-' | b'\'' | b';' | b'?' => true,
            _ => byte.is_ascii_alphanumeric(),
        };
        if !is_itself {
            return false;
        }
        before = byte;
    }
    before != b' '
}

/// Takes markup inside a line apart.
struct Inline<'a> {
    chars: &'a [char],
    out: &'a mut String,
}

impl Inline<'_> {
    fn write(&mut self, depth: usize) {
        let mut at = 0;
        while at < self.chars.len() {
            at = self.step(at, depth).max(at + 1);
        }
    }

    fn step(&mut self, at: usize, depth: usize) -> usize {
        let rest = &self.chars[at..];
        let taken = match rest[0] {
            ':' => self.role(rest),
            '`' => self.code(rest, false),
            '!' if rest.get(1) == Some(&'[') => image(&rest[1..]).map(|taken| taken + 1),
            '[' if depth < 3 => self.link(rest, depth),
            '<' => self.reference(rest).or_else(|| tag(rest)),
            '{' => template_tag(rest),
            // A reference without its role: `~Table`.
            '~' if rest.get(1).is_some_and(|c| c.is_uppercase())
                && at
                    .checked_sub(1)
                    .is_none_or(|at| " (".contains(self.chars[at])) =>
            {
                Some(1)
            }
            '*' => self.emphasis(at, depth),
            '_' => self.underlined(at),
            '\\' => match rest.get(1) {
                Some(' ') => Some(2),
                Some(c) if c.is_ascii_punctuation() => {
                    self.out.push(*c);
                    Some(2)
                }
                _ => None,
            },
            _ => None,
        };
        match taken {
            Some(taken) => at + taken,
            None => {
                self.out.push(rest[0]);
                at + 1
            }
        }
    }

    /// `` :class:`~a.B` ``
    fn role(&mut self, rest: &[char]) -> Option<usize> {
        let name = rest[1..].iter().take(30).position(|c| *c == '`')?;
        let role = &rest[1..=name];
        let is_role = role.last() == Some(&':') && role.len() > 1;
        if !is_role
            || !role
                .iter()
                .all(|c| c.is_ascii_alphabetic() || ":+-".contains(*c))
        {
            return None;
        }
        Some(name + 1 + self.code(&rest[name + 1..], true)?)
    }

    /// `` `code` ``, ``` ``code`` ```, `` `text <target>`_ ``
    fn code(&mut self, rest: &[char], role: bool) -> Option<usize> {
        let ticks = rest.iter().take_while(|c| **c == '`').count();
        let close = (ticks..rest.len().min(ticks + MAX_SPAN)).find(|at| {
            let run = rest[*at..].iter().take_while(|c| **c == '`').count();
            run == ticks && rest[at - 1] != '`'
        })?;
        let content: String = rest[ticks..close].iter().collect();
        let content = content.trim();
        let mut taken = close + ticks;
        let underscores = rest[taken..].iter().take_while(|c| **c == '_').count();
        let reference = ticks == 1 && (1..=2).contains(&underscores);
        if reference {
            taken += underscores;
        }
        let (text, target) = match content
            .rfind('<')
            .filter(|_| content.ends_with('>') && (role || reference))
        {
            Some(open) => (content[..open].trim(), true),
            None => (content, false),
        };
        if target || reference {
            self.out.push_str(text);
            return Some(taken);
        }
        let text = match text.strip_prefix('~') {
            Some(long) if role => long.rsplit('.').next().unwrap_or(long),
            _ => text.trim_start_matches('!'),
        };
        let text = text.replace('`', "'");
        if text.is_empty() {
            return Some(taken);
        }
        self.out.push('`');
        self.out.push_str(&text);
        self.out.push('`');
        Some(taken)
    }

    /// `[text](target)`, `[text][target]`, `` [`Name`] ``
    fn link(&mut self, rest: &[char], depth: usize) -> Option<usize> {
        let close = matching(rest, '[', ']')?;
        let target = match rest.get(close + 1) {
            Some('(') => matching(&rest[close + 1..], '(', ')'),
            Some('[') => matching(&rest[close + 1..], '[', ']'),
            _ => None,
        };
        let inner = &rest[1..close];
        if target.is_none() && inner.first() != Some(&'`') {
            return None;
        }
        Inline {
            chars: inner,
            out: self.out,
        }
        .write(depth + 1);
        Some(close + 1 + target.map_or(0, |target| target + 1))
    }

    /// `*text*` and `**text**`, but neither `*args` nor `2 * 3`.
    fn emphasis(&mut self, at: usize, depth: usize) -> Option<usize> {
        let rest = &self.chars[at..];
        let stars = rest.iter().take_while(|c| **c == '*').count();
        let before = at.checked_sub(1).map(|before| self.chars[before]);
        let opens = before.is_none_or(|c| !c.is_alphanumeric())
            && rest.get(stars).is_some_and(|c| !c.is_whitespace());
        if !opens || stars > 3 || depth > 6 {
            return None;
        }
        let close = (stars + 1..rest.len().min(stars + MAX_SPAN)).find(|close| {
            let run = rest[*close..].iter().take_while(|c| **c == '*').count();
            let after = rest.get(close + run);
            run == stars
                && !rest[close - 1].is_whitespace()
                && rest[close - 1] != '*'
                && after.is_none_or(|c| !c.is_alphanumeric())
        })?;
        Inline {
            chars: &rest[stars..close],
            out: self.out,
        }
        .write(depth + 1);
        Some(close + stars)
    }
}

impl Inline<'_> {
    /// `<see cref="A.B"/>`, `<paramref name="b"/>`: the last part of what it names, as code.
    fn reference(&mut self, rest: &[char]) -> Option<usize> {
        const TAGS: [&str; 4] = ["see", "seealso", "paramref", "typeparamref"];
        let close = rest.iter().take(200).position(|c| *c == '>')?;
        let inner: String = rest[1..close].iter().collect();
        let (tag, attribute) = inner.split_once(' ')?;
        let name = attribute
            .split('"')
            .nth(1)
            .filter(|_| TAGS.contains(&tag))?;
        let name = name.split(['(', '{', '`']).next().unwrap_or(name);
        let last = name.rsplit(['.', ':']).next().unwrap_or(name);
        self.out.push('`');
        self.out.push_str(last);
        self.out.push('`');
        Some(close + 1)
    }

    /// `_text_`, but neither `_name` nor `__name__` nor `a_name_`.
    fn underlined(&mut self, at: usize) -> Option<usize> {
        let rest = &self.chars[at..];
        let before = at.checked_sub(1).map(|before| self.chars[before]);
        let close = rest.iter().skip(1).take(80).position(|c| *c == '_')? + 1;
        let inside = &rest[1..close];
        let plain = inside
            .iter()
            .all(|c| c.is_alphanumeric() || " '-,.".contains(*c));
        let ends = [inside.first(), inside.last()];
        let tight = ends
            .iter()
            .all(|end| end.is_some_and(|c| c.is_alphanumeric()));
        let outside = |c: &char| !c.is_alphanumeric() && *c != '_';
        let opens = before.as_ref().is_none_or(outside);
        if !plain || !tight || !opens || !rest.get(close + 1).is_none_or(outside) {
            return None;
        }
        self.out.extend(inside);
        Some(close + 1)
    }
}

fn image(rest: &[char]) -> Option<usize> {
    let close = matching(rest, '[', ']')?;
    match rest.get(close + 1) {
        Some('(') => Some(close + 2 + matching(&rest[close + 1..], '(', ')')?),
        Some('[') => Some(close + 2 + matching(&rest[close + 1..], '[', ']')?),
        _ => None,
    }
}

/// `<b>`, `</b>`, `<https://…>`
fn tag(rest: &[char]) -> Option<usize> {
    const TAGS: [&str; 26] = [
        "a", "b", "p", "i", "em", "br", "img", "code", "strong", "div", "span", "h1", "h2", "h3",
        "ul", "ol", "li", "kbd", "sup", "sub", "pre", "center", "picture", "source", "hr",
        "details",
    ];
    let close = rest.iter().take(400).position(|c| *c == '>')?;
    let inner: String = rest[1..close].iter().collect();
    let name = inner
        .trim_start_matches('/')
        .split([' ', '/'])
        .next()
        .unwrap_or("");
    let known = TAGS.contains(&name.to_lowercase().as_str());
    let address = inner.starts_with("http") && inner.contains("://");
    (known || address || inner.starts_with("!--")).then_some(close + 1)
}

/// `{% … %}`, `{{ … }}`, `{# … #}`
fn template_tag(rest: &[char]) -> Option<usize> {
    let inner = rest.get(1).filter(|c| "%{#".contains(**c))?;
    let close = if *inner == '{' { '}' } else { *inner };
    let end = rest
        .windows(2)
        .take(400)
        .position(|pair| pair == [close, '}'])?;
    Some(end + 2)
}

/// Where the bracket at the beginning closes; brackets that take very long are none.
fn matching(rest: &[char], open: char, close: char) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in rest.iter().take(1_000).enumerate() {
        if *c == open {
            depth += 1;
        } else if *c == close {
            depth = depth.checked_sub(1)?;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_goes() {
        for (text, words) in [
            ("A :class:`~a.b.C` and :py:func:`d.e`.", "A `C` and `d.e`."),
            ("Use ``x`` or `y`.", "Use `x` or `y`."),
            ("See `the docs <https://a.b>`_ now.", "See the docs now."),
            (
                "A [link](https://a.b/c(d)) and [`Name`] and [x].",
                "A link and `Name` and [x].",
            ),
            (
                "![badge](a) *Really* **good** _x_ 2 * 3 *args **kwargs",
                "Really good x 2 * 3 *args **kwargs",
            ),
            ("a<br/>b <https://x.y> Vec<u8>", "ab Vec<u8>"),
            ("one\u{202e}\u{7} two\n  three", "one two three"),
            ("an ` alone", "an alone"),
            ("Like this::", "Like this:"),
            ("a \\* b \\`c", "a * b c"),
            ("Tom &amp; `x`", "Tom & `x`"),
            (
                "By <typeparamref name=\"TKey\"/> of <see cref=\"T:A.B{C}\"/>.",
                "By `TKey` of `B`.",
            ),
            (
                "_Black_'s __init__ a_b_ _private",
                "Black's __init__ a_b_ _private",
            ),
            ("{% load x %}Hello {{ name }}", "Hello"),
        ] {
            assert_eq!(plain(text), words, "{text}");
        }
    }
}
