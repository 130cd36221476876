#!/usr/bin/env python3
"""Measures how well `epitome search` finds the files that a change touches.

    benches/search/recall.py GIT_DIRECTORY... [--commits N] [--binary PATH] [--without-others]

For each of the last commits that touch one to eight source files, the query is the commit's subject, the right answers
are the touched source files, and the tree is the one before the commit. The table compares

    epitome         the ten best files of `epitome search`
    bm25            BM25 over the contents of all text files
    bm25 source     the same over source files only
    rg              the files with the most of the query's words, then the most lines with any of them

by recall at 10, mean reciprocal rank (MRR) and how often the first hit is right (hit@1). Only Python and git are needed.
The git directory is only read; the work tree is a temporary folder.
"""

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter

SOURCE = {
    ".c", ".cc", ".cpp", ".cs", ".go", ".h", ".hpp", ".java", ".js", ".jsx", ".kt", ".mjs", ".php", ".py", ".pyi", ".rb",
    ".rs", ".scala", ".swift", ".ts", ".tsx", ".vue", ".svelte",
}
OTHERS = re.compile(
    r"(^|/)(tests?|__tests__|testdata|fixtures|specs?|e2e|docs?|examples?|samples?|demos?|benches|benchmarks?|vendor|www)/"
    r"|(^|/)(test_[^/]*|conftest)\.py$|_test\.(go|py|rs)$|\.(test|spec)\.[a-z]+$|(^|/)tests?\.(py|rs)$"
)
NOISE = re.compile(r"^(merge|revert|bump|release|version|v?\d+\.|chore\(deps|build\(deps|update (dependency|changelog))", re.I)
WORD = re.compile(r"[A-Za-z][a-z]+|[A-Z]+(?![a-z])|[a-z]+|\d+")
STOP = set("a an and are as at be by for from in into is it its of on or so that the this to was when with not".split())


def git(directory, *arguments):
    return subprocess.run(
        ["git", f"--git-dir={directory}", *arguments], check=True, capture_output=True, text=True, errors="replace"
    ).stdout


def queries(directory, number):
    """(commit, parent, subject, touched source files), oldest first."""
    found = []
    log = git(directory, "log", "--no-merges", "--first-parent", "--format=%x01%H %P%x02%s", "--name-status", "-n", str(number * 12))
    for entry in log.split("\x01")[1:]:
        head, *rest = entry.splitlines()
        hashes, subject = head.split("\x02", 1)
        hashes = hashes.split()
        if len(hashes) != 2 or NOISE.match(subject):
            continue
        subject = re.sub(r"\(#\d+\)|#\d+", "", subject).strip()
        touched = [line.split("\t")[-1] for line in rest if line.startswith("M\t")]
        answers = [path for path in touched if os.path.splitext(path)[1] in SOURCE and not OTHERS.search(path)]
        words = [word for word in WORD.findall(subject) if word.lower() not in STOP]
        if 1 <= len(answers) <= 8 and len(words) >= 3:
            found.append((hashes[0], hashes[1], subject, answers))
        if len(found) == number:
            break
    return found[::-1]


def words(text):
    return [word.lower() for word in WORD.findall(text)]


class Bm25:
    """Plain BM25 over contents, kept up to date by blob."""

    def __init__(self):
        self.counts = {}

    def rank(self, files, query, only=lambda path: True):
        documents = [(path, self.counts[blob]) for path, blob in files.items() if only(path) and blob in self.counts]
        average = sum(sum(counts.values()) for _, counts in documents) / max(len(documents), 1) or 1
        terms = {word for word in words(query) if word not in STOP}
        scores = Counter()
        for term in terms:
            holding = [(path, counts) for path, counts in documents if term in counts]
            idf = math.log(1 + (len(documents) - len(holding) + 0.5) / (len(holding) + 0.5))
            for path, counts in holding:
                norm = 1.2 * (0.25 + 0.75 * sum(counts.values()) / average)
                scores[path] += idf * counts[term] * 2.2 / (counts[term] + norm)
        return [path for path, _ in scores.most_common(10)]


def rg(texts, query):
    terms = {word for word in words(query) if word not in STOP}
    scores = []
    for path, text in texts.items():
        lower = text.lower()
        lines = [line for line in lower.splitlines() if any(term in line for term in terms)]
        held = sum(term in lower for term in terms)
        if held:
            scores.append((-held, -len(lines), path))
    return [path for _, _, path in sorted(scores)[:10]]


class Epitome:
    def __init__(self, binary, root):
        self.home = tempfile.mkdtemp(prefix="epitome-recall-")
        self.binary = binary
        self.root = root
        self.environment = {
            **os.environ, "EPITOME_CONFIG": f"{self.home}/config.toml", "EPITOME_DATA_DIR": f"{self.home}/data",
            "EPITOME_SOCKET": f"{self.home}/socket",
        }
        open(f"{self.home}/config.toml", "w").close()
        self.daemon = subprocess.Popen(
            [binary, "daemon", root], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(600):
            if os.path.exists(f"{self.home}/socket"):
                break
            time.sleep(0.1)
        self.run("wait", root)

    def run(self, *arguments):
        done = subprocess.run([self.binary, *arguments], env=self.environment, cwd=self.root, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"epitome {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def search(self, query):
        # An operator in a subject would be an operator of the search.
        query = query.replace(":", " ")[:900]
        start = time.perf_counter()
        found = json.loads(self.run("search", "--json", "--", query))
        while found.get("unindexed"):
            # The index is still being built.
            found = json.loads(self.run("search", "--json", "--", query))
        return [hit["path"] for hit in found["hits"]], time.perf_counter() - start

    def close(self):
        self.daemon.terminate()
        self.daemon.wait()
        subprocess.run(["rm", "-rf", self.home])


def score(ranked, answers):
    ranks = [ranked.index(path) + 1 for path in answers if path in ranked]
    return len(ranks) / min(len(answers), 10), 1 / min(ranks) if ranks else 0.0, float(1 in ranks)


def measure(directory, arguments):
    table = {}
    seconds = []
    root = tempfile.mkdtemp(prefix="epitome-recall-tree-")
    subprocess.run(["git", "init", "-q", root], check=True)
    chosen = queries(directory, arguments.commits)
    checkout(directory, chosen[0][1], root)
    epitome = Epitome(arguments.binary, root)
    bm25 = Bm25()
    misses = []
    for commit, parent, subject, answers in chosen:
        checkout(directory, parent, root)
        epitome.run("wait", root)
        ranked, took = epitome.search(subject)
        seconds.append(took)
        results = {"epitome": ranked}
        if not arguments.without_others:
            files, texts = contents(directory, parent, root, bm25)
            is_source = lambda path: os.path.splitext(path)[1] in SOURCE and not OTHERS.search(path)
            results["bm25"] = bm25.rank(files, subject)
            results["bm25 source"] = bm25.rank(files, subject, is_source)
            results["rg"] = rg(texts, subject)
        for name, ranked in results.items():
            table.setdefault(name, []).append(score(ranked, answers))
        if score(results["epitome"], answers)[1] < 0.5:
            misses.append((subject, answers, results["epitome"][:5]))
    epitome.close()
    subprocess.run(["rm", "-rf", root])
    return table, seconds, misses


def checkout(directory, commit, root):
    environment = {**os.environ, "GIT_INDEX_FILE": f"{root}/.git/recall-index"}
    run = lambda *words: subprocess.run(
        ["git", f"--git-dir={directory}", f"--work-tree={root}", *words], env=environment, check=True, capture_output=True
    )
    if os.path.exists(f"{root}/.git/recall-index"):
        run("read-tree", "--reset", "-u", commit)
    else:
        run("read-tree", commit)
        run("checkout-index", "-a", "-f")


def contents(directory, commit, root, bm25):
    files, texts = {}, {}
    for line in git(directory, "ls-tree", "-r", commit).splitlines():
        head, path = line.split("\t", 1)
        mode, _, blob = head.split()
        if not mode.startswith("100"):
            continue
        try:
            with open(os.path.join(root, path), encoding="utf-8") as file:
                text = file.read(512 << 10)
        except (OSError, UnicodeDecodeError):
            continue
        files[path], texts[path] = blob, text
        if blob not in bm25.counts:
            bm25.counts[blob] = Counter(words(path + " " + text))
    return files, texts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directories", nargs="+", metavar="GIT_DIRECTORY")
    parser.add_argument("--commits", type=int, default=40)
    parser.add_argument("--binary", default="target/release/epitome")
    parser.add_argument("--without-others", action="store_true", help="measure Epitome only")
    parser.add_argument("--misses", action="store_true", help="print the queries whose answer is not among the first two")
    arguments = parser.parse_args()
    arguments.binary = os.path.abspath(arguments.binary)
    everything = {}
    print(f"{'repository':<24} {'ranking':<12} {'queries':>7} {'recall@10':>9} {'MRR':>5} {'hit@1':>5}")

    def show(repository, table):
        for name, scores in table.items():
            means = [sum(column) / len(scores) for column in zip(*scores)]
            print(f"{repository:<24} {name:<12} {len(scores):>7} {means[0]:>9.2f} {means[1]:>5.2f} {means[2]:>5.2f}", flush=True)

    times = []
    for directory in arguments.directories:
        table, seconds, misses = measure(directory, arguments)
        times += seconds
        parts = [part for part in directory.rstrip("/").split("/") if part not in (".git", "repo")]
        show(parts[-1], table)
        for name, scores in table.items():
            everything.setdefault(name, []).extend(scores)
        if arguments.misses:
            for subject, answers, ranked in misses:
                print(f"  {subject}\n    want {', '.join(answers)}\n    got  {', '.join(ranked)}")
    show("all", everything)
    times.sort()
    print(f"one search, process start included: median {times[len(times) // 2] * 1e3:.0f} ms, slowest {times[-1] * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
