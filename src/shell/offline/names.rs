//! What languages, kinds of definitions and well-known base classes are called in a sentence. All of it is data.

use crate::model::language::Language;

/// Languages whose files are described by what they define.
const CODE: &[&str] = &[
    "python",
    "rust",
    "javascript",
    "typescript",
    "tsx",
    "go",
    "java",
    "c",
    "cpp",
    "csharp",
    "ruby",
    "php",
    "shell",
    "kotlin",
    #[cfg(feature = "swift")]
    "swift",
    #[cfg(feature = "scala")]
    "scala",
    #[cfg(feature = "haskell")]
    "haskell",
    "vue",
    "svelte",
    "dart",
    "lua",
    "elixir",
    "zig",
    "powershell",
    "protobuf",
    "graphql",
    "terraform",
    "css",
    "scss",
];

/// Languages that are not spelled as their name with a capital letter.
const DISPLAY: &[(&str, &str)] = &[
    ("javascript", "JavaScript"),
    ("typescript", "TypeScript"),
    ("tsx", "TSX"),
    ("go-module", "Go module"),
    ("cpp", "C++"),
    ("csharp", "C#"),
    ("objective-c", "Objective-C"),
    ("php", "PHP"),
    ("ocaml", "OCaml"),
    ("powershell", "PowerShell"),
    ("sql", "SQL"),
    ("html", "HTML"),
    ("css", "CSS"),
    ("scss", "SCSS"),
    ("restructuredtext", "reStructuredText"),
    ("text", "text"),
    ("json", "JSON"),
    ("yaml", "YAML"),
    ("toml", "TOML"),
    ("ini", "INI"),
    ("xml", "XML"),
    ("csv", "CSV"),
    ("ignore-list", "ignore list"),
    ("git-attributes", "git attributes"),
    ("cmake", "CMake"),
    ("protobuf", "Protocol Buffers"),
    ("graphql", "GraphQL"),
    ("gettext", "gettext"),
    ("tex", "TeX"),
    ("image", "image"),
    ("font", "font"),
    ("audio", "audio"),
    ("video", "video"),
    ("archive", "archive"),
    ("pdf", "PDF"),
    ("gettext-binary", "compiled gettext"),
    ("object-code", "object code"),
    ("database", "database"),
    ("notebook", "notebook"),
    ("diff", "diff"),
    ("assembly", "assembly"),
    ("shell", "shell"),
    ("batch", "batch"),
    ("make", "make"),
];

/// A noun for definitions, and whether a name alone under it says anything.
pub(super) struct Noun {
    pub singular: &'static str,
    pub plural: &'static str,
    /// The names of such definitions are all alike: only the noun speaks.
    pub bare: bool,
}

const fn noun(singular: &'static str, plural: &'static str) -> Noun {
    Noun {
        singular,
        plural,
        bare: false,
    }
}

const fn bare(singular: &'static str, plural: &'static str) -> Noun {
    Noun {
        singular,
        plural,
        bare: true,
    }
}

/// Kinds of elements, in the order in which they are named. Other kinds are not named.
const KINDS: &[(&str, Noun)] = &[
    ("class", noun("class", "classes")),
    ("record", noun("record", "records")),
    ("struct", noun("struct", "structs")),
    ("enum", noun("enum", "enums")),
    ("union", noun("union", "unions")),
    ("trait", noun("trait", "traits")),
    ("interface", noun("interface", "interfaces")),
    ("annotation", noun("annotation", "annotations")),
    ("object", noun("object", "objects")),
    ("protocol", noun("protocol", "protocols")),
    ("mixin", noun("mixin", "mixins")),
    ("delegate", noun("delegate", "delegates")),
    ("concept", noun("concept", "concepts")),
    ("service", noun("service", "services")),
    ("message", noun("message", "messages")),
    ("input", noun("input", "inputs")),
    ("scalar", noun("scalar", "scalars")),
    ("directive", noun("directive", "directives")),
    ("operation", noun("operation", "operations")),
    ("fragment", noun("fragment", "fragments")),
    ("resource", noun("resource", "resources")),
    ("data", noun("data source", "data sources")),
    ("provider", noun("provider", "providers")),
    ("output", noun("output", "outputs")),
    ("selector", noun("selector", "selectors")),
    ("function", noun("function", "functions")),
    ("macro", noun("macro", "macros")),
    ("type", noun("type", "types")),
    ("constant", noun("constant", "constants")),
    ("static", noun("static", "statics")),
    ("variable", noun("variable", "variables")),
    ("module", noun("module", "modules")),
];

/// What a class is, by the last part of a base class's name.
const BASES: &[(&str, Noun)] = &[
    ("Migration", bare("Django migration", "Django migrations")),
    (
        "BaseCommand",
        bare("Django management command", "Django management commands"),
    ),
    (
        "AppCommand",
        bare("Django management command", "Django management commands"),
    ),
    (
        "AppConfig",
        noun("Django app configuration", "Django app configurations"),
    ),
    ("BaseModel", noun("data model", "data models")),
    ("GenericModel", noun("data model", "data models")),
    ("Model", noun("model", "models")),
    ("TypedDict", noun("typed dictionary", "typed dictionaries")),
    ("NamedTuple", noun("named tuple", "named tuples")),
    ("Protocol", noun("protocol", "protocols")),
    ("Enum", noun("enumeration", "enumerations")),
    ("IntEnum", noun("enumeration", "enumerations")),
    ("StrEnum", noun("enumeration", "enumerations")),
    ("Flag", noun("enumeration", "enumerations")),
    ("TextChoices", noun("enumeration", "enumerations")),
    ("Exception", noun("exception", "exceptions")),
    ("BaseException", noun("exception", "exceptions")),
    ("Warning", noun("warning", "warnings")),
    ("Form", noun("form", "forms")),
    ("ModelForm", noun("form", "forms")),
    ("ModelAdmin", noun("admin page", "admin pages")),
];

/// Ends of the names of exceptions.
const EXCEPTION_ENDS: [&str; 5] = ["Error", "Exception", "Warning", "DoesNotExist", "Interrupt"];

/// Decorators that say what a class is.
const DECORATORS: &[(&str, Noun)] = &[("dataclass", noun("data class", "data classes"))];

/// Modules that are imported so often that their names say nothing.
const ORDINARY: &[&str] = &[
    "__future__",
    "abc",
    "argparse",
    "array",
    "ast",
    "asyncio",
    "base64",
    "bisect",
    "builtins",
    "codecs",
    "collections",
    "contextlib",
    "copy",
    "csv",
    "ctypes",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "enum",
    "errno",
    "fnmatch",
    "functools",
    "gc",
    "getopt",
    "getpass",
    "glob",
    "gzip",
    "hashlib",
    "heapq",
    "html",
    "http",
    "importlib",
    "inspect",
    "io",
    "itertools",
    "json",
    "keyword",
    "locale",
    "logging",
    "math",
    "mimetypes",
    "multiprocessing",
    "numbers",
    "operator",
    "optparse",
    "os",
    "pathlib",
    "pickle",
    "pkgutil",
    "platform",
    "pprint",
    "queue",
    "random",
    "re",
    "secrets",
    "shlex",
    "shutil",
    "signal",
    "site",
    "socket",
    "stat",
    "string",
    "struct",
    "subprocess",
    "sys",
    "sysconfig",
    "tempfile",
    "textwrap",
    "threading",
    "time",
    "timeit",
    "token",
    "tokenize",
    "traceback",
    "types",
    "typing",
    "typing_extensions",
    "unicodedata",
    "unittest",
    "urllib",
    "uuid",
    "warnings",
    "weakref",
    "zipfile",
    "zlib",
    "zoneinfo",
    "fs",
    "path",
    "util",
    "events",
    "stream",
    "crypto",
    "buffer",
    "child_process",
    "net",
    "tls",
    "dns",
    "assert",
    "process",
    "querystring",
    "readline",
    "ctype",
    "fcntl",
    "float",
    "inttypes",
    "limits",
    "poll",
    "pthread",
    "pwd",
    "sched",
    "setjmp",
    "unistd",
    "wchar",
    "windows",
    "std",
    "core",
    "alloc",
    "crate",
    "super",
    "self",
];

/// Modules of a package whose names are not what the package is there for.
pub(super) const MINOR_MODULES: [&str; 8] = [
    "types",
    "utils",
    "util",
    "compat",
    "version",
    "constants",
    "exceptions",
    "errors",
];

/// Base classes that say nothing of what is derived from them.
pub(super) const EMPTY_BASES: [&str; 3] = ["object", "Generic", "ABC"];

/// Whether files of a language are described by what they define.
pub(super) fn is_code(language: &str) -> bool {
    CODE.contains(&language)
}

/// Whether an imported module says something about the file.
pub(super) fn is_telling_import(module: &str) -> bool {
    !ORDINARY.contains(&module) && !module.is_empty()
}

/// A language as people write it.
pub(super) fn display(language: &str) -> String {
    let spelled = DISPLAY.iter().find(|(name, _)| *name == language);
    if let Some((_, spelled)) = spelled {
        return (*spelled).to_owned();
    }
    if let Some(spelled) = Language::named(language).and_then(Language::display) {
        return spelled.to_owned();
    }
    super::words::capital(language)
}

/// The noun for an element of this kind, and its place in the order of telling.
pub(super) fn kind(kind: &str) -> Option<(usize, &'static Noun)> {
    let at = KINDS.iter().position(|(name, _)| *name == kind)?;
    Some((at, &KINDS[at].1))
}

/// The noun that a base class gives.
pub(super) fn base(base: &str) -> Option<&'static Noun> {
    let known = BASES.iter().find(|(name, _)| *name == base);
    let known = known.or_else(|| {
        let exception = EXCEPTION_ENDS.iter().any(|end| base.ends_with(end));
        BASES
            .iter()
            .find(|(name, _)| exception && *name == "Exception")
    });
    known.map(|(_, noun)| noun)
}

/// The noun that a decorator gives.
pub(super) fn decorator(decorator: &str) -> Option<&'static Noun> {
    let name = decorator.trim_start_matches('@').split('(').next()?;
    let last = name.rsplit('.').next()?;
    DECORATORS
        .iter()
        .find(|(name, _)| *name == last)
        .map(|(_, noun)| noun)
}
