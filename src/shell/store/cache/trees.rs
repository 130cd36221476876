//! sled itself: opened, copied, closed. Its panics become damage, and what the operating system refuses stays that.

use std::any::Any;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::shell::store::background_io::BackgroundIo;
use crate::shell::store::error::StoreError;
use crate::shell::store::folder;

/// The tree. A change of a value's shape means a new number: other trees are dropped when the cache is opened.
pub(in super::super) const SUMMARIES: &str = "summaries.2";

/// Bytes of sled's page cache. It takes about three times as much in the end.
const CACHE_BYTES: u64 = 32 << 20;
/// How often sled tidies up and syncs by itself, in milliseconds, also when nothing happened: rarely, or it would keep
/// an idle machine's disk awake. The writer flushes what it wrote (see `Cache::flush`). The sync may come later: see
/// [`BackgroundIo`].
const FLUSH_MS: u64 = 30_000;
/// sled lets its own lock go a moment after a handle is dropped.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
/// A damaged sled may wait for a thread of its own that has died: closing it is abandoned after this time.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);
/// How many changes go to sled at once: a batch is held in memory whole.
pub(in super::super) const BATCH: usize = 512;

/// sled's handles.
pub(in super::super) struct Trees {
    pub(super) db: sled::Db,
    pub(in super::super) summaries: sled::Tree,
}

/// Why sled did not do what was asked.
pub(super) enum Trouble {
    /// Its bytes, or its state, make no sense.
    Damaged(String),
    /// The operating system refused. sled does nothing more until it is opened again.
    Io(io::Error),
    /// It is not open.
    Closed,
}

impl Trouble {
    pub(super) fn into_error(self, path: &Path) -> StoreError {
        match self {
            Self::Damaged(what) => StoreError::Damaged { what },
            Self::Io(source) => StoreError::io("use", path, source),
            Self::Closed => StoreError::Damaged {
                what: "it could not be opened again".to_owned(),
            },
        }
    }
}

impl From<sled::Error> for Trouble {
    fn from(error: sled::Error) -> Self {
        use io::ErrorKind::{
            OutOfMemory, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
        };
        // No more open files, in the process (24) or on the machine (23): std has no kind for them.
        const TOO_MANY_FILES: [i32; 2] = [23, 24];
        match error {
            // What the user or time can fix is not damage. Anything else may come from a damaged offset.
            sled::Error::Io(error)
                if matches!(
                    error.kind(),
                    PermissionDenied
                        | StorageFull
                        | QuotaExceeded
                        | ReadOnlyFilesystem
                        | OutOfMemory
                ) || error
                    .raw_os_error()
                    .is_some_and(|code| TOO_MANY_FILES.contains(&code)) =>
            {
                Self::Io(error)
            }
            other => Self::Damaged(one_line(&other.to_string())),
        }
    }
}

/// Runs something of sled's; its panics become damage.
pub(super) fn guarded<T>(act: impl FnOnce() -> sled::Result<T>) -> Result<T, Trouble> {
    let _unhurried = BackgroundIo::new();
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(outcome) => outcome.map_err(Trouble::from),
        Err(panic) => Err(Trouble::Damaged(one_line(&panic_text(&*panic)))),
    }
}

/// Opens the trees at `path`, where they may not be yet; those of an older format go.
pub(super) fn open_trees(path: &Path) -> Result<Trees, Trouble> {
    // sled's own files are for everybody whom the user's mask lets in.
    folder::make_private(path).map_err(Trouble::Io)?;
    let config = sled::Config::new()
        .path(path)
        .cache_capacity(CACHE_BYTES)
        .flush_every_ms(Some(FLUSH_MS));
    let began = Instant::now();
    let db = loop {
        match guarded(|| config.open()) {
            Err(Trouble::Damaged(what))
                if what.contains("acquire lock") && began.elapsed() < LOCK_PATIENCE =>
            {
                thread::sleep(Duration::from_millis(20));
            }
            other => break other?,
        }
    };
    guarded(|| {
        let known = [SUMMARIES, "__sled__default"];
        for name in db.tree_names() {
            if !known.iter().any(|known| known.as_bytes() == &name[..]) {
                db.drop_tree(&name)?;
            }
        }
        Ok(Trees {
            summaries: db.open_tree(SUMMARIES)?,
            db: db.clone(),
        })
    })
}

/// A key, and the value that it gets; `None`: it goes.
pub(in super::super) type Change = (Vec<u8>, Option<Vec<u8>>);

/// Changes one key after the other, in order: a crash leaves the first of them. A batch of sled's would leave all or
/// none, and pays for that with two or three writes to the disk of its own, each waited for, however little it holds.
/// In a first index most hold one value.
pub(in super::super) fn change(tree: &sled::Tree, changes: &[Change]) -> sled::Result<()> {
    for (key, value) in changes {
        match value {
            Some(value) => tree.insert(key, &value[..])?,
            None => tree.remove(key)?,
        };
    }
    Ok(())
}

/// Writes all that the trees hold into a new database at `path`, and closes that.
pub(super) fn copy_trees(trees: &Trees, path: &Path) -> Result<(), Trouble> {
    let new = open_trees(path)?;
    let copied = guarded(|| {
        let mut batch = sled::Batch::default();
        for (number, item) in trees.summaries.iter().enumerate() {
            let (key, value) = item?;
            batch.insert(key, value);
            if number % BATCH == BATCH - 1 {
                new.summaries.apply_batch(std::mem::take(&mut batch))?;
            }
        }
        new.summaries.apply_batch(batch)?;
        new.db.flush().map(drop)
    });
    close(new);
    copied
}

/// Brings all files of a folder to the disk.
pub(super) fn sync_files(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_files(&entry.path())?;
        } else {
            fs::File::open(entry.path())?.sync_all()?;
        }
    }
    folder::sync_folder(folder)
}

/// Lets sled write what it holds and close. A damaged one may hang or panic at that, so it does so on a thread of
/// its own.
pub(super) fn close(trees: Trees) {
    let (done, closed) = mpsc::channel();
    let closing = thread::Builder::new()
        .name("store-close".to_owned())
        .spawn(move || {
            let _ = guarded(|| {
                let flushed = trees.db.flush().map(|_| ());
                drop(trees);
                flushed
            });
            let _ = done.send(());
        });
    if closing.is_ok() {
        let _ = closed.recv_timeout(CLOSE_PATIENCE);
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "sled panicked".to_owned())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
