"""What another tool lists in a file: universal-ctags, and for JavaScript and TypeScript the TypeScript compiler."""

import collections
import json
import pathlib
import re
import subprocess
import sys

# Language in the outline: its name in ctags.
CTAGS = {
    "python": "Python", "rust": "Rust", "go": "Go", "java": "Java", "c": "C", "cpp": "C++", "csharp": "C#", "ruby": "Ruby",
    "php": "PHP", "shell": "Sh", "kotlin": "Kotlin", "lua": "Lua", "elixir": "Elixir", "protobuf": "Protobuf",
    "powershell": "PowerShell", "scss": "SCSS", "css": "CSS",
}
COMPILER = {"javascript", "typescript", "tsx"}
# Kinds that count; the kinds of values differ too much between the two.
KINDS = {
    "function", "func", "method", "class", "struct", "union", "enum", "interface", "trait", "type", "typedef", "alias",
    "constructor", "module", "singletonMethod", "message", "service", "rpc", "mixin", "object", "protocol", "record",
    "macro", "prototype", "namespace", "methodSpec", "subtype", "implementation", "guard", "delegate", "callback",
}
# In these languages a kind of ctags means something else.
NOT = {"rust": {"macro", "module", "implementation"}, "c": {"macro"}, "cpp": {"macro"}, "python": {"module", "namespace"},
       "csharp": {"namespace", "typedef"}, "php": {"namespace", "alias"}, "java": {"package"}, "go": {"package"}, "shell": {"alias"}, "ruby": {"alias"}}
CALLABLE = {"function", "func", "method", "member", "constructor", "singletonMethod", "subroutine"}

Definition = collections.namedtuple("Definition", "name kind line")


def listed(language, paths, outlines):
    """By path what the tool lists outside function bodies, and a count of what was left out, by the rule."""
    if language in COMPILER:
        return compiler(paths)
    found, left_out = collections.defaultdict(list), collections.Counter()
    for path, tags in ctags(language, paths).items():
        lines = pathlib.Path(path).read_text(errors="replace").split("\n")
        bodies = [(tag["line"], tag["end"]) for tag in tags
                  if tag.get("kind") in CALLABLE and tag.get("end", 0) > tag["line"]]
        # ctags has no end of functions for some languages; the outline's ranges count where the file has no errors.
        if language not in ("c", "cpp") and not outlines[path].get("partial"):
            bodies += [(element["line_start"], element["line_end"]) for element in outlines[path]["elements"]
                       if element["kind"] in CALLABLE and element["line_end"] > element["line_start"]]
        if language in ("c", "cpp"):
            bodies += macro_blocks(lines)
        seen = set()
        for tag in tags:
            kind, name, line = tag.get("kind"), short(tag["name"]), tag["line"]
            if kind not in KINDS - NOT.get(language, set()):
                continue
            rule = invented(language, tag, name, kind, line, lines, bodies)
            if rule is None and (name, line) in seen:
                rule = "listed twice"
            seen.add((name, line))
            if rule:
                left_out[rule] += 1
            else:
                found[path].append(Definition(name, kind, line))
    return found, left_out


def invented(language, tag, name, kind, line, lines, bodies):
    """The rule by which a tag is left out, or `None`."""
    text = lines[line - 1] if line <= len(lines) else ""
    if name.startswith(("__anon", "anonymous", "AnonymousFunction", "<lambda>")):
        return "no name"
    if tag.get("scopeKind") in CALLABLE or any(start < line <= end for start, end in bodies):
        return "inside a function"
    if not re.search(rf"(?<!\w){re.escape(name.split('=')[0].lstrip('~@'))}", text) and language not in ("kotlin",):
        return "the name is not on its line"
    for rule, languages, applies in RULES:
        if language in languages and applies(name, kind, text, lines, line):
            return rule
    return None


WORDS_OF_C = {
    "if", "for", "while", "switch", "return", "sizeof", "else", "do", "case", "catch", "throw", "new", "delete", "defined",
    "static_assert", "decltype", "alignas", "noexcept", "operator",
}

def is_macro_call(name, kind, text, *_):
    return kind in ("function", "prototype") and re.fullmatch(r"[A-Z_0-9]{2,}", name) and re.match(rf"\s*{name}\s*\(", text)


def macro_blocks(lines):
    """The lines of blocks such as `TEST_CASE("a") {`, to the line that closes them at the same indentation."""
    opened = None
    for number, line in enumerate(lines, 1):
        if opened is None and (match := re.match(r"([ \t]*)[A-Z_0-9]{4,}\(.*\)?\s*\{?\s*$", line)):
            following = next((line for line in lines[number:number + 3] if line.strip()), "")
            if line.rstrip().endswith("{") or following.strip() == "{" or following.rstrip().endswith("){") or following.rstrip().endswith(") {"):
                opened = (number, match[1])
        elif opened and line.rstrip() == opened[1] + "}":
            yield opened[0], number
            opened = None


# What ctags lists though it is no definition: the rule, its languages, and its test.
RULES = [
    ("a word of the language", ("c", "cpp", "csharp", "kotlin", "php", "java"), lambda name, *_: name in WORDS_OF_C),
    ("a macro's call", ("c", "cpp"), is_macro_call),
]


def ctags(language, paths):
    command = ["ctags", f"--language-force={CTAGS[language]}", "--output-format=json", "--fields=+neKZS", "-L", "-", "-f", "-"]
    if language in ("c", "cpp"):
        command[1:1] = ["--kinds-C=+p", "--kinds-C++=+p"]
    out = subprocess.run(command, input="\n".join(paths), capture_output=True, text=True, errors="replace")
    by_file = collections.defaultdict(list)
    for line in out.stdout.splitlines():
        try:
            tag = json.loads(line)
        except ValueError:
            continue
        if tag.get("_type") == "tag":
            by_file[tag["path"]].append(tag)
    return by_file


def compiler(paths):
    """What the TypeScript compiler lists; minified files and those with errors, such as Flow's types, are left out."""
    script = pathlib.Path(__file__).with_name("declarations.cjs")
    readable = [path for path in paths if not is_minified(path)]
    out = subprocess.run(["node", str(script)], input="\n".join(readable), capture_output=True, text=True)
    if out.returncode:
        sys.exit(out.stderr)
    found, left_out = {}, collections.Counter()
    left_out["minified files"] = len(paths) - len(readable)
    for line in out.stdout.splitlines():
        file = json.loads(line)
        if "errors" in file:
            left_out["files with errors"] += 1
            continue
        found[file["path"]] = [Definition(one["name"], one["kind"], one["line"]) for one in file["declarations"]]
    return found, left_out


def is_minified(path):
    text = pathlib.Path(path).read_bytes()
    return len(text) > 500 * (text.count(b"\n") + 1)


def short(name):
    """A name without its scope, written as an element's is."""
    return re.split(r"[.:]", name)[-1].replace("operator ", "operator")
