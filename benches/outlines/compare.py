#!/usr/bin/env python3
"""Compare outlines with universal-ctags on real code.

    benches/outlines/compare.py target/release/epitome [--fetch DIR] [DIR...]

`--fetch DIR` downloads the projects below into DIR first (with pip, npm and cargo). For each language it prints how many
definitions ctags lists outside function bodies, how many of them the outline has (recall), and how many elements of the
same kinds ctags has too (precision). `--misses N` prints N misses of each language.

ctags invents some definitions and misses others: read the misses before you trust a figure.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile

# Language in the outline: its name in ctags.
LANGUAGES = {
    "python": "Python", "rust": "Rust", "go": "Go", "java": "Java", "javascript": "JavaScript",
    "typescript": "TypeScript", "c": "C", "cpp": "C++", "csharp": "C#", "ruby": "Ruby", "php": "PHP",
    "shell": "Sh", "kotlin": "Kotlin", "lua": "Lua", "elixir": "Elixir", "protobuf": "Protobuf",
    "powershell": "PowerShell", "haskell": "Haskell", "scss": "SCSS", "css": "CSS",
}
# Kinds that count; the kinds of values differ too much between the two.
KINDS = {
    "function", "method", "class", "struct", "union", "enum", "interface", "trait", "type", "typedef", "alias",
    "constructor", "module", "singletonMethod", "message", "service", "rpc", "mixin", "object", "protocol", "record",
    "macro", "prototype", "namespace",
}
# In these languages a kind of ctags means something else.
NOT = {"rust": {"macro", "module"}, "c": {"macro"}, "cpp": {"macro"}, "python": {"module", "namespace"},
       "csharp": {"namespace"}, "php": {"namespace"}, "typescript": {"namespace", "module"}}
CALLABLE = {"function", "method", "member", "constructor", "singletonMethod"}
NEAR = 15

PYPI = ["flask==3.0.3", "requests==2.32.3", "django==5.2", "cffi==1.17.1"]
NPM = ["express@4.21.0", "eslint@9.17.0", "webpack@5.97.0", "rxjs@7.8.1", "zod@4.0.0", "re2@1.21.4",
       "react-native@0.76.0", "node-addon-api@8.3.0"]
CRATES = ["tokio", "syn", "libc", "regex-syntax"]


def fetch(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for package in PYPI:
        run(["pip", "download", "-q", "--no-deps", "--no-binary", ":all:", package, "-d", "."], folder)
    for package in NPM:
        run(["npm", "pack", "--silent", package], folder)
    for archive in [*folder.glob("*.tgz"), *folder.glob("*.tar.gz")]:
        target = folder / archive.name.split(".t")[0]
        if not target.exists():
            with tarfile.open(archive) as tar:
                tar.extractall(target, filter="data")
    # cargo has no command that downloads a crate alone: a package that depends on them does.
    if not (folder / "crates").exists():
        run(["cargo", "init", "-q", "--name", "crates", "crates"], folder)
        run(["cargo", "add", "-q", *CRATES], folder / "crates")
        run(["cargo", "vendor", "-q", "vendor"], folder / "crates")


def run(command, folder):
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if result.returncode:
        print(f"{' '.join(command)}: {result.stderr.strip().splitlines()[-1:]}", file=sys.stderr)


def outlines(binary, folder):
    """Language and elements of each file, by its path."""
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, "HOME": home, "EPITOME_CONFIG": f"{home}/c.toml", "EPITOME_DATA_DIR": f"{home}/d",
               "EPITOME_SOCKET": f"{home}/s", "EPITOME_NO_SPAWN": "1"}
        pathlib.Path(f"{home}/c.toml").write_text("")
        out = subprocess.run([binary, "index", str(folder), "--json", "--yes"], env=env, capture_output=True, check=True)
    found = {}
    todo = [json.loads(out.stdout)]
    while todo:
        node = todo.pop()
        todo.extend(node.get("children", []))
        if node["kind"] == "file":
            found[str(folder / node["path"])] = node
    return found


def tags(language, paths):
    """What ctags lists in these files outside function bodies: path, name, kind, line."""
    command = ["ctags", f"--language-force={LANGUAGES[language]}", "--output-format=json", "--fields=+neKZS", "-L", "-", "-f", "-"]
    if language in ("c", "cpp"):
        command.insert(1, "--kinds-C=+p")
    out = subprocess.run(command, input="\n".join(paths), capture_output=True, text=True, errors="replace")
    by_file = collections.defaultdict(list)
    for line in out.stdout.splitlines():
        try:
            tag = json.loads(line)
        except ValueError:
            continue
        if tag.get("_type") == "tag":
            by_file[tag["path"]].append(tag)
    for path, found in by_file.items():
        bodies = [(tag["line"], tag["end"]) for tag in found
                  if tag.get("kind") in CALLABLE and tag.get("end", 0) > tag["line"]]
        for tag in found:
            inside = tag.get("scopeKind") in CALLABLE or any(start < tag["line"] <= end for start, end in bodies)
            anonymous = tag["name"].startswith(("__anon", "anonymous", "AnonymousFunction", "<lambda>"))
            kind = tag.get("kind")
            if kind in KINDS - NOT.get(language, set()) and not inside and not anonymous:
                yield path, short(tag["name"]), kind, tag["line"]


def short(name):
    """A name without its scope, written as an element's is."""
    return name.split("::")[-1].split(".")[-1].replace("operator ", "operator")


def names(element):
    name = element["name"].strip("'\"`").replace("operator ", "operator")
    return {name, name.split("::")[-1].split(".")[-1].lstrip("~@"), name.lstrip("~")}


def compare(language, files, misses):
    listed = list(tags(language, list(files)))
    ours = {path: [(names(element), element) for element in node["elements"]] for path, node in files.items()}
    found, missed = 0, []
    for path, name, kind, line in listed:
        hit = any(name in known or name.lstrip("~") in known for known, element in ours.get(path, [])
                  if abs(element["line_start"] - line) <= NEAR or element["line_start"] <= line <= element["line_end"])
        found += hit
        if not hit:
            missed.append((path, line, kind, name))
    theirs = collections.defaultdict(set)
    for path, name, _, _ in tags_all(language, list(files)):
        theirs[path].add(name)
    counted = confirmed = 0
    for path, elements in ours.items():
        for known, element in elements:
            if element["kind"] in KINDS - NOT.get(language, set()):
                counted += 1
                confirmed += bool(known & theirs[path])
    partial = sum(node.get("partial", False) for node in files.values())
    share = lambda part, whole: f"{100 * part / whole:.2f} %" if whole else "-"
    print(f"| {language} | {len(files):,} | {len(listed):,} | {share(found, len(listed))} | {counted:,} | "
          f"{share(confirmed, counted)} | {partial:,} |")
    for path, line, kind, name in missed[:misses]:
        print(f"    {path}:{line}: {kind} {name}", file=sys.stderr)


def tags_all(language, paths):
    command = ["ctags", f"--language-force={LANGUAGES[language]}", "--output-format=json", "--fields=+nK", "-L", "-", "-f", "-"]
    if language in ("c", "cpp"):
        command.insert(1, "--kinds-C=+p")
    out = subprocess.run(command, input="\n".join(paths), capture_output=True, text=True, errors="replace")
    for line in out.stdout.splitlines():
        try:
            tag = json.loads(line)
        except ValueError:
            continue
        if tag.get("_type") == "tag":
            yield tag["path"], short(tag["name"]), tag.get("kind"), tag.get("line")


def looks_cpp(path):
    text = pathlib.Path(path).read_text(errors="replace")
    return re.search(r"^\s*(class\s+\w+[^;()]*\{|namespace\b|template\s*<|using\s+\w+)", text, re.M) is not None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("folders", nargs="*", type=pathlib.Path)
    parser.add_argument("--fetch", type=pathlib.Path)
    parser.add_argument("--misses", type=int, default=0)
    arguments = parser.parse_args()
    folders = list(arguments.folders)
    if arguments.fetch:
        fetch(arguments.fetch)
        folders.append(arguments.fetch)
    by_language = collections.defaultdict(dict)
    for folder in folders:
        for path, node in outlines(arguments.binary, folder.resolve()).items():
            language = node.get("language")
            if language == "c" and path.endswith(".h") and looks_cpp(path):
                language = "cpp"
            if language in LANGUAGES:
                by_language[language][path] = node
    print("| language | files | ctags lists | recall | elements | confirmed by ctags | partial files |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for language in LANGUAGES:
        if by_language[language]:
            compare(language, by_language[language], arguments.misses)


if __name__ == "__main__":
    main()
