#!/usr/bin/env python3
"""Builds a wheel of the program: a zip that `pip install` and `uvx` unpack, with no build step on the user's machine.

usage: wheel.py --binary PATH --version X.Y.Z --platform TAG --readme README.md --output DIR

The wheel is named `epitome-cli`, because `epitome` is another project on PyPI. It installs two commands: `epitome`, the
program itself, and `epitome-cli`, which replaces itself by the program, so that `uvx epitome-cli` works.
Equal inputs give equal bytes: entries are sorted, and their time is SOURCE_DATE_EPOCH.
"""

import argparse
import base64
import hashlib
import os
import pathlib
import time
import zipfile

NAME = "epitome_cli"
LAUNCHER = '''"""Starts the `epitome` program that this package installs."""

import os
import shutil
import sys
import sysconfig


def main():
    name = "epitome"
    folders = [os.path.dirname(os.path.abspath(sys.argv[0])), sysconfig.get_path("scripts")]
    candidates = [os.path.join(folder, name) for folder in folders] + [shutil.which(name) or ""]
    for program in candidates:
        if os.access(program, os.X_OK):
            os.execv(program, [program, *sys.argv[1:]])
    sys.exit("epitome-cli: the program `epitome` is missing: reinstall the package")
'''
SUMMARY = "Keeps an up-to-date summary of every file and folder in your repositories"


def record_hash(data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
    return "sha256=" + digest.rstrip(b"=").decode()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("binary", "version", "platform", "readme", "output"):
        parser.add_argument("--" + name, required=True)
    options = parser.parse_args()

    info = f"{NAME}-{options.version}.dist-info"
    metadata = "\n".join(
        [
            "Metadata-Version: 2.1",
            "Name: epitome-cli",
            f"Version: {options.version}",
            f"Summary: {SUMMARY}",
            "License: MIT OR Apache-2.0",
            "Requires-Python: >=3.8",
            "Description-Content-Type: text/markdown",
            "",
            pathlib.Path(options.readme).read_text(),
        ]
    )
    wheel = "\n".join(
        [
            "Wheel-Version: 1.0",
            "Generator: epitome contrib/packaging/wheel.py",
            "Root-Is-Purelib: false",
            f"Tag: py3-none-{options.platform}",
            "",
        ]
    )
    files = {
        f"{NAME}/__init__.py": (LAUNCHER.encode(), 0o644),
        f"{NAME}-{options.version}.data/scripts/epitome": (pathlib.Path(options.binary).read_bytes(), 0o755),
        f"{info}/METADATA": (metadata.encode(), 0o644),
        f"{info}/WHEEL": (wheel.encode(), 0o644),
        f"{info}/entry_points.txt": (b"[console_scripts]\nepitome-cli = epitome_cli:main\n", 0o644),
    }
    rows = [f"{name},{record_hash(data)},{len(data)}" for name, (data, _) in sorted(files.items())]
    record = f"{info}/RECORD"
    files[record] = ("\n".join([*rows, f"{record},,", ""]).encode(), 0o644)

    moment = time.gmtime(max(int(os.environ.get("SOURCE_DATE_EPOCH", "315532800")), 315532800))[:6]
    output = pathlib.Path(options.output)
    output.mkdir(parents=True, exist_ok=True)
    path = output / f"{NAME}-{options.version}-py3-none-{options.platform}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, (data, mode) in sorted(files.items()):
            entry = zipfile.ZipInfo(name, moment)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100000 | mode) << 16
            archive.writestr(entry, data)
    print(path)


if __name__ == "__main__":
    main()
