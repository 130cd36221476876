//! A user with a private systemd user manager, created for one test by `tests/with-user-systemd`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::home::{Done, finish};
use super::{Alone, Repo, copy_folder};

/// The user and the manager; dropping it removes both.
pub struct SystemdUser {
    script: Child,
    uid: u32,
    gid: u32,
    pub home: PathBuf,
    pub runtime: PathBuf,
}

impl SystemdUser {
    /// `None` where the system allows none; the reason is printed past the test runner's capture.
    pub fn new(test: &str) -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/with-user-systemd");
        let folder = tempfile::tempdir().unwrap();
        let errors = folder.path().join("stderr");
        let mut script = Command::new(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&errors).unwrap())
            .spawn_alone()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(script.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [uid, gid, home, runtime] = fields[..] else {
            let status = script.wait().unwrap();
            let errors = fs::read_to_string(errors).unwrap();
            assert_eq!(status.code(), Some(77), "{errors}");
            let reason = errors.lines().last().unwrap_or_default();
            let _ = writeln!(std::io::stderr(), "skipped: {test}: {reason}");
            return None;
        };
        let user = Self {
            script,
            uid: uid.parse().unwrap(),
            gid: gid.parse().unwrap(),
            home: home.into(),
            runtime: runtime.into(),
        };
        user.put_program();
        Some(user)
    }

    /// Installs the program into the user's home, which cannot read the build folder. Replaces an earlier copy.
    pub fn put_program(&self) {
        let folder = self.home.join("bin");
        fs::create_dir_all(&folder).unwrap();
        let new = folder.join("new");
        fs::copy(env!("CARGO_BIN_EXE_epitome"), &new).unwrap();
        fs::rename(new, folder.join("epitome")).unwrap();
    }

    /// Writes a file in the user's home.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.home.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        for path in path.ancestors().take_while(|path| *path != self.home) {
            chown(path, Some(self.uid), Some(self.gid)).unwrap();
        }
    }

    /// A copy of a repository in the user's home.
    pub fn put_repository(&self, repo: &Repo) -> String {
        let path = self.home.join("repository");
        copy_folder(Path::new(&repo.at("")), &path);
        let owner = format!("{}:{}", self.uid, self.gid);
        let done = finish(Command::new("chown").arg("-R").arg(owner).arg(&path));
        done.expect(0);
        path.to_str().unwrap().to_owned()
    }

    /// Runs a program as the user.
    #[track_caller]
    pub fn run(&self, program: &str, arguments: &[&str]) -> Done {
        finish(
            Command::new("setpriv")
                .arg(format!("--reuid={}", self.uid))
                .arg(format!("--regid={}", self.gid))
                .args(["--clear-groups", program])
                .args(arguments)
                .env_clear()
                .env("HOME", &self.home)
                .env("XDG_RUNTIME_DIR", &self.runtime)
                .env("PATH", "/usr/local/bin:/usr/bin:/bin")
                .current_dir(&self.home)
                .stdin(Stdio::null()),
        )
    }

    /// Runs the installed program as the user.
    #[track_caller]
    pub fn epitome(&self, arguments: &[&str]) -> Done {
        let program = self.home.join("bin/epitome");
        self.run(program.to_str().unwrap(), arguments)
    }

    /// Runs `systemctl --user` and asserts success.
    #[track_caller]
    pub fn systemctl(&self, arguments: &[&str]) -> String {
        let arguments = [&["--user"], arguments].concat();
        self.run("systemctl", &arguments).expect(0).stdout
    }

    /// A property of the daemon's unit.
    #[track_caller]
    pub fn property(&self, name: &str) -> String {
        let property = format!("--property={name}");
        let text = self.systemctl(&["show", "--value", &property, "epitome.service"]);
        text.trim().to_owned()
    }

    /// The log of the manager and its services, for failing tests.
    pub fn log(&self) -> String {
        fs::read_to_string(self.runtime.join("manager.log")).unwrap_or_default()
    }
}

impl Drop for SystemdUser {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("--- log of the user's systemd:\n{}", self.log());
        }
        // The script exits at the end of its input.
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}
