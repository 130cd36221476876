//! Generated trees.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

/// Files in one folder.
const IN_FOLDER: usize = 50;

/// A committed git repository of small Python files, 50 in each folder.
pub fn small_files(root: &Path, files: usize) -> io::Result<()> {
    for number in 0..files {
        let folder = number / IN_FOLDER;
        let folder = root.join(format!("part{}/pack{folder}", folder / IN_FOLDER));
        if number % IN_FOLDER == 0 {
            fs::create_dir_all(&folder)?;
        }
        let text = format!(
            "\"\"\"Module {number} of a generated tree.\"\"\"\n\nimport json\n\n\ndef handle_{number}(value):\n    \
             \"\"\"Handles value {number}.\"\"\"\n    return json.dumps(value + {number})\n"
        );
        fs::write(folder.join(format!("module{number}.py")), text)?;
    }
    let user = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"];
    for arguments in [
        &["init", "-q"][..],
        &["add", "-A"],
        &["commit", "-q", "-m", "tree"],
    ] {
        let mut git = Command::new("git");
        let done = git
            .arg("-C")
            .arg(root)
            .args(user)
            .args(arguments)
            .output()?;
        if !done.status.success() {
            let reason = String::from_utf8_lossy(&done.stderr).into_owned();
            return Err(io::Error::other(reason));
        }
    }
    Ok(())
}
