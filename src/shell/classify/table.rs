//! The rows, first match first. To treat another kind of file so, add a row.

use crate::model::contents::ContentKind;

/// A row: a file for which all of `by` hold is of this kind.
pub(super) struct Row {
    pub(super) kind: ContentKind,
    pub(super) by: &'static [By],
}

/// One condition. Names are in lower case.
pub(super) enum By {
    /// The file's name is one of these.
    Name(&'static [&'static str]),
    /// The name ends in one of these.
    Ending(&'static [&'static str]),
    /// The name begins with one of these.
    Beginning(&'static [&'static str]),
    /// The name up to its first dot is one of these, a number at its end aside.
    Stem(&'static [&'static str]),
    /// A folder above it has one of these names.
    Folder(&'static [&'static str]),
    /// The name of a folder above it ends in one of these.
    FolderEnding(&'static [&'static str]),
    /// Its language is one of these.
    Language(&'static [&'static str]),
    /// It has more bytes.
    Above(usize),
    /// One of these is in its first 4 KiB.
    Contains(&'static [&'static [u8]]),
    /// It begins with one of these, white space aside.
    Begins(&'static [&'static [u8]]),
    /// Nine of ten bytes are digits, also hexadecimal ones, and what stands between numbers.
    Numbers,
    /// Its lines have more bytes on average.
    LongLines(usize),
    /// A comment at its top says that it is generated.
    GeneratedMarker,
}

/// What a rule calls text that is not summarized.
pub(super) const LABELS: [(ContentKind, &str); 12] = [
    (ContentKind::Lock, "Lock file"),
    (ContentKind::Minified, "Minified or bundled code"),
    (ContentKind::Generated, "Generated"),
    (ContentKind::Vendored, "Copy of another project"),
    (ContentKind::Data, "Data"),
    (ContentKind::Translation, "Translations"),
    (ContentKind::Licence, "Licence"),
    (ContentKind::Certificate, "Certificate or public key"),
    (ContentKind::Picture, "Image as text"),
    (ContentKind::DeclaredGenerated, "Generated"),
    (ContentKind::DeclaredVendored, "Copy of another project"),
    (ContentKind::DeclaredDocumentation, "Documentation"),
];

/// Kinds whose label says all.
pub(super) const OPAQUE: [ContentKind; 3] = [
    ContentKind::Minified,
    ContentKind::Certificate,
    ContentKind::Picture,
];

/// Formats that hold data.
const DATA: By = By::Ending(&[
    ".json", ".yaml", ".yml", ".xml", ".txt", ".html", ".sql", ".toml", ".plist", ".svg", ".log",
    ".csv", ".md", ".dat", ".out", ".in", ".golden",
]);

/// Languages of running text; none where the name says nothing.
const PROSE: &[&str] = &[
    "markdown",
    "restructuredtext",
    "text",
    "asciidoc",
    "org",
    "",
];

/// Folders of translations.
const CATALOGUES: By = By::Folder(&[
    "locale",
    "locales",
    "i18n",
    "l10n",
    "translations",
    "lang",
    "langs",
    "intl",
    "messages",
]);

/// Languages that catalogues are written in.
const CODE: By = By::Ending(&[".ts", ".js", ".mjs", ".cjs", ".php", ".rb"]);

const LANGUAGE_CODES: &[&str] = &[
    "ar", "bg", "bn", "ca", "cs", "da", "de", "de-at", "de-ch", "de-de", "el", "en", "en-gb",
    "en-us", "en_gb", "en_us", "es", "es-es", "es-mx", "et", "eu", "fa", "fi", "fr", "fr-ca",
    "fr-fr", "he", "hi", "hr", "hu", "id", "it", "it-it", "ja", "ja-jp", "ko", "ko-kr", "lt", "lv",
    "ms", "nb", "nl", "nl-nl", "nn", "no", "pl", "pl-pl", "pt", "pt-br", "pt-pt", "pt_br", "ro",
    "ru", "ru-ru", "sk", "sl", "sr", "sv", "sv-se", "th", "tr", "uk", "ur", "vi", "zh", "zh-cn",
    "zh-hans", "zh-hant", "zh-tw", "zh_cn", "zh_tw",
];

pub(super) const ROWS: &[Row] = &[
    Row {
        kind: ContentKind::Lock,
        by: &[By::Name(&[
            "package-lock.json",
            "npm-shrinkwrap.json",
            "shrinkwrap.yaml",
            "pnpm-lock.yaml",
            "go.sum",
            "go.work.sum",
            "cartfile.resolved",
            "package.resolved",
            "gradle.lockfile",
            "buildscript-gradle.lockfile",
            "packages.lock.json",
            "project.assets.json",
            "cabal.project.freeze",
            "conda-lock.yml",
            ".terraform.lock.hcl",
            "dub.selections.json",
            "maven_install.json",
            "pnpm-lock.yml",
            "stack.yaml.lock",
            "pylock.toml",
            "gems.locked",
            "symfony.lock",
            "bun.lockb",
            "verification-metadata.xml",
            "package.pins",
        ])],
    },
    Row {
        kind: ContentKind::Lock,
        by: &[By::Ending(&[
            ".lock",
            ".lock.json",
            ".lock.yaml",
            ".lock.yml",
            ".lock.toml",
            ".lock.hcl",
            "-lock.json",
            "-lock.yaml",
            "-lock.yml",
            "-lock.toml",
            ".lock.txt",
            ".lockfile",
            ".locked",
        ])],
    },
    Row {
        kind: ContentKind::Lock,
        by: &[By::Beginning(&["pylock."]), By::Ending(&[".toml"])],
    },
    Row {
        kind: ContentKind::Lock,
        by: &[By::Folder(&["nix", "npins"]), By::Name(&["sources.json"])],
    },
    Row {
        kind: ContentKind::Lock,
        by: &[By::Folder(&["dune.lock", "esy.lock"])],
    },
    Row {
        kind: ContentKind::Picture,
        by: &[By::Ending(&[
            ".svg",
            ".eps",
            ".ps",
            ".xpm",
            ".xbm",
            ".drawio",
            ".excalidraw",
        ])],
    },
    Row {
        kind: ContentKind::Picture,
        by: &[By::Begins(&[b"<svg", b"%!PS", b"#FIG "])],
    },
    Row {
        kind: ContentKind::Certificate,
        by: &[By::Begins(&[
            b"-----BEGIN CERTIFICATE",
            b"-----BEGIN TRUSTED CERTIFICATE",
            b"-----BEGIN X509",
            b"-----BEGIN PUBLIC",
            b"-----BEGIN RSA PUBLIC",
            b"-----BEGIN PGP PUBLIC",
            b"-----BEGIN PGP SIGNATURE",
            b"-----BEGIN NEW CERT",
            b"---- BEGIN SSH2 PUBLIC",
            b"-----BEGIN PKCS7",
            b"-----BEGIN DH PARAM",
            b"-----BEGIN EC PARAM",
        ])],
    },
    Row {
        kind: ContentKind::Certificate,
        by: &[By::Ending(&[
            ".crt", ".cer", ".csr", ".crl", ".p7b", ".asc", ".sig", ".pub", ".gpg",
        ])],
    },
    // A bundle with remarks.
    Row {
        kind: ContentKind::Certificate,
        by: &[
            By::Language(&["", "text"]),
            By::Contains(&[b"\n-----BEGIN CERTIFICATE-----\n"]),
        ],
    },
    Row {
        kind: ContentKind::Certificate,
        by: &[By::Name(&["known_hosts", "authorized_keys", "cacert.pem"])],
    },
    Row {
        kind: ContentKind::Translation,
        by: &[By::Ending(&[
            ".po",
            ".pot",
            ".xlf",
            ".xliff",
            ".arb",
            ".xcstrings",
            ".stringsdict",
            ".strings",
            ".tmx",
            ".resx",
            ".xtb",
        ])],
    },
    Row {
        kind: ContentKind::Translation,
        by: &[
            By::Folder(&[
                "locale",
                "locales",
                "_locales",
                "i18n",
                "l10n",
                "translations",
                "lang",
                "langs",
                "lproj",
                "intl",
            ]),
            By::Ending(&[
                ".json",
                ".yml",
                ".yaml",
                ".xml",
                ".properties",
                ".ftl",
                ".ini",
                ".toml",
                ".json5",
                ".lang",
            ]),
        ],
    },
    // Catalogues in code: `i18n/de.ts`, `lang/de/messages.php`.
    Row {
        kind: ContentKind::Translation,
        by: &[CATALOGUES, By::Stem(LANGUAGE_CODES), CODE],
    },
    Row {
        kind: ContentKind::Translation,
        by: &[CATALOGUES, By::Folder(LANGUAGE_CODES), CODE],
    },
    Row {
        kind: ContentKind::Translation,
        by: &[
            By::Folder(&["strings", "nls", "translation"]),
            By::Stem(LANGUAGE_CODES),
            By::Ending(&[".json", ".yml", ".yaml", ".properties"]),
        ],
    },
    // Of Visual Studio Code.
    Row {
        kind: ContentKind::Translation,
        by: &[By::Beginning(&["package.nls."]), By::Ending(&[".json"])],
    },
    Row {
        kind: ContentKind::Translation,
        by: &[
            By::Ending(&[".ts"]),
            By::Contains(&[b"<!DOCTYPE TS>", b"<TS version"]),
        ],
    },
    Row {
        kind: ContentKind::Translation,
        by: &[By::Name(&[
            "strings.xml",
            "plurals.xml",
            "messages.properties",
        ])],
    },
    Row {
        kind: ContentKind::Translation,
        by: &[
            By::Beginning(&[
                "messages_",
                "strings_",
                "labels_",
                "translations_",
                "validationmessages_",
                "i18n_",
                "bundle_",
            ]),
            By::Ending(&[".properties"]),
        ],
    },
    Row {
        kind: ContentKind::Minified,
        by: &[By::Ending(&[
            ".min.js",
            ".min.mjs",
            ".min.cjs",
            ".min.css",
            "-min.js",
            "-min.css",
            ".pack.js",
            ".bundle.js",
            ".bundle.mjs",
            ".bundle.css",
            ".chunk.js",
            ".chunk.css",
            ".js.map",
            ".mjs.map",
            ".cjs.map",
            ".css.map",
            ".ts.map",
        ])],
    },
    Row {
        kind: ContentKind::Minified,
        by: &[
            By::Language(&["javascript", "css", "typescript", "html"]),
            By::Above(2_000),
            By::LongLines(400),
        ],
    },
    Row {
        kind: ContentKind::Minified,
        by: &[
            By::Language(&["javascript"]),
            By::Above(2_000),
            By::Contains(&[
                b"webpackBootstrap",
                b"__webpack_require__",
                b"webpackJsonp",
                b"parcelRequire",
                b"webpackChunk",
                b"var __commonJS = (cb",
                b"var __toESM = (",
                b"var __toCommonJS = (",
                b"var Module = typeof Module",
                b"var Module=typeof Module",
            ]),
        ],
    },
    // A source map.
    Row {
        kind: ContentKind::Minified,
        by: &[
            By::Ending(&[".map"]),
            By::Begins(&[b"{\"version\"", b"{\"mappings\""]),
        ],
    },
    Row {
        kind: ContentKind::Minified,
        by: &[
            By::Above(20_000),
            By::LongLines(2_000),
            By::Language(&[
                "python", "php", "lua", "java", "c", "cpp", "csharp", "ruby", "go", "scss", "vue",
                "svelte", "jsx", "tsx",
            ]),
        ],
    },
    Row {
        kind: ContentKind::Generated,
        by: &[By::Ending(&[
            "_pb2.py",
            "_pb2.pyi",
            "_pb2_grpc.py",
            "_pb2_grpc.pyi",
            ".pb.go",
            ".pb.gw.go",
            ".pb.cc",
            ".pb.h",
            ".pb.validate.go",
            ".pb.swift",
            ".grpc.swift",
            ".pbobjc.h",
            ".pbobjc.m",
            "_pb.js",
            "_pb.ts",
            "_pb.d.ts",
            "_grpc_pb.js",
            "_grpc.pb.go",
            ".pb.dart",
            ".pbenum.dart",
            ".pbjson.dart",
            ".pbserver.dart",
            ".g.dart",
            ".freezed.dart",
            ".gr.dart",
            ".mocks.dart",
            ".designer.cs",
            ".designer.vb",
            ".g.cs",
            ".g.i.cs",
            ".generated.cs",
            ".generated.ts",
            ".generated.js",
            ".generated.go",
            ".generated.graphql",
            "_generated.go",
            "_generated.rs",
            "_generated.py",
            "_generated.ts",
            "_generated.js",
            "_generated.h",
            ".gen.go",
            ".gen.ts",
            ".pbxproj",
            ".xcworkspacedata",
            ".nib",
            ".xib",
            ".storyboard",
            ".snippet.g.cs",
            "_easyjson.go",
        ])],
    },
    Row {
        kind: ContentKind::Generated,
        by: &[By::Name(&[
            "gradlew",
            "gradlew.bat",
            "mvnw",
            "mvnw.cmd",
            "routetree.gen.ts",
            "next-env.d.ts",
            ".pnp.js",
            ".pnp.cjs",
            ".pnp.loader.mjs",
            "hex_metadata.config",
            "dependency-reduced-pom.xml",
        ])],
    },
    Row {
        kind: ContentKind::Generated,
        by: &[
            By::Language(&["java", "kotlin", "scala", "csharp"]),
            By::Contains(&[
                b"\n@Generated(",
                b"\n@javax.annotation.Generated(",
                b"\n@javax.annotation.processing.Generated(",
                b"\n@jakarta.annotation.Generated(",
                b"[System.CodeDom.Compiler.GeneratedCode",
                b"[global::System.CodeDom.Compiler.GeneratedCode",
            ]),
        ],
    },
    Row {
        kind: ContentKind::Generated,
        by: &[
            By::Name(&["meta.yml", "meta.json", "mymeta.yml", "mymeta.json"]),
            By::Contains(&[b"generated_by"]),
        ],
    },
    Row {
        kind: ContentKind::Generated,
        by: &[By::Beginning(&["zz_generated"])],
    },
    // Of Qt.
    Row {
        kind: ContentKind::Generated,
        by: &[
            By::Beginning(&["moc_", "qrc_"]),
            By::Ending(&[".cpp", ".cc", ".cxx"]),
        ],
    },
    Row {
        kind: ContentKind::Generated,
        by: &[By::GeneratedMarker],
    },
    Row {
        kind: ContentKind::Vendored,
        by: &[By::Folder(&[
            "vendor",
            "vendors",
            "third_party",
            "third-party",
            "thirdparty",
            "3rdparty",
            "3rd_party",
            "3rd-party",
            "godeps",
            "node_modules",
            "bower_components",
            "jspm_packages",
            "site-packages",
            "_vendor",
            "_vendored",
            "vendored",
            "flow-typed",
            "carthage",
            ".yarn",
            "extern",
            "external",
            "externals",
        ])],
    },
    // Of the Autoconf archive.
    Row {
        kind: ContentKind::Vendored,
        by: &[By::Beginning(&["ax_"]), By::Ending(&[".m4"])],
    },
    Row {
        kind: ContentKind::Vendored,
        by: &[
            By::Beginning(&[
                "jquery-",
                "jquery.",
                "bootstrap.",
                "bootstrap-",
                "modernizr",
                "d3.v",
                "react-dom.",
                "vue.global",
                "font-awesome",
                "normalize.css",
                "prism.",
                "mathjax",
                "tinymce",
                "ckeditor",
                "require.js",
            ]),
            By::Ending(&[".js", ".css"]),
            By::Above(8_000),
        ],
    },
    Row {
        kind: ContentKind::Data,
        by: &[By::Ending(&[
            ".csv",
            ".tsv",
            ".psv",
            ".ndjson",
            ".jsonl",
            ".jsonlines",
            ".geojson",
            ".topojson",
            ".har",
            ".log",
            ".lcov",
            ".dump",
            ".ldif",
            ".nt",
            ".nq",
            ".ttl",
            ".fasta",
            ".fa",
            ".fastq",
            ".gff",
            ".gtf",
            ".vcf",
            ".bed",
            ".sam",
            ".pdb",
            ".obj",
            ".mtl",
            ".stl",
            ".ply",
            ".off",
            ".dxf",
            ".gcode",
            ".srec",
            ".bdf",
            ".gml",
            ".kml",
            ".gpx",
            ".arff",
            ".libsvm",
            ".snap",
            ".ambr",
            ".golden",
            ".approved.txt",
            ".tape",
            ".cast",
            ".verified.txt",
            ".verified.json",
            ".verified.xml",
            ".verified.html",
            ".verified.cs",
            ".received.txt",
            ".approved.json",
            ".approved.xml",
            ".snap.json",
            ".expected.json",
            ".expected.txt",
            ".srt",
            ".vtt",
            ".ics",
            ".hex",
            ".ihex",
            ".ppm",
            ".pgm",
            ".pbm",
            ".wkt",
            ".gltf",
            ".dae",
            ".usda",
            ".kicad_pcb",
            ".kicad_mod",
            ".mtx",
            ".cube",
            ".svm",
            ".lottie.json",
            ".sfd",
            ".afm",
            ".glyphs",
            ".ttx",
        ])],
    },
    Row {
        kind: ContentKind::Data,
        by: &[By::FolderEnding(&[".ufo", ".glyphspackage"])],
    },
    Row {
        kind: ContentKind::Data,
        by: &[By::Above(20_000), By::Numbers],
    },
    // People explain their data.
    Row {
        kind: ContentKind::Text,
        by: &[By::Stem(&["readme"]), By::Language(PROSE)],
    },
    Row {
        kind: ContentKind::Data,
        by: &[
            By::Folder(&[
                "__snapshots__",
                "snapshots",
                "cassettes",
                "vcr_cassettes",
                "__recordings__",
                "__image_snapshots__",
                "__file_snapshots__",
                "snapshot",
            ]),
            DATA,
        ],
    },
    Row {
        kind: ContentKind::Data,
        by: &[
            By::Folder(&[
                "fixtures",
                "fixture",
                "__fixtures__",
                "testdata",
                "test-data",
                "test_data",
                "testfiles",
                "goldens",
                "golden",
                "corpus",
                "datasets",
            ]),
            DATA,
        ],
    },
    Row {
        kind: ContentKind::Data,
        by: &[
            By::Folder(&["test", "tests", "spec"]),
            By::Folder(&["data"]),
            DATA,
        ],
    },
    Row {
        kind: ContentKind::Data,
        by: &[
            By::Ending(&[".sql"]),
            By::Contains(&[
                b"-- MySQL dump",
                b"-- MariaDB dump",
                b"-- PostgreSQL database dump",
                b"-- SQLite",
                b"-- Dumped from",
                b"-- phpMyAdmin SQL Dump",
                b"PRAGMA foreign_keys=OFF;",
                b"-- Dump",
            ]),
        ],
    },
    Row {
        kind: ContentKind::Data,
        by: &[
            By::Ending(&[".sql"]),
            By::Above(20_000),
            By::Contains(&[b"INSERT INTO", b"insert into", b"COPY "]),
        ],
    },
    Row {
        kind: ContentKind::Data,
        by: &[By::Language(&["json"]), By::Above(20_000)],
    },
    Row {
        kind: ContentKind::Data,
        by: &[By::Language(&["xml", "yaml"]), By::Above(100_000)],
    },
    Row {
        kind: ContentKind::Data,
        by: &[
            By::Ending(&[".txt", ".dat", ".list", ".lst", ".dic", ".aff"]),
            By::Above(200_000),
        ],
    },
    Row {
        kind: ContentKind::ChangeLog,
        by: &[
            By::Stem(&[
                "changelog",
                "change-log",
                "change_log",
                "changes",
                "history",
                "news",
                "releases",
                "release-notes",
                "release_notes",
                "releasenotes",
                "whatsnew",
                "whats_new",
                "whats-new",
            ]),
            By::Language(PROSE),
            By::Above(8_000),
        ],
    },
    Row {
        kind: ContentKind::Licence,
        by: &[By::Beginning(&["license", "licence"]), By::Language(PROSE)],
    },
    Row {
        kind: ContentKind::Licence,
        by: &[
            By::Stem(&[
                "copying",
                "copyright",
                "unlicense",
                "eula",
                "mit-license",
                "notice",
                "patents",
            ]),
            By::Language(PROSE),
        ],
    },
    Row {
        kind: ContentKind::Licence,
        by: &[By::Folder(&["licenses", "licences"]), By::Language(PROSE)],
    },
    Row {
        kind: ContentKind::Generated,
        by: &[By::Name(&[
            "pkg-info",
            "installed-files.txt",
            "top_level.txt",
        ])],
    },
    Row {
        kind: ContentKind::Generated,
        by: &[By::FolderEnding(&[".dist-info", ".egg-info"])],
    },
    // What a bundler wrote: such a folder is committed by packages that are published as they are.
    Row {
        kind: ContentKind::Generated,
        by: &[
            By::Folder(&["dist"]),
            By::Ending(&[".js", ".mjs", ".cjs", ".d.ts", ".d.mts", ".d.cts", ".css"]),
        ],
    },
    Row {
        kind: ContentKind::Vendored,
        by: &[By::Name(&[
            "configure",
            "config.guess",
            "config.sub",
            "aclocal.m4",
            "libtool.m4",
            "ltoptions.m4",
            "ltsugar.m4",
            "ltversion.m4",
            "lt~obsolete.m4",
            "ltmain.sh",
            "install-sh",
            "depcomp",
            "missing",
            "compile",
            "test-driver",
            "cpplint.py",
            "erlang.mk",
            "dotnet-install.sh",
            "dotnet-install.ps1",
        ])],
    },
];
