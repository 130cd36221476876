//! A shared store in object storage, on a WebDAV server or in a folder: one object for each value.

mod connect;

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::TryStreamExt;
use opendal::{Entry, Error, ErrorKind, Operator};

use super::location::Location;
use super::packs::PACKS;
use super::{Claimed, MAX_VALUE_BYTES, Trouble, claim_path, value_path};
use crate::model::summary::SummaryKey;

/// The objects of a namespace.
pub struct Objects {
    location: Location,
    namespace: String,
    operators: OnceLock<Operators>,
    /// Whether reads were denied, and whether one ever succeeded.
    denied: AtomicBool,
    read: AtomicBool,
}

/// An object of a listing.
pub struct Listed {
    /// Below the root.
    pub path: String,
    /// 0 where the service does not say.
    pub bytes: u64,
    /// When it was written, in days since 1970, where the service says so.
    pub day: Option<u32>,
}

struct Operators {
    values: Operator,
    /// Of a folder: it creates each file under its own name, so that only one process can.
    claims: Operator,
}

impl Objects {
    /// Prepares the service; connects later.
    pub fn open(location: &Location, namespace: &str) -> Result<Self, String> {
        let objects = Self {
            location: location.clone(),
            namespace: namespace.to_owned(),
            operators: OnceLock::new(),
            denied: AtomicBool::new(false),
            read: AtomicBool::new(false),
        };
        if !matches!(location, Location::Folder(_)) {
            objects.operators().map_err(|trouble| trouble.to_string())?;
        }
        Ok(objects)
    }

    /// A folder must exist whenever it is used: below the mount point of a network folder that is not mounted, files
    /// would be written to this machine's disk.
    fn operators(&self) -> Result<&Operators, Trouble> {
        if let Location::Folder(folder) = &self.location
            && !folder.is_dir()
        {
            return Err(Trouble::new(format!(
                "{}: no such folder",
                folder.display()
            )));
        }
        if let Some(operators) = self.operators.get() {
            return Ok(operators);
        }
        let made = connect::make(&self.location).map_err(trouble)?;
        Ok(self.operators.get_or_init(|| made))
    }

    /// The value of a key. Of one that is too long, the beginning comes.
    pub async fn get(&self, key: SummaryKey) -> Result<Option<Vec<u8>>, Trouble> {
        let path = value_path(&self.namespace, key);
        self.read(&path, None, MAX_VALUE_BYTES).await
    }

    /// An object, or a range of it. Of one that is too long, `most` bytes and one more come.
    pub async fn read(
        &self,
        path: &str,
        range: Option<Range<u64>>,
        most: usize,
    ) -> Result<Option<Vec<u8>>, Trouble> {
        let absent = |error: Error| match error.kind() {
            ErrorKind::NotFound => Ok(None),
            // Without permission to list, a missing object is answered like a forbidden one.
            ErrorKind::PermissionDenied if self.hides_missing(&error) => {
                self.denied.store(true, Ordering::Relaxed);
                Ok(None)
            }
            // An entry that is not a readable file is an unusable value, not a failure of the folder.
            _ if self.exists(path) => Ok(Some(Vec::new())),
            _ => Err(trouble(error)),
        };
        let reader = match self.operators()?.values.reader(path).await {
            Ok(reader) => reader,
            Err(error) => return absent(error),
        };
        let stream = match range {
            Some(range) => reader.into_stream(range).await,
            None => reader.into_stream(..).await,
        };
        let mut chunks = match stream {
            Ok(chunks) => chunks,
            Err(error) => return absent(error),
        };
        let mut value = Vec::new();
        loop {
            match chunks.try_next().await {
                Ok(Some(chunk)) => value.extend_from_slice(&chunk.to_bytes()),
                Ok(None) => break,
                Err(error) => return absent(error),
            }
            if value.len() > most {
                value.truncate(most + 1);
                break;
            }
        }
        self.read.store(true, Ordering::Relaxed);
        Ok(Some(value))
    }

    fn hides_missing(&self, error: &Error) -> bool {
        match self.location {
            Location::S3 { .. } => error.to_string().contains("AccessDenied"),
            Location::Gcs { .. } => true,
            _ => false,
        }
    }

    /// Whether every read was denied, so that missing objects cannot be told from forbidden ones.
    pub fn is_denied(&self) -> bool {
        self.denied.load(Ordering::Relaxed) && !self.read.load(Ordering::Relaxed)
    }

    fn exists(&self, path: &str) -> bool {
        matches!(&self.location, Location::Folder(folder) if folder.join(path).symlink_metadata().is_ok())
    }

    /// Stores an object.
    pub async fn write(&self, path: &str, bytes: Vec<u8>) -> Result<(), Trouble> {
        let values = &self.operators()?.values;
        let written = values.write(path, bytes).await;
        written.map(drop).map_err(trouble)
    }

    /// Stores a value.
    pub async fn put(&self, key: SummaryKey, value: Vec<u8>) -> Result<(), Trouble> {
        self.write(&value_path(&self.namespace, key), value).await
    }

    /// Claims a key, and looks up its value after that. The claim's object holds who claimed it and until when, by this
    /// machine's clock.
    pub async fn claim(
        &self,
        key: SummaryKey,
        lease: Duration,
        token: &str,
    ) -> Result<Claimed, Trouble> {
        let found = |value: Option<Vec<u8>>| value.map_or(Claimed::Granted, Claimed::Found);
        let claims = &self.operators()?.claims;
        if !claims.info().capability().write_with_if_not_exists {
            return self.get(key).await.map(found);
        }
        let path = claim_path(&self.namespace, key);
        let until_ms = unix_ms() + lease.as_millis() as u64;
        let text = format!("{token} {until_ms}");
        for _ in 0..2 {
            let made = claims
                .write_with(&path, text.clone())
                .if_not_exists(true)
                .await;
            match made {
                Ok(_) => {
                    let value = self.get(key).await?;
                    if value.is_some() {
                        self.release(&[key]).await?;
                    }
                    return Ok(found(value));
                }
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::AlreadyExists
                            | ErrorKind::ConditionNotMatch
                            | ErrorKind::Conflict
                    ) => {}
                // The service does not know the condition.
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    return self.get(key).await.map(found);
                }
                Err(error) => return Err(trouble(error)),
            }
            if let Some(value) = self.get(key).await? {
                return Ok(Claimed::Found(value));
            }
            let claim = self.read(&path, None, MAX_VALUE_BYTES).await?;
            let claim = String::from_utf8_lossy(&claim.unwrap_or_default()).into_owned();
            let (holder, until) = claim.split_once(' ').unwrap_or_default();
            if holder == token {
                claims.write(&path, text).await.map_err(trouble)?;
                return Ok(Claimed::Granted);
            }
            // One that is being written has no time yet.
            let until: u64 = until.parse().unwrap_or(until_ms);
            let left_ms = until.saturating_sub(unix_ms());
            if left_ms > 0 {
                return Ok(Claimed::Held(Duration::from_millis(left_ms)));
            }
            claims.delete(&path).await.map_err(trouble)?;
        }
        Ok(Claimed::Held(Duration::from_secs(1)))
    }

    /// Ends claims.
    pub async fn release(&self, keys: &[SummaryKey]) -> Result<(), Trouble> {
        let claims = &self.operators()?.claims;
        if !claims.info().capability().write_with_if_not_exists {
            return Ok(());
        }
        let mut paths = Vec::with_capacity(keys.len());
        paths.extend(keys.iter().map(|key| claim_path(&self.namespace, *key)));
        claims.delete_iter(paths).await.map_err(trouble)
    }

    /// Removes an object.
    pub async fn remove(&self, path: &str) -> Result<(), Trouble> {
        let values = &self.operators()?.values;
        values.delete(path).await.map_err(trouble)
    }

    /// The path of a key's value.
    pub fn path(&self, key: SummaryKey) -> String {
        value_path(&self.namespace, key)
    }

    /// The folder of the packs.
    pub fn packs(&self) -> String {
        format!("{}/{PACKS}/", self.namespace)
    }

    /// The folder of everything.
    pub fn root(&self) -> String {
        format!("{}/", self.namespace)
    }

    /// Whether one request lists many objects, also those in folders below.
    pub fn lists_all(&self) -> bool {
        let operators = self.operators();
        operators.is_ok_and(|operators| operators.values.info().capability().list_with_recursive)
            && !matches!(self.location, Location::Folder(_) | Location::Webdav { .. })
    }

    /// Hands over the objects below a folder, until `each` returns false.
    pub async fn list(
        &self,
        folder: &str,
        mut each: impl FnMut(Listed) -> bool,
    ) -> Result<(), Trouble> {
        let values = &self.operators()?.values;
        let mut entries = match values.lister_with(folder).recursive(true).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(trouble(error)),
        };
        loop {
            match entries.try_next().await {
                Ok(Some(entry)) if !each(listed(&entry)) => return Ok(()),
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(trouble(error)),
            }
        }
    }
}

fn listed(entry: &Entry) -> Listed {
    let metadata = entry.metadata();
    let seconds = metadata
        .last_modified()
        .map(|at| at.into_inner().as_second());
    Listed {
        path: entry.path().to_owned(),
        bytes: metadata.content_length(),
        day: seconds.and_then(|seconds| u32::try_from(seconds / 86_400).ok()),
    }
}

fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |since| since.as_millis() as u64)
}

/// The error in one short line: kind and message, without the request.
fn trouble(error: Error) -> Trouble {
    let text = error.to_string();
    let kind = match error.kind() {
        _ if text.contains("status: 507") => "507 insufficient storage",
        ErrorKind::PermissionDenied => "permission denied",
        ErrorKind::RateLimited => "rate limited",
        ErrorKind::NotFound => "not found",
        ErrorKind::ConfigInvalid => "not set up",
        _ => "failed",
    };
    let (_, message) = text.rsplit_once("=> ").unwrap_or(("", &text));
    // S3 and Azure describe an error by a code and a sentence.
    let part = |name: &str| {
        let (_, rest) = message.split_once(&format!("{name}: \""))?;
        rest.split_once('"').map(|(part, _)| part)
    };
    match (part("code"), part("message")) {
        (Some(code), Some(sentence)) => Trouble::new(format!("{kind}: {code}: {sentence}")),
        _ => Trouble::new(format!("{kind}: {message}")),
    }
}
