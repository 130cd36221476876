//! The daemon's cost while nothing happens that concerns it: the real program, observed through `/proc`.
//!
//! `cargo bench --bench idle`, with `-- --seconds 60` (the idle time), `--files 360` (in the repository), `--repo PATH` (a
//! folder of yours, only read, for memory and watches). Linux only.
#![allow(clippy::print_stdout)]

#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
mod user;

#[cfg(target_os = "linux")]
mod cases {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::time::{Duration, Instant};

    use super::process::{Before, memory};
    use super::user::User;

    /// The command line's options.
    pub struct Options {
        pub seconds: u64,
        pub files: usize,
        pub repo: Option<PathBuf>,
    }

    impl Options {
        pub fn read() -> Self {
            let mut options = Self {
                seconds: 60,
                files: 360,
                repo: None,
            };
            let mut arguments = std::env::args().skip(1);
            while let Some(argument) = arguments.next() {
                let mut value = || arguments.next().unwrap_or_default();
                match argument.as_str() {
                    "--seconds" => options.seconds = value().parse().unwrap_or(options.seconds),
                    "--files" => options.files = value().parse().unwrap_or(options.files),
                    "--repo" => options.repo = Some(value().into()),
                    // `cargo bench` passes --bench.
                    _ => {}
                }
            }
            options
        }
    }

    /// Files that a build writes into an ignored folder, and files that another program reads.
    const OTHERS_FILES: usize = 20_000;

    fn grow(root: &Path, files: usize) -> std::io::Result<()> {
        fs::create_dir_all(root.join(".git"))?;
        fs::write(root.join(".gitignore"), "/target/\n")?;
        for number in 0..files {
            let folder = root.join(format!("pkg{}/mod{}", number % 6, number % 30));
            fs::create_dir_all(&folder)?;
            let text = format!("\"\"\"Part {number}.\"\"\"\n\n\ndef f{number}(x):\n    return x\n");
            fs::write(folder.join(format!("f{number}.py")), text)?;
        }
        Ok(())
    }

    fn build(root: &Path) -> std::io::Result<()> {
        for number in 0..OTHERS_FILES {
            let folder = root.join(format!("target/debug/deps{}", number % 200));
            fs::create_dir_all(&folder)?;
            fs::write(folder.join(format!("{number}.o")), "object")?;
        }
        Ok(())
    }

    fn read_all(folder: &Path, count: &mut usize) -> std::io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                if entry.file_name() != "target" {
                    read_all(&entry.path(), count)?;
                }
            } else {
                fs::read(entry.path())?;
                *count += 1;
            }
        }
        Ok(())
    }

    pub fn run(options: &Options) -> std::io::Result<()> {
        let user = User::new()?;
        let root = user.repo();
        grow(&root, options.files)?;
        let daemon = user.daemon(&root)?;
        user.wait(&root)?;
        println!(
            "{} files: {}, {} watches",
            options.files,
            memory(daemon.pid())?,
            user.watches()?
        );
        // The deadlines that a request leaves behind (its barrier, a flush) have passed by then.
        std::thread::sleep(Duration::from_secs(8));
        let before = Before::of(daemon.pid())?;
        std::thread::sleep(Duration::from_secs(options.seconds));
        println!("nothing, for {} s: {}", options.seconds, before.since()?);

        let before = Before::of(daemon.pid())?;
        let began = Instant::now();
        build(&root)?;
        let took = began.elapsed().as_secs_f64();
        std::thread::sleep(Duration::from_secs(1));
        println!(
            "a build that writes {OTHERS_FILES} ignored files, {took:.1} s: {}",
            before.since()?
        );

        let before = Before::of(daemon.pid())?;
        let mut read = 0;
        while read < OTHERS_FILES {
            read_all(&root, &mut read)?;
        }
        std::thread::sleep(Duration::from_secs(1));
        println!("another program reads {read} files: {}", before.since()?);
        println!("after all that: {} watches", user.watches()?);
        drop(daemon);

        if let Some(repo) = &options.repo {
            let repo = fs::canonicalize(repo)?;
            let user = User::new()?;
            let began = Instant::now();
            let daemon = user.daemon(&repo)?;
            user.wait(&repo)?;
            println!(
                "{}: {} files in {:.1} s, {}, {} watches, {}",
                repo.display(),
                user.files()?,
                began.elapsed().as_secs_f64(),
                Before::start(daemon.pid()).since()?,
                user.watches()?,
                memory(daemon.pid())?
            );
        }
        Ok(())
    }
}

#[cfg(target_os = "linux")]
fn main() -> std::io::Result<()> {
    cases::run(&cases::Options::read())
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("this bench reads /proc: it runs on Linux only");
}
