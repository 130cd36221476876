# Homebrew formula. `url` and `sha256` are those of the released source archive: replace OWNER and the sum.
class Epitome < Formula
  desc "Keeps an up-to-date summary of every file and folder in your repositories"
  homepage "https://github.com/OWNER/epitome"
  url "https://github.com/OWNER/epitome/archive/refs/tags/v0.1.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license any_of: ["MIT", "Apache-2.0"]

  depends_on "rust" => :build

  def install
    system "cargo", "install", *std_cargo_args
    generate_completions_from_executable(bin/"epitome", "completions")
    system bin/"epitome", "man", "--output", buildpath/"man"
    man1.install Dir["man/*.1"]
  end

  service do
    run [opt_bin/"epitome", "daemon"]
    keep_alive crashed: true
  end

  test do
    (testpath/"main.py").write "def greet():\n    \"\"\"Say hello.\"\"\"\n"
    assert_match "main.py", shell_output("#{bin}/epitome index --json #{testpath}")
  end
end
