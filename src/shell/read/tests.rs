#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

fn path(text: &str) -> RelPath {
    RelPath::new(text)
}

#[test]
fn a_text_a_secret_and_a_large_file() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    fs::create_dir(root.join("a")).unwrap();
    let text = "print('hello')\n".repeat(10_000);
    for name in ["a/x.py", "a/.env"] {
        fs::write(root.join(name), &text).unwrap();
    }
    let reading = read(root, &path("a/x.py"), 1 << 20).unwrap();
    assert_eq!(reading.content_kind, ContentKind::Text);
    assert_eq!(reading.text.as_deref(), Some(text.as_bytes()));
    assert_eq!(reading.digest, Digest::of_file(text.as_bytes()));
    assert_eq!(reading.language.map(Language::name), Some("python"));
    assert_eq!(reading.stat.size, text.len() as u64);
    let now = now_ms();
    assert!(reading.observed_ms <= now && reading.observed_ms + 60_000 > now);

    let large = read(root, &path("a/x.py"), 1000).unwrap();
    assert_eq!(
        (large.content_kind, large.text),
        (ContentKind::TooLarge, None)
    );
    assert_eq!(large.digest, reading.digest);
    let secret = read(root, &path("a/.env"), 1 << 20).unwrap();
    assert_eq!(
        (secret.content_kind, secret.text),
        (ContentKind::Secret, None)
    );
    assert_eq!(secret.digest, reading.digest);
    let exact = read(root, &path("a/x.py"), text.len() as u64).unwrap();
    assert_eq!(exact.content_kind, ContentKind::Text);

    fs::write(root.join("empty"), "").unwrap();
    let empty = read(root, &path("empty"), 1000).unwrap();
    assert_eq!((empty.content_kind, empty.text), (ContentKind::Empty, None));
    assert_eq!(empty.digest, Digest::of_file(b""));
}

#[test]
fn the_stat_is_the_one_that_a_scan_sees() {
    use crate::shell::{rules, scan};
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    fs::write(root.join("x"), "x").unwrap();
    let rules = rules::Rules::open_with(root, &rules::FileRules::default(), None).unwrap();
    let listing = scan::scan(root, &rules, &RelPath::root(), false, 1, &|_, _| {});
    let reading = read(root, &path("x"), 10).unwrap();
    assert_eq!(listing.directories[0].entries[0].file, Some(reading.stat));
}

#[test]
fn what_is_no_regular_file_is_refused_without_blocking() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    fs::create_dir(root.join("d")).unwrap();
    fs::write(root.join("d/x"), "x").unwrap();
    std::os::unix::fs::symlink("d/x", root.join("link")).unwrap();
    std::os::unix::fs::symlink("d", root.join("way")).unwrap();
    let mode = Mode::RUSR | Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, root.join("pipe"), FileType::Fifo, mode, 0).unwrap();
    for name in ["d", "link", "pipe", ""] {
        assert_eq!(
            read(root, &path(name), 10),
            Err(ReadError::NotRegular),
            "{name}"
        );
    }
    for name in ["missing", "missing/x", "d/x/y", "way/x"] {
        assert_eq!(read(root, &path(name), 10), Err(ReadError::Gone), "{name}");
    }
}

#[test]
fn a_file_that_moves_is_read_again_and_then_given_up() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    let file = root.join("x");
    fs::write(&file, "one").unwrap();

    let mut times = 0;
    let reading = read_with(root, &path("x"), 100, || {
        times += 1;
        if times == 1 {
            fs::write(&file, "longer").unwrap();
        }
    });
    assert_eq!(reading.unwrap().digest, Digest::of_file(b"longer"));
    assert_eq!(times, 2);

    let mut text = String::from("x");
    for max_bytes in [1000, 0] {
        let moving = read_with(root, &path("x"), max_bytes, || {
            text.push('x');
            fs::write(&file, &text).unwrap();
        });
        assert_eq!(moving, Err(ReadError::Moving));
    }

    // Another file takes the name: the bytes of the old one are not those of the name.
    let mut times = 0;
    let swapped = read_with(root, &path("x"), 1000, || {
        times += 1;
        if times == 1 {
            fs::write(root.join("new"), "swapped").unwrap();
            fs::rename(root.join("new"), &file).unwrap();
        }
    });
    assert_eq!(swapped.unwrap().text.unwrap(), b"swapped");
    let removed = read_with(root, &path("x"), 1000, || {
        let _ = fs::remove_file(&file);
    });
    assert_eq!(removed, Err(ReadError::Gone));
}

#[test]
fn a_file_that_may_not_be_read_says_so() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    let file = root.join("x");
    fs::write(&file, "x").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    // For the superuser nothing is closed.
    match File::open(&file) {
        Ok(_) => assert!(read(root, &path("x"), 10).is_ok()),
        Err(_) => assert!(matches!(
            read(root, &path("x"), 10),
            Err(ReadError::Denied(_))
        )),
    }
}
