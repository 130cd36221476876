#!/usr/bin/env python3
"""Compare outlines with universal-ctags and the TypeScript compiler on real code.

    benches/outlines/compare.py target/release/epitome [--fetch DIR] [DIR...]

`--fetch DIR` downloads the projects of projects.py into DIR first (with pip, npm, cargo and git). For each language it
prints how many definitions the other tool lists outside function bodies, how many of them the outline has (recall), and
how many elements of the same kinds the other tool has too (confirmed). JavaScript and TypeScript are compared with the
compiler, which Node finds in the current folder (`npm install typescript@5.9`). `--misses N` prints N misses of each
language, and what was left out of the other tool's list, by rule (truth.py).
"""

import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import projects
import truth

NEAR = 15


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


def names(element):
    name = element["name"].strip("'\"`").replace("operator ", "operator")
    # ctags lists each part of `namespace a::b`.
    parts = name.split("::") if element["kind"] == "namespace" else []
    if "operator" not in name:
        parts.append(name.split("<")[0].split("::")[-1])
    return {name, name.split("::")[-1].split(".")[-1].lstrip("~@"), name.lstrip("~"), *parts}


def compare(language, files, misses):
    listed, left_out = truth.listed(language, list(files), files)
    if language in truth.COMPILER:
        files = {path: node for path, node in files.items() if path in listed}
    ours = {path: [(names(element), element) for element in node["elements"]] for path, node in files.items()}
    total, missed = 0, []
    for path, definitions in listed.items():
        for name, kind, line in definitions:
            total += 1
            hit = any(name in known or name.lstrip("~") in known for known, element in ours.get(path, [])
                      if abs(element["line_start"] - line) <= NEAR or element["line_start"] <= line <= element["line_end"])
            if not hit:
                missed.append((path, line, kind, name))
    theirs = collections.defaultdict(set)
    if language in truth.COMPILER:
        theirs |= {path: {one.name for one in definitions} for path, definitions in listed.items()}
    else:
        theirs |= {path: {truth.short(tag["name"]) for tag in tags} for path, tags in truth.ctags(language, list(files)).items()}
    counted = confirmed = 0
    for path, elements in ours.items():
        for known, element in elements:
            if element["kind"] in truth.KINDS - truth.NOT.get(language, set()):
                counted += 1
                confirmed += bool(known & theirs.get(path, set()))
    partial = sum(node.get("partial", False) for node in files.values())
    share = lambda part, whole: f"{100 * part / whole:.2f} %" if whole else "-"
    print(f"| {language} | {len(files):,} | {total:,} | {share(total - len(missed), total)} | {counted:,} | "
          f"{share(confirmed, counted)} | {partial:,} |", flush=True)
    if misses:
        print(f"    left out: {dict(left_out)}; missed {len(missed)}", file=sys.stderr)
    for path, line, kind, name in missed[:misses]:
        print(f"    {path}:{line}: {kind} {name}", file=sys.stderr)


def looks_cpp(path):
    text = pathlib.Path(path).read_text(errors="replace")
    return re.search(r"^\s*(class\s+\w+[^;()]*\{|namespace\b|template\s*<|using\s+\w+)", text, re.M) is not None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("folders", nargs="*", type=pathlib.Path)
    parser.add_argument("--fetch", type=pathlib.Path)
    parser.add_argument("--language", action="append", help="only this language")
    parser.add_argument("--misses", type=int, default=0)
    arguments = parser.parse_args()
    folders = list(arguments.folders)
    if arguments.fetch:
        projects.fetch(arguments.fetch)
        folders.append(arguments.fetch)
    by_language = collections.defaultdict(dict)
    for folder in folders:
        for path, node in outlines(arguments.binary, folder.resolve()).items():
            language = node.get("language")
            if language == "c" and path.endswith(".h") and looks_cpp(path):
                language = "cpp"
            if language in truth.CTAGS or language in truth.COMPILER:
                by_language[language][path] = node
    print("| language | files | listed | recall | elements | confirmed | partial files |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for language in arguments.language or sorted(by_language):
        if by_language[language]:
            compare(language, by_language[language], arguments.misses)


if __name__ == "__main__":
    main()
