"""The projects of the comparison, and how they are fetched."""

import pathlib
import subprocess
import sys
import tarfile

PYPI = ["flask==3.0.3", "requests==2.32.3", "django==5.2"]
NPM = ["express@4.21.0", "eslint@9.17.0", "webpack@5.97.0", "rxjs@7.8.1", "zod@4.0.0", "react-native@0.76.0"]
CRATES = ["tokio", "syn", "libc", "regex-syntax"]
GITHUB = [
    "google/gson", "apache/commons-lang", "FasterXML/jackson-databind",
    "gin-gonic/gin", "spf13/cobra", "etcd-io/etcd",
    "redis/redis", "curl/curl", "lua/lua", "git/git",
    "abseil/abseil-cpp", "fmtlib/fmt", "google/leveldb", "nlohmann/json",
    "JamesNK/Newtonsoft.Json", "DapperLib/Dapper", "App-vNext/Polly",
    "Seldaek/monolog", "guzzle/guzzle", "laravel/framework",
    "square/okhttp", "Kotlin/kotlinx.coroutines", "ktorio/ktor",
    "lunarmodules/Penlight", "luarocks/luarocks", "awesomeWM/awesome",
    "phoenixframework/phoenix", "elixir-ecto/ecto", "elixir-plug/plug",
    "rack/rack", "sinatra/sinatra", "rubocop/rubocop",
    "nvm-sh/nvm", "acmesh-official/acme.sh", "ohmyzsh/ohmyzsh",
]


def fetch(folder: pathlib.Path):
    """Downloads into a folder what is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for package in PYPI:
        name = package.split("==")[0]
        if not any(path.name.lower().startswith(name) for path in folder.iterdir()):
            run(["pip", "download", "-q", "--no-deps", "--no-binary", ":all:", package, "-d", "."], folder)
    for package in NPM:
        if not (folder / package.replace("@", "-")).exists():
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
    for project in GITHUB:
        if not (folder / project.split("/")[1]).exists():
            run(["git", "clone", "-q", "--depth", "1", f"https://github.com/{project}"], folder)


def run(command, folder):
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if result.returncode:
        print(f"{' '.join(command)}: {result.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
