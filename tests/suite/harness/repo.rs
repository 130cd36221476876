//! Repositories made for a test.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A temporary folder to index.
pub struct Repo {
    folder: tempfile::TempDir,
}

/// A small package with nested folders, a hidden file and an empty one.
const PACKAGE: &[(&str, &str)] = &[
    (
        "README.md",
        "# Shop\n\nA shop that sells one thing at a time.\n",
    ),
    (".editorconfig", "root = true\n\n[*]\nindent_size = 4\n"),
    (
        "pyproject.toml",
        "[project]\nname = \"shop\"\nversion = \"1\"\n",
    ),
    (
        "src/shop/__init__.py",
        "\"\"\"A shop.\"\"\"\n\nfrom .cart import Cart\n",
    ),
    (
        "src/shop/cart.py",
        "\"\"\"The cart: what a customer is about to buy.\"\"\"\n\n\nclass Cart:\n    \"\"\"Things and how many.\"\"\"\n\n    \
         def add(self, thing, count=1):\n        \"\"\"Puts more in.\"\"\"\n        self.things.append((thing, count))\n\n    \
         def total(self):\n        return sum(t.price * c for t, c in self.things)\n",
    ),
    ("src/shop/py.typed", ""),
    ("src/shop/money/__init__.py", "\"\"\"Amounts.\"\"\"\n"),
    (
        "src/shop/money/amount.py",
        "\"\"\"An amount of money in one currency.\"\"\"\n\n\nclass Amount:\n    def __init__(self, cents):\n        self.cents = cents\n",
    ),
    (
        "src/shop/money/rates/table.py",
        "\"\"\"Exchange rates, fixed.\"\"\"\n\nRATES = {\"eur\": 100, \"usd\": 92}\n\n\ndef rate(name):\n    return RATES[name]\n",
    ),
    (
        "src/shop/money/rates/fetch.py",
        "\"\"\"Exchange rates from a bank.\"\"\"\n\n\ndef fetch(name):\n    \"\"\"Asks the bank.\"\"\"\n    return bank().ask(name)\n",
    ),
    (
        "tests/test_cart.py",
        "from shop import Cart\n\n\ndef test_total():\n    assert Cart().total() == 0\n",
    ),
    (
        "docs/guide.md",
        "# Guide\n\nHow to run the shop, step by step.\n",
    ),
];

impl Repo {
    /// An empty folder.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("repo").tempdir().unwrap();
        Self { folder }
    }

    /// The sample package: 12 files, one of them empty, in 7 folders including the root.
    pub fn package() -> Self {
        let repo = Self::new();
        for (path, text) in PACKAGE {
            repo.write(path, text);
        }
        repo
    }

    /// Initializes a git repository.
    pub fn init(&self) {
        self.git(&["init", "-q", "-b", "main"]);
        self.git(&["config", "gc.auto", "0"]);
        self.git(&["config", "maintenance.auto", "false"]);
    }

    /// Commits everything.
    pub fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    /// Runs git without the machine's configuration.
    #[track_caller]
    pub fn git(&self, arguments: &[&str]) {
        let done = super::home::finish(
            Command::new("git")
                .args(arguments)
                .current_dir(self.root())
                .env_clear()
                .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
                .env("HOME", "/nonexistent")
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .env("GIT_CONFIG_SYSTEM", "/dev/null")
                .env("GIT_CONFIG_NOSYSTEM", "1")
                .env("GIT_AUTHOR_NAME", "A")
                .env("GIT_AUTHOR_EMAIL", "a@example.org")
                .env("GIT_AUTHOR_DATE", "2024-01-01T00:00:00Z")
                .env("GIT_COMMITTER_NAME", "A")
                .env("GIT_COMMITTER_EMAIL", "a@example.org")
                .env("GIT_COMMITTER_DATE", "2024-01-01T00:00:00Z"),
        );
        done.expect(0);
    }

    /// Runs a line of the shell in it, with git as [`Repo::git`] runs it.
    #[track_caller]
    pub fn shell(&self, line: &str) {
        self.git(&["-c", &format!("alias.x=!{line}"), "x"]);
    }

    /// Its canonical root.
    pub fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    /// The absolute path of `path` in the repository; `""` is the root.
    pub fn at(&self, path: &str) -> String {
        let path = match path {
            "" => self.root(),
            path => self.root().join(path),
        };
        path.into_os_string().into_string().unwrap()
    }

    /// Writes a file and its missing parent folders.
    #[track_caller]
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        super::unforked(|| fs::write(path, content)).unwrap();
    }

    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    /// Appends to a file.
    #[track_caller]
    pub fn append(&self, path: &str, text: &str) {
        let content = self.read(path) + text;
        self.write(path, content);
    }

    #[track_caller]
    pub fn remove(&self, path: &str) {
        let path = self.root().join(path);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }

    #[track_caller]
    pub fn rename(&self, from: &str, to: &str) {
        let to = self.root().join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::rename(self.root().join(from), to).unwrap();
    }

    /// Numbers of files, and of directories that contain some (including the root), on disk. For repositories without
    /// ignored files.
    pub fn counts(&self) -> (u64, u64) {
        count(&self.root())
    }
}

fn count(folder: &Path) -> (u64, u64) {
    let (mut files, mut directories) = (0, 0);
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() && entry.file_name() != ".git" {
            let (below, within) = count(&entry.path());
            files += below;
            directories += within;
        } else if kind.is_file() {
            files += 1;
        }
    }
    (files, directories + u64::from(files > 0))
}

/// Copies a folder recursively, except pipes and sockets.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (kind, target) = (entry.file_type().unwrap(), to.join(entry.file_name()));
        if kind.is_dir() {
            copy_folder(&entry.path(), &target);
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path()).unwrap(), target).unwrap();
        } else if !kind.is_fifo() && !kind.is_socket() {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
