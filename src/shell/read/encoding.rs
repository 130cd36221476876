//! The text of bytes in another encoding than UTF-8.
//!
//! A mark at the beginning decides, then what the file says of itself (`coding: euc-jp`, `encoding="…"`), then statistics. The
//! decoded text has the lines of the file; digests stay those of the bytes.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::content_kind;

/// How much of a file is searched for a declaration, in bytes: editors look at the first lines.
const HEAD: usize = 1 << 10;
/// How much of a file statistics look at, in bytes.
const SAMPLE: usize = 64 << 10;

/// Words before the name of an encoding.
const DECLARATIONS: [&str; 5] = ["coding:", "coding=", "encoding=", "charset=", "fenc="];

/// The bytes as UTF-8. What is UTF-8 already, is binary or is neither is returned as it is.
pub(super) fn decoded(bytes: &[u8]) -> Cow<'_, [u8]> {
    match utf16(bytes) {
        Some(encoding) => return Cow::Owned(encoding.decode(bytes).0.into_owned().into_bytes()),
        None if content_kind::has_controls(bytes) || is_mostly_utf8(bytes) => {
            return Cow::Borrowed(bytes);
        }
        None => {}
    }
    let encoding = declared(bytes).unwrap_or_else(|| guessed(bytes));
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    Cow::Owned(text.into_owned().into_bytes())
}

/// UTF-16 by its mark; without one, if every other byte of the sample is zero, as in English.
fn utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        // The mark of UTF-32.
        [0xff, 0xfe, 0, 0, ..] => return None,
        [0xff, 0xfe, ..] => return Some(UTF_16LE),
        [0xfe, 0xff, ..] => return Some(UTF_16BE),
        _ => {}
    }
    let sample = &bytes[..bytes.len().min(HEAD)];
    let (units, rest) = sample.as_chunks::<2>();
    if units.len() < 4 || !rest.is_empty() && sample.len() < HEAD {
        return None;
    }
    let text = |byte: u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    let mostly = |is: &dyn Fn(&[u8; 2]) -> bool| {
        units.iter().filter(|unit| is(unit)).count() * 10 >= units.len() * 9
    };
    if mostly(&|unit| unit[1] == 0 && text(unit[0])) {
        return Some(UTF_16LE);
    }
    mostly(&|unit| unit[0] == 0 && text(unit[1])).then_some(UTF_16BE)
}

/// Whether what is not UTF-8 is the exception: a test of bad input, a cut file.
fn is_mostly_utf8(bytes: &[u8]) -> bool {
    let (mut valid, mut invalid) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        valid += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        invalid += chunk.invalid().len();
    }
    invalid == 0 || valid > invalid
}

/// The encoding that the file names, if all bytes are valid in it.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(HEAD)]).to_ascii_lowercase();
    let names = DECLARATIONS
        .iter()
        .flat_map(|word| head.match_indices(word));
    let encodings = names.filter_map(|(at, word)| {
        let rest = head[at + word.len()..].trim_start_matches([' ', '"', '\'']);
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c));
        Encoding::for_label(&rest.as_bytes()[..end.unwrap_or(rest.len())])
    });
    encodings
        .filter(|encoding| encoding.is_ascii_compatible() && *encoding != UTF_8)
        .find(|encoding| !encoding.decode_without_bom_handling(bytes).1)
}

fn guessed(bytes: &[u8]) -> &'static Encoding {
    // ISO-2022-JP is ASCII with escapes; bytes above 127 rule it out.
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    // Only lines with a byte above 127 say anything.
    let mut sampled = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if !line.is_ascii() && sampled < SAMPLE {
            sampled += line.len();
            detector.feed(line, false);
        }
    }
    detector.feed(b"", true);
    detector.guess(None, Utf8Detection::Deny)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::contents::ContentKind;

    const JAPANESE: &str =
        "// 設定ファイルを読み込んで、値を返します。\n// 見つからない場合は空です。\n";
    const CHINESE: &str = "// 读取配置文件并返回设置的值。\n// 如果找不到文件，则返回空字符串。\n";
    const RUSSIAN: &str = "// Читает настройки из файла и возвращает значение.\n";
    const GERMAN: &str = "// Liest die Größe für Überprüfungen und gibt sie zurück.\n";
    const FRENCH: &str = "# Lit le fichier de préférences et renvoie l'état déjà chargé.\n";

    #[test]
    fn text_of_other_encodings_is_read() {
        let encodings = [
            ("utf-16le", GERMAN),
            ("utf-16be", JAPANESE),
            ("shift_jis", JAPANESE),
            ("euc-jp", JAPANESE),
            ("gbk", CHINESE),
            ("windows-1251", RUSSIAN),
            ("koi8-r", RUSSIAN),
            ("windows-1252", GERMAN),
            ("windows-1252", FRENCH),
        ];
        for (label, comment) in encodings {
            let text = format!("{comment}int main(void) {{\n    return 0;\n}}\n");
            let encoding = Encoding::for_label(label.as_bytes()).expect("an encoding");
            let bytes: Vec<u8> = match label {
                "utf-16le" => [0xfeff]
                    .into_iter()
                    .chain(text.encode_utf16())
                    .flat_map(u16::to_le_bytes)
                    .collect(),
                "utf-16be" => [0xfeff]
                    .into_iter()
                    .chain(text.encode_utf16())
                    .flat_map(u16::to_be_bytes)
                    .collect(),
                _ => encoding.encode(&text).0.into_owned(),
            };
            let found = decoded(&bytes);
            assert_eq!(String::from_utf8_lossy(&found), text, "{label}");
            assert_eq!(content_kind::of(&found), ContentKind::Text, "{label}");
        }
        // Without a mark.
        let ascii: Vec<u8> = "int main(void);\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(*decoded(&ascii), *b"int main(void);\n");
    }

    #[test]
    fn what_a_file_says_of_its_encoding_decides() {
        for (label, head) in [
            ("iso-8859-2", "# -*- coding: iso-8859-2 -*-\n"),
            ("shift_jis", "# vim: fenc=shift_jis\n"),
            (
                "windows-1251",
                "<?xml version=\"1.0\" encoding=\"windows-1251\"?>\n",
            ),
            ("koi8-u", "<meta charset=\"koi8-u\">\n"),
        ] {
            let word = match label {
                "iso-8859-2" => "žluť",
                "shift_jis" => "値",
                _ => "Слово",
            };
            let text = format!("{head}{word}\n");
            let encoding = Encoding::for_label(label.as_bytes()).expect("an encoding");
            assert_eq!(
                String::from_utf8_lossy(&decoded(&encoding.encode(&text).0)),
                text
            );
        }
    }

    #[test]
    fn what_is_no_such_text_stays_as_it_is() {
        let bad_input = "größe, länge, 漢字\n".repeat(3) + "test = ";
        let bad_input = [bad_input.as_bytes(), b"\xff\xfe\n"].concat();
        let mut random = fastrand::Rng::with_seed(7);
        let packed: Vec<u8> = (0..4000).map(|_| random.u8(..)).collect();
        for bytes in [
            &b""[..],
            b"plain\n",
            "größe".as_bytes(),
            b"\xef\xbb\xbfmarked",
            b"\x7fELF\x02\x01\x00\x00",
            b"\xff\xfe\x00\x00a\x00\x00\x00",
            &bad_input,
            &packed,
        ] {
            assert!(
                matches!(decoded(bytes), Cow::Borrowed(_)),
                "{:.40}",
                String::from_utf8_lossy(bytes)
            );
        }
        assert_eq!(content_kind::of(&packed), ContentKind::Binary);
        // 16-bit samples are no UTF-16.
        let samples: Vec<u8> = (0..2000).flat_map(|_| [random.u8(..), 0]).collect();
        assert_eq!(content_kind::of(&decoded(&samples)), ContentKind::Binary);
    }
}
