//! What is left out without any rule of the repository: a table. A file that git tracks stays in the tree.
//!
//! To leave out more, add a row: by what marks a folder where something does, by its name otherwise.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use super::pattern::PatternList;

/// What is left out for one reason.
struct Row {
    /// The reason, as people are shown it.
    rule: &'static str,
    by: By,
}

/// How it is recognized.
enum By {
    /// A folder of one of these names.
    Name(&'static [&'static str]),
    /// A folder that contains all of the first names and none of the second.
    Marker(&'static [&'static str], &'static [&'static str]),
    /// A folder of one of the first names next to one of the second. In a marker, `*.x` stands for any name that ends so,
    /// and `x.*` for any that begins so.
    Beside(&'static [&'static str], &'static [&'static str]),
    /// Files, by patterns as in `.gitignore`.
    Files(&'static str),
}

const ROWS: &[Row] = &[
    Row {
        rule: "version control",
        by: By::Name(&[
            ".svn",
            ".hg",
            ".jj",
            ".bzr",
            "_darcs",
            "CVS",
            ".pijul",
            ".sl",
            ".repo",
            "SCCS",
            "_MTN",
            "{arch}",
            ".arch-ids",
            ".git-rewrite",
            ".got",
            ".osc",
            ".plastic",
            "$tf",
            ".tf",
        ]),
    },
    Row {
        rule: "version control",
        by: By::Files("_FOSSIL_\n.fslckout\n*.fossil\n*,v\n"),
    },
    Row {
        rule: "git repository without a work tree",
        by: By::Marker(&["HEAD", "objects", "refs"], &[]),
    },
    Row {
        rule: "virtual environment",
        by: By::Marker(&["pyvenv.cfg"], &[]),
    },
    Row {
        rule: "virtual environment",
        by: By::Marker(&["conda-meta"], &[]),
    },
    Row {
        rule: "virtual environment",
        by: By::Name(&[
            ".direnv",
            ".devenv",
            ".pixi",
            "site-packages",
            "__pypackages__",
            "_opam",
            "_esy",
        ]),
    },
    Row {
        rule: "cache folder (CACHEDIR.TAG)",
        by: By::Marker(&["CACHEDIR.TAG"], &[]),
    },
    Row {
        rule: "installed packages",
        by: By::Name(&[
            "node_modules",
            "bower_components",
            "jspm_packages",
            "web_modules",
            "elm-stuff",
            "lua_modules",
            ".pnpm-store",
            ".yarn",
            ".npm",
            ".bundle",
            ".eggs",
            ".spago",
            ".luarocks",
        ]),
    },
    Row {
        rule: "installed packages",
        by: By::Marker(&["autoload.php", "composer"], &[]),
    },
    Row {
        rule: "installed packages",
        by: By::Beside(&["Pods"], &["Podfile"]),
    },
    Row {
        rule: "installed packages",
        by: By::Beside(&["Carthage"], &["Cartfile"]),
    },
    Row {
        rule: "installed packages",
        by: By::Beside(&["deps"], &["mix.exs"]),
    },
    Row {
        rule: "package metadata",
        by: By::Marker(&["PKG-INFO", "SOURCES.txt"], &[]),
    },
    Row {
        rule: "tool cache",
        by: By::Name(&[
            "__pycache__",
            ".mypy_cache",
            ".pytest_cache",
            ".ruff_cache",
            ".pytype",
            ".hypothesis",
            ".tox",
            ".nox",
            ".ipynb_checkpoints",
            ".cache",
            ".sass-cache",
            ".jekyll-cache",
            ".parcel-cache",
            ".turbo",
            ".nx",
            ".angular",
            ".vite",
            ".nyc_output",
            ".gradle",
            ".kotlin",
            ".metals",
            ".bloop",
            ".cpcache",
            ".shadow-cljs",
            ".clj-kondo",
            ".elixir_ls",
            ".ccls-cache",
            ".clangd",
            ".terraform",
            ".terragrunt-cache",
            ".vagrant",
            ".scannerwork",
            ".Rproj.user",
            ".dart_tool",
            ".swiftpm",
            ".vs",
            ".vscode-test",
            "nimcache",
            ".zig-cache",
            "zig-cache",
            ".lake",
            ".hie",
            ".ropeproject",
            ".spyproject",
            ".pybuilder",
            ".pants.d",
            ".phpunit.cache",
            ".swc",
            ".rts2_cache_cjs",
            ".bsp",
            ".scala-build",
            ".cljs_node_repl",
            ".ivy2",
            ".m2",
            ".rustup",
            ".pub-cache",
            ".task",
            ".rush",
            ".snakemake",
            ".godot",
            ".kitchen",
            ".firebase",
            ".sst",
            ".vinxi",
            ".tanstack",
            ".react-router",
            ".yardoc",
            "mlruns",
            "lightning_logs",
        ]),
    },
    Row {
        rule: "tool cache",
        by: By::Files(
            ".eslintcache\n.stylelintcache\n.phpunit.result.cache\n.php-cs-fixer.cache\n*.tsbuildinfo\n.rspec_status\n\
             .sconsign.dblite\n.lock-waf*\n.flutter-plugins\n.flutter-plugins-dependencies\n.node_repl_history\n\
             .lycheecache\n.dmypy.json\n.hugo_build.lock\n",
        ),
    },
    Row {
        rule: "tool cache",
        by: By::Marker(&["latest-run"], &[]),
    },
    Row {
        rule: "build output",
        by: By::Marker(&[".rustc_info.json"], &[]),
    },
    // What setuptools builds.
    Row {
        rule: "build output",
        by: By::Marker(&["bdist.*"], &[]),
    },
    Row {
        rule: "build output",
        by: By::Beside(&["build"], &["setup.py", "setup.cfg"]),
    },
    // What Sphinx builds: pages and what it remembers.
    Row {
        rule: "build output",
        by: By::Marker(&[".buildinfo"], &[]),
    },
    Row {
        rule: "build output",
        by: By::Marker(&["environment.pickle"], &[]),
    },
    Row {
        rule: "build output",
        by: By::Beside(&["_build"], &["conf.py", "_config.yml", "_toc.yml"]),
    },
    Row {
        rule: "build output",
        by: By::Beside(
            &["_site"],
            &[
                "_config.yml",
                "_quarto.yml",
                ".eleventy.js",
                "eleventy.config.js",
                "docfx.json",
            ],
        ),
    },
    Row {
        rule: "build output",
        by: By::Beside(&["site"], &["mkdocs.yml"]),
    },
    Row {
        rule: "build output",
        by: By::Beside(&["public"], &["hugo.toml", "hugo.yaml", "gatsby-config.js"]),
    },
    Row {
        rule: "build output",
        by: By::Marker(&["CMakeCache.txt"], &["CMakeLists.txt"]),
    },
    Row {
        rule: "build output",
        by: By::Marker(&["meson-info", "meson-private"], &[]),
    },
    Row {
        rule: "build output",
        by: By::Name(&[
            "CMakeFiles",
            ".next",
            ".nuxt",
            ".output",
            ".svelte-kit",
            ".docusaurus",
            ".astro",
            ".expo",
            ".serverless",
            ".aws-sam",
            "cdk.out",
            ".vercel",
            ".netlify",
            ".wrangler",
            "dist-newstyle",
            ".stack-work",
            "zig-out",
            "DerivedData",
            "xcuserdata",
            "buck-out",
            "storybook-static",
            ".pdm-build",
            "_yardoc",
            ".externalNativeBuild",
            ".cxx",
        ]),
    },
    Row {
        rule: "build output",
        by: By::Beside(
            &["target"],
            &["Cargo.toml", "pom.xml", "build.sbt", "build.properties"],
        ),
    },
    Row {
        rule: "build output",
        by: By::Beside(
            &["build"],
            &["build.gradle", "build.gradle.kts", "pubspec.yaml"],
        ),
    },
    Row {
        rule: "build output",
        by: By::Beside(&["bin", "obj"], &["*.csproj", "*.fsproj", "*.vbproj"]),
    },
    Row {
        rule: "build output",
        by: By::Beside(&["_build"], &["mix.exs", "rebar.config", "dune-project"]),
    },
    Row {
        rule: "build output",
        by: By::Beside(&[".build"], &["Package.swift"]),
    },
    Row {
        rule: "build output",
        by: By::Beside(&["Library", "Temp", "Logs"], &["ProjectSettings"]),
    },
    Row {
        rule: "build output",
        by: By::Beside(
            &["Intermediate", "Saved", "DerivedDataCache", "Binaries"],
            &["*.uproject"],
        ),
    },
    Row {
        rule: "coverage report",
        by: By::Name(&["htmlcov"]),
    },
    Row {
        rule: "coverage report",
        by: By::Marker(&["lcov-report"], &[]),
    },
    Row {
        rule: "coverage report",
        by: By::Files(
            "lcov.info\n*.lcov\ncoverage.xml\ncobertura.xml\ncobertura-coverage.xml\nclover.xml\njacoco.xml\n\
             coverage-final.json\ncoverage-summary.json\n.coverage\n.coverage.*\n.resultset.json\ntarpaulin-report.*\n\
             coverage.out\ncover.out\n*.gcda\n*.gcno\n*.gcov\n*.profraw\n*.profdata\n",
        ),
    },
    Row {
        rule: "editor file",
        by: By::Files(
            "*~\n\\#*\\#\n.\\#*\n.~lock.*\\#\n~$*\n*.orig\n*.rej\n*.bak\n*.save\n*.save.[0-9]*\n.*.sw[a-z]\n*.swp\n*.swo\n\
             *.kate-swp\n.netrwhist\n*.iml\n.classpath\n.factorypath\n*.tmp.[0-9]*\n\
             *___jb_tmp___\n*___jb_old___\n.goutputstream-*\n4913\n*.sb-[0-9a-f]*-*\n\
             *[._]BACKUP[._][0-9][0-9][0-9]*\n*[._]BASE[._][0-9][0-9][0-9]*\n\
             *[._]LOCAL[._][0-9][0-9][0-9]*\n*[._]REMOTE[._][0-9][0-9][0-9]*\n",
        ),
    },
    Row {
        rule: "editor file",
        by: By::Name(&[".idea", ".history", ".fleet"]),
    },
    Row {
        rule: "system file",
        by: By::Files(
            ".DS_Store\n._*\nThumbs.db\nehthumbs.db\n[Dd]esktop.ini\n.directory\n.LSOverride\n.apdisk\n*.crdownload\n\
             .syncthing.*.tmp\n.nfs[0-9a-f]*\n.fuse_hidden*\n.localized\n.*_history\n.Rhistory\n.lesshst\n.viminfo\n",
        ),
    },
    Row {
        rule: "system file",
        by: By::Name(&[
            "__MACOSX",
            ".Trash",
            ".Spotlight-V100",
            ".fseventsd",
            "$RECYCLE.BIN",
            "System Volume Information",
            "lost+found",
            ".TemporaryItems",
            ".AppleDouble",
            ".DocumentRevisions-V100",
            "@eaDir",
            ".stfolder",
            ".stversions",
            ".dropbox.cache",
        ]),
    },
];

/// The rule for a nested work tree of a repository that is in the tree already.
pub(super) const LINKED_WORK_TREE: &str = "linked work tree";

static NAMES: LazyLock<HashMap<&[u8], &str>> = LazyLock::new(|| {
    let rows = ROWS.iter().filter_map(|row| match row.by {
        By::Name(names) => Some(names.iter().map(|name| (name.as_bytes(), row.rule))),
        _ => None,
    });
    rows.flatten().collect()
});

static FILES: LazyLock<Vec<(PatternList, &str)>> = LazyLock::new(|| {
    let rows = ROWS.iter().filter_map(|row| match row.by {
        By::Files(patterns) => Some((PatternList::parse(patterns.as_bytes(), false), row.rule)),
        _ => None,
    });
    rows.collect()
});

/// The names that a row looks for in a folder, `*.x` and `x.*` among them.
pub(super) fn markers() -> impl Iterator<Item = &'static str> {
    ROWS.iter()
        .flat_map(|row| match row.by {
            By::Marker(with, without) => [with, without],
            By::Beside(_, markers) => [markers, &[]],
            By::Name(_) | By::Files(_) => [&[][..], &[]],
        })
        .flatten()
        .copied()
}

/// Whether a file or folder of that name may mark a folder.
pub(super) fn is_marker(name: &[u8]) -> bool {
    static MARKERS: LazyLock<HashSet<&[u8]>> =
        LazyLock::new(|| markers().map(str::as_bytes).collect());
    MARKERS.contains(name) || pattern_marker(name).is_some()
}

/// The marker `*.x` or `x.*` that a name fits.
pub(super) fn pattern_marker(name: &[u8]) -> Option<&'static str> {
    static PATTERNS: LazyLock<Vec<&str>> =
        LazyLock::new(|| markers().filter(|marker| marker.contains('*')).collect());
    let fits = |marker: &&&str| {
        let (start, end) = marker.split_once('*').unwrap_or_default();
        name.starts_with(start.as_bytes()) && name.ends_with(end.as_bytes())
    };
    PATTERNS.iter().find(fits).copied()
}

/// The rule by which an entry is left out for its name.
pub(super) fn of_name(name: &[u8], is_directory: bool) -> Option<&'static str> {
    if is_directory {
        return NAMES.get(name).copied();
    }
    let mut rows = FILES.iter();
    let (_, rule) = rows.find(|(patterns, _)| patterns.verdict(name, false) == Some(true))?;
    Some(rule)
}

/// The rule by which a folder with these names in it is left out.
pub(super) fn of_markers(names: &BTreeSet<&'static str>) -> Option<&'static str> {
    ROWS.iter().find_map(|row| match row.by {
        By::Marker(with, without) => (with.iter().all(|name| names.contains(name))
            && !without.iter().any(|name| names.contains(name)))
        .then_some(row.rule),
        _ => None,
    })
}

/// The folders that are left out in a folder with these names in it, with their rules.
pub(super) fn beside(names: &BTreeSet<&'static str>) -> Vec<(&'static str, &'static str)> {
    let rows = ROWS.iter().filter_map(|row| match row.by {
        By::Beside(folders, markers) => markers
            .iter()
            .any(|marker| names.contains(marker))
            .then(|| folders.iter().map(|folder| (*folder, row.rule))),
        _ => None,
    });
    rows.flatten().collect()
}
