//! Whether a value that stands where a secret may stand is one.

/// Words of placeholders, in lower case. A value that is made of one is no secret.
const PLACEHOLDERS: [&str; 22] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "changeme",
    "change_me",
    "change-me",
    "example",
    "placeholder",
    "your-",
    "your_",
    "yourpass",
    "my-",
    "my_",
    "mypass",
    "dummy",
    "redacted",
    "foobar",
    "xxxx",
    "....",
    "****",
    "<",
];

/// For what is told by its form: whether it is not one of those that manuals print.
pub(super) fn is_no_example(value: &str) -> bool {
    !value.contains("EXAMPLE") && !is_repetitive(value)
}

/// Whether it looks drawn by lot: letters and digits, changing all through, and many different ones.
pub(super) fn is_random(value: &str) -> bool {
    let letters = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    // Words in a row change their class at the separators only; lots do so at every second or third character.
    let changes = value
        .as_bytes()
        .windows(2)
        .filter(|pair| class(pair[0]) != class(pair[1]))
        .count();
    let mixed = digits >= 2
        && changes * 4 >= value.len()
        && entropy(value) >= if value.len() < 20 { 3.0 } else { 3.3 };
    letters
        && (mixed || is_jumbled(value))
        && !is_expression(value)
        && !is_placeholder(value)
        && is_no_example(value)
}

/// Whether a long value without digits is drawn by lot: names have capitals one at a time, or one abbreviation.
fn is_jumbled(value: &str) -> bool {
    let capitals = value.split(|c: char| !c.is_ascii_uppercase());
    value.len() >= 20
        && entropy(value) >= 4.0
        && value.bytes().any(|byte| byte.is_ascii_lowercase())
        && !value.contains(['_', '-', '.', ' '])
        && capitals.filter(|run| run.len() >= 2).count() >= 3
}

/// Whether somebody chose it as a password: no placeholder, no plain word or name, no expression.
pub(super) fn is_chosen(value: &str) -> bool {
    let letters = value.chars().any(char::is_alphabetic);
    let other = value
        .chars()
        .any(|c| !c.is_alphabetic() && !"_-. ".contains(c));
    letters && other && entropy(value) >= 2.3 && !is_expression(value) && !is_placeholder(value)
}

/// Whether it stands for a value instead of being one.
fn is_expression(value: &str) -> bool {
    value.starts_with(['$', '%', '{', '(', '[', '/', '.', '@', '&', '*'])
        || [
            "${", "{{", "}}", "%(", "%s", "()", "://", "::", "\\", "{}", "&#", "->",
        ]
        .iter()
        .any(|mark| value.contains(mark))
        || (value.contains('{') && value.contains('}'))
        || (value.contains('(') && value.ends_with([')', ',', ':']))
}

fn is_placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    PLACEHOLDERS.iter().any(|word| lower.contains(word))
}

/// Whether it is a counted-off row ("0123456789", "abcdef…") or one character again and again.
fn is_repetitive(value: &str) -> bool {
    let steps = value.as_bytes().windows(2);
    let plain = steps.filter(|pair| pair[0] == pair[1] || pair[0].checked_add(1) == Some(pair[1]));
    plain.count() * 2 > value.len()
}

fn class(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    }
}

/// Shannon's, in bits for each byte.
fn entropy(value: &str) -> f64 {
    let mut counts = [0u32; 256];
    value
        .bytes()
        .for_each(|byte| counts[usize::from(byte)] += 1);
    let length = value.len() as f64;
    let parts = counts.iter().filter(|count| **count > 0);
    parts
        .map(|count| {
            let share = f64::from(*count) / length;
            -share * share.log2()
        })
        .sum()
}
