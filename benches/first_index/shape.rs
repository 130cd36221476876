//! Trees to index: their shapes and files.

use std::fs;
use std::path::Path;

/// A tree: the number of files in each directory, parents before children. The first is the root.
pub struct Shape {
    /// Its name in the report.
    pub name: &'static str,
    /// Path and number of files of each directory.
    pub directories: Vec<(String, usize)>,
}

/// The Python files of the PyPI sdist openai 1.12.0: 188 in 29 directories, which with the two above them are 31.
const PACKAGE: &[(&str, usize)] = &[
    ("src/openai", 19),
    ("src/openai/_extras", 4),
    ("src/openai/_utils", 8),
    ("src/openai/cli", 6),
    ("src/openai/cli/_api", 7),
    ("src/openai/cli/_api/chat", 2),
    ("src/openai/cli/_tools", 4),
    ("src/openai/lib", 3),
    ("src/openai/resources", 7),
    ("src/openai/resources/audio", 5),
    ("src/openai/resources/beta", 2),
    ("src/openai/resources/beta/assistants", 3),
    ("src/openai/resources/beta/threads", 2),
    ("src/openai/resources/beta/threads/messages", 3),
    ("src/openai/resources/beta/threads/runs", 3),
    ("src/openai/resources/chat", 3),
    ("src/openai/resources/fine_tuning", 3),
    ("src/openai/types", 23),
    ("src/openai/types/audio", 6),
    ("src/openai/types/beta", 11),
    ("src/openai/types/beta/assistants", 5),
    ("src/openai/types/beta/chat", 1),
    ("src/openai/types/beta/threads", 13),
    ("src/openai/types/beta/threads/messages", 3),
    ("src/openai/types/beta/threads/runs", 8),
    ("src/openai/types/chat", 22),
    ("src/openai/types/fine_tuning", 6),
    ("src/openai/types/shared", 3),
    ("src/openai/types/shared_params", 3),
];

impl Shape {
    fn of(name: &'static str, directories: impl IntoIterator<Item = (String, usize)>) -> Self {
        Self {
            name,
            directories: directories.into_iter().collect(),
        }
    }

    /// The measured shapes.
    pub fn all() -> Vec<Self> {
        let root = (String::new(), 0);
        let flat = (0..49).map(|number| (format!("d{number}"), if number < 4 { 5 } else { 4 }));
        // Three chains of sixteen folders, with files on each level.
        let deep = (0..3).flat_map(|chain_number| {
            (1..=16).map(move |depth| (vec![format!("w{chain_number}"); depth].join("/"), 3))
        });
        // Two levels of twelve.
        let wide = (0..12).flat_map(|one| {
            let inner = (0..12).map(move |two| (format!("a{one}/b{two}"), 1));
            std::iter::once((format!("a{one}"), 1)).chain(inner)
        });
        let chain = (1..=24).map(|depth| (vec!["c"; depth].join("/"), usize::from(depth == 24)));
        let package = PACKAGE
            .iter()
            .map(|&(path, files)| (path.to_owned(), files));
        let src = ("src".to_owned(), 0);
        vec![
            Self::of(
                "200 files, 50 directories",
                [root.clone()].into_iter().chain(flat),
            ),
            Self::of("deep", [root.clone()].into_iter().chain(deep)),
            Self::of("wide", [root.clone()].into_iter().chain(wide)),
            Self::of("one long chain", [root.clone()].into_iter().chain(chain)),
            Self::of("one huge directory", [(String::new(), 300)]),
            Self::of(
                "a real package (openai 1.12.0)",
                [root, src].into_iter().chain(package),
            ),
        ]
    }

    /// Files in the whole tree.
    pub fn files(&self) -> usize {
        self.directories.iter().map(|(_, files)| files).sum()
    }

    /// The parent of each directory; the root's entry has no meaning.
    pub fn parents(&self) -> Vec<usize> {
        let place = |path: &str| self.directories.iter().position(|(at, _)| at == path);
        self.directories
            .iter()
            .map(|(path, _)| {
                let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
                place(parent).unwrap_or(0)
            })
            .collect()
    }

    /// Writes the tree below `root`: small modules, all different.
    pub fn write(&self, root: &Path) -> std::io::Result<()> {
        for (number, (path, files)) in self.directories.iter().enumerate() {
            let folder = root.join(path);
            fs::create_dir_all(&folder)?;
            for file in 0..*files {
                fs::write(
                    folder.join(format!("module_{file}.py")),
                    module(number, file),
                )?;
            }
        }
        Ok(())
    }
}

/// A module of about 1.2 kB, the median of the package above.
pub fn module(directory: usize, file: usize) -> String {
    let mut text = format!(
        "\"\"\"Module {file} of part {directory}.\"\"\"\n\nfrom __future__ import annotations\n"
    );
    for number in 0..6 {
        text += &format!(
            "\n\nclass Part{directory}x{file}x{number}:\n    \"\"\"Holds value {number}.\"\"\"\n\n    \
             def value(self, more: int = {number}) -> int:\n        return self.base + more * {directory}\n"
        );
    }
    text
}
