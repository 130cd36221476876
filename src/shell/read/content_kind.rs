//! What kind of matter a file holds, by its name and its first bytes. It reads nothing itself.

use crate::model::contents::ContentKind;
use crate::model::path::RelPath;

/// How much of a file is looked at, in bytes. git looks for a NUL byte in as much.
const SAMPLE: usize = 8 << 10;

/// Names that hold secrets, in lower case.
const NAMES: &[&str] = &[
    ".dockercfg",
    ".env",
    ".envrc",
    ".git-credentials",
    ".htpasswd",
    ".netrc",
    ".npmrc",
    ".pgpass",
    ".pypirc",
    ".vault-token",
    "_netrc",
    "credentials.json",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_rsa",
    "kubeconfig",
    "secrets.json",
    "secrets.toml",
    "secrets.yaml",
    "secrets.yml",
];

/// Endings of files that hold secrets, in lower case.
const ENDINGS: &[&str] = &[
    ".env",
    ".jks",
    ".kdbx",
    ".key",
    ".keystore",
    ".p12",
    ".p8",
    ".pem",
    ".pfx",
    ".ppk",
    ".tfstate",
];

/// Whole paths' ends, for files whose name alone says nothing.
const PLACES: &[&str] = &[".aws/credentials", ".docker/config.json", ".kube/config"];

/// Marks of a file that only shows which secrets are wanted.
const EXAMPLES: &[&str] = &["example", "sample", "template", "dist", "defaults"];

/// Whether a file holds a secret, by its name.
pub(super) fn is_secret(path: &RelPath) -> bool {
    let name = String::from_utf8_lossy(path.name()).to_lowercase();
    if NAMES.contains(&name.as_str()) {
        return true;
    }
    let environment = name.starts_with(".env.") || name.ends_with(".env");
    if environment {
        return !name.split('.').any(|part| EXAMPLES.contains(&part));
    }
    if ENDINGS.iter().any(|ending| name.ends_with(ending)) {
        return true;
    }
    let text = path.to_text();
    PLACES.iter().any(|place| {
        text.strip_suffix(place)
            .is_some_and(|before| before.is_empty() || before.ends_with('/'))
    })
}

/// The matter of a file with these bytes. Text in an old 8-bit encoding is still text; UTF-16 is not.
pub(super) fn of(bytes: &[u8]) -> ContentKind {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return ContentKind::Empty;
    }
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    let marked = [&b"\xff\xfe"[..], b"\xfe\xff", b"%PDF-"];
    if sample.contains(&0) || marked.iter().any(|mark| sample.starts_with(mark)) {
        return ContentKind::Binary;
    }
    let controls = sample
        .iter()
        .filter(|&&byte| byte.is_ascii_control() && !b"\t\n\x0b\x0c\r\x08\x1b".contains(&byte))
        .count();
    let foreign: usize = sample
        .utf8_chunks()
        .map(|chunk| chunk.invalid().len())
        .sum();
    // Packed data has about a tenth of the first and a half of the second; a page of French in Latin-1 has a
    // twentieth of the second.
    if controls * 20 > sample.len() || foreign * 10 > sample.len() * 3 {
        return ContentKind::Binary;
    }
    ContentKind::Text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_name() {
        let secret = |path: &str| is_secret(&RelPath::new(path));
        for path in [
            ".env",
            "a/.env.local",
            ".ENV.production",
            "x/prod.env",
            "tls/server.KEY",
            "id_rsa",
            "a/id_ed25519",
            "cert.pem",
            ".netrc",
            ".pgpass",
            "store.p12",
            "release.keystore",
            "credentials.json",
            ".aws/credentials",
            "home/.kube/config",
        ] {
            assert!(secret(path), "{path}");
        }
        for path in [
            ".env.example",
            ".env.sample",
            "a/.env.template",
            "example.env",
            "id_rsa.pub",
            "env.py",
            "key.rs",
            "credentials.py",
            "docs/config",
            "x.aws/credentials",
        ] {
            assert!(!secret(path), "{path}");
        }
    }

    #[test]
    fn matter_is_known_by_its_bytes() {
        assert_eq!(of(b""), ContentKind::Empty);
        assert_eq!(of(b" \n\t\r\n"), ContentKind::Empty);
        assert_eq!(of(b"fn main() {}\n"), ContentKind::Text);
        assert_eq!(of("größe = 'ß'; 漢字".as_bytes()), ContentKind::Text);
        assert_eq!(
            of(b"# r\xe9sum\xe9 de l'\xe9t\xe9 en Latin-1\nx = 1\n"),
            ContentKind::Text
        );
        assert_eq!(of(b"\x7fELF\x02\x01\x00\x00"), ContentKind::Binary);
        assert_eq!(of(b"\xff\xfeh\x00i\x00"), ContentKind::Binary);
        assert_eq!(of(b"%PDF-1.4\n%text"), ContentKind::Binary);
        let mut random = fastrand::Rng::with_seed(7);
        let packed: Vec<u8> = (0..4000).map(|_| random.u8(1..)).collect();
        assert_eq!(of(&packed), ContentKind::Binary);
        // The sample may end within a character.
        let mut long = "é".repeat(SAMPLE);
        long.insert(0, 'x');
        assert_eq!(of(long.as_bytes()), ContentKind::Text);
    }
}
