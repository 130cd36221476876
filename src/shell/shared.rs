//! A store that a team shares, in a service that exists already: object storage, Redis, WebDAV or a folder.
//!
//! It moves bytes under keys, and answers within a deadline: what cannot be had in time is missing. What the bytes mean
//! and whether they can be trusted, its callers decide.

mod breaker;
mod bulk;
pub mod location;
mod objects;
mod packs;
mod redis;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use self::breaker::Breaker;
use self::location::Location;
use self::objects::{Listed, Objects};
use self::packs::Bulk;
use self::redis::{PIPELINE, Redis};
use crate::model::digest::Digest;
use crate::model::summary::SummaryKey;

/// The longest value, in bytes: of a longer one only so much is read, and one byte more.
pub const MAX_VALUE_BYTES: usize = 64 << 10;
/// The deadline of one operation that a request waits for.
const DEADLINE: Duration = Duration::from_secs(1);
/// The deadline of the first one: name, connection, encryption and credentials come first.
const FIRST_DEADLINE: Duration = Duration::from_secs(3);
/// The deadline of an operation in the background.
const PATIENT: Duration = Duration::from_secs(10);
/// After so many failures, and nothing written, the rest of a round of writes is not tried.
const HOPELESS: usize = 4;
/// Operations at once on single objects.
const PARALLEL: usize = 64;
/// How long a missing key is not looked up again.
const MISSING: Duration = Duration::from_secs(120);
/// Missing keys that are remembered.
const MAX_MISSING: usize = 100_000;
/// Everything in Redis begins with it; elsewhere the URL has a prefix.
const ROOT: &str = "epitome";
/// The folder of the claims in a namespace.
const CLAIMS: &str = "claims";

/// An operation failed; one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Trouble(String);

impl Trouble {
    fn new(text: impl Into<String>) -> Self {
        let text: String = text.into();
        Self(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// Whether the service refuses this operation.
    fn is_denied(&self) -> bool {
        self.0.starts_with("permission denied")
    }
}

/// The bytes under a key, if there are any.
pub type Found = (SummaryKey, Option<Vec<u8>>);

/// The result of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// It is ours, or the service has no claims.
    Granted,
    /// Another process has it for so long.
    Held(Duration),
    /// There is a value.
    Found(Vec<u8>),
}

/// How a store is used.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it is.
    pub location: Location,
    /// The folder of all keys.
    pub namespace: String,
    /// Whether values and claims are written.
    pub writable: bool,
    /// Names this process in its claims.
    pub token: String,
}

/// A shared store.
pub struct Client {
    service: Service,
    options: Options,
    /// Of operations that a request waits for.
    reads: Breaker,
    writes: Breaker,
    missing: Mutex<HashMap<SummaryKey, Instant>>,
    permits: Semaphore,
    reached: AtomicBool,
    bulk: Arc<tokio::sync::Mutex<Bulk>>,
    /// Values that were written, and are in no pack yet.
    unpacked: Mutex<Vec<(SummaryKey, Vec<u8>)>>,
}

enum Service {
    Objects(Objects),
    Redis(Redis),
}

impl Client {
    /// Prepares a store; connects later.
    ///
    /// # Errors
    /// Why it can never work, such as a setting that is missing in the environment.
    pub fn open(options: Options) -> Result<Self, String> {
        // An error says that one is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let namespace = &options.namespace;
        let service = match &options.location {
            Location::Redis { url } => Service::Redis(Redis::open(url, namespace)?),
            other => Service::Objects(Objects::open(other, namespace)?),
        };
        Ok(Self {
            service,
            options,
            reads: Breaker::default(),
            writes: Breaker::default(),
            missing: Mutex::default(),
            permits: Semaphore::new(PARALLEL),
            reached: AtomicBool::new(false),
            bulk: Arc::default(),
            unpacked: Mutex::default(),
        })
    }

    /// The values of some keys, in any order; `None` also where the store does not respond in time. With `again`, also of
    /// keys that were missing a moment ago.
    pub async fn get(&self, keys: &[SummaryKey], again: bool) -> Vec<Found> {
        let now = Instant::now();
        let recent = |key: &SummaryKey| {
            let missing = self.missing();
            !again && missing.get(key).is_some_and(|at| now < *at + MISSING)
        };
        let (known, wanted): (Vec<_>, Vec<_>) = keys.iter().copied().partition(recent);
        let mut found: Vec<Found> = known.into_iter().map(|key| (key, None)).collect();
        match &self.service {
            Service::Redis(redis) => {
                for keys in wanted.chunks(PIPELINE) {
                    match self.attempt(&self.reads, redis.get(keys)).await {
                        Some(values) => {
                            self.note_missing(&values, now);
                            found.extend(values);
                        }
                        None => found.extend(keys.iter().map(|key| (*key, None))),
                    }
                }
            }
            Service::Objects(objects) => {
                let wanted = match again {
                    true => wanted,
                    false => self.get_in_bulk(objects, wanted, &mut found).await,
                };
                let each = wanted.into_iter().map(|key| async move {
                    let _permit = self.permits.acquire().await;
                    let value = self.attempt(&self.reads, objects.get(key)).await;
                    if let Some(value) = &value {
                        self.note_missing(&[(key, value.clone())], now);
                    }
                    (key, value.flatten())
                });
                let values = stream::iter(each).buffer_unordered(PARALLEL);
                found.extend(values.collect::<Vec<_>>().await);
            }
        }
        found
    }

    /// Claims keys whose requests are next, for `lease`. Granted also where the store does not respond in time, or takes
    /// no claims.
    pub async fn claim(&self, keys: &[SummaryKey], lease: Duration) -> Vec<(SummaryKey, Claimed)> {
        let Options {
            token, writable, ..
        } = &self.options;
        let granted = |key: &SummaryKey| (*key, Claimed::Granted);
        let mut claimed = Vec::with_capacity(keys.len());
        match &self.service {
            Service::Redis(redis) if *writable => {
                for keys in keys.chunks(PIPELINE) {
                    let work = redis.claim(keys, lease, token);
                    let outcome = self.attempt(&self.reads, work).await;
                    claimed.extend(outcome.unwrap_or_else(|| keys.iter().map(granted).collect()));
                }
            }
            Service::Redis(_) => claimed.extend(self.found_or_granted(keys).await),
            Service::Objects(_) if !*writable => claimed.extend(self.found_or_granted(keys).await),
            Service::Objects(objects) => {
                let each = keys.iter().copied().map(|key| async move {
                    let permit = self.permits.acquire().await;
                    let work = objects.claim(key, lease, token);
                    let outcome = match self.reads.error() {
                        None => self.attempt(&self.writes, work).await,
                        Some(_) => None,
                    };
                    drop(permit);
                    (key, outcome)
                });
                let claims = stream::iter(each).buffer_unordered(PARALLEL);
                let (mut unclaimed, outcomes) = (Vec::new(), claims.collect::<Vec<_>>().await);
                for (key, outcome) in outcomes {
                    match outcome {
                        Some(outcome) => claimed.push((key, outcome)),
                        None => unclaimed.push(key),
                    }
                }
                claimed.extend(self.found_or_granted(&unclaimed).await);
            }
        }
        claimed
    }

    async fn found_or_granted(&self, keys: &[SummaryKey]) -> Vec<(SummaryKey, Claimed)> {
        let found = self.get(keys, true).await.into_iter();
        let outcome = |(key, value): Found| (key, value.map_or(Claimed::Granted, Claimed::Found));
        found.map(outcome).collect()
    }

    /// Ends claims whose requests brought nothing. If that fails, they end by themselves.
    pub async fn release(&self, keys: &[SummaryKey]) {
        if !self.options.writable {
            return;
        }
        match &self.service {
            Service::Redis(redis) => drop(self.attempt(&self.writes, redis.release(keys)).await),
            Service::Objects(objects) => {
                self.attempt(&self.writes, objects.release(keys)).await;
            }
        }
    }

    /// Stores values; returns the keys of those that are stored, and why others are not.
    pub async fn put(
        &self,
        values: Vec<(SummaryKey, Vec<u8>)>,
        claims: bool,
    ) -> (Vec<SummaryKey>, Option<String>) {
        match &self.service {
            Service::Redis(redis) => {
                let (mut stored, mut trouble) = (Vec::with_capacity(values.len()), None);
                for values in values.chunks(PIPELINE) {
                    let written = self.patiently(redis.put(values)).await;
                    let (written, refused) = written.unwrap_or_default();
                    stored.extend(written);
                    trouble = refused.or(trouble);
                }
                (stored, trouble)
            }
            Service::Objects(objects) => {
                let began = Instant::now();
                if !self.writes.allows(began) {
                    return (Vec::new(), None);
                }
                // One object that cannot be written must not block the others; a dead service is not tried for each.
                let (written, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
                let each = values.iter().cloned().map(|(key, value)| {
                    let (written, failed) = (&written, &failed);
                    async move {
                        let hopeless = failed.load(Ordering::Relaxed) >= HOPELESS;
                        if hopeless && written.load(Ordering::Relaxed) == 0 {
                            return Err(Trouble::new("not tried"));
                        }
                        let work = objects.put(key, value);
                        let done = timeout(PATIENT, work)
                            .await
                            .unwrap_or_else(|_| Err(late(PATIENT)));
                        let counter = if done.is_ok() { written } else { failed };
                        counter.fetch_add(1, Ordering::Relaxed);
                        done.map(|()| key)
                    }
                });
                let outcomes = stream::iter(each).buffer_unordered(PARALLEL / 2);
                let outcomes: Vec<Result<SummaryKey, Trouble>> = outcomes.collect().await;
                let trouble = outcomes
                    .iter()
                    .find_map(|outcome| outcome.as_ref().err())
                    .cloned();
                let stored: Vec<SummaryKey> = outcomes.into_iter().flatten().collect();
                match &trouble {
                    Some(trouble) if stored.is_empty() => self.failed(&self.writes, began, trouble),
                    _ => self.writes.succeeded(),
                }
                if claims && !stored.is_empty() {
                    self.patiently(objects.release(&stored)).await;
                }
                self.note_unpacked(values, &stored);
                self.write_packs(packs::PACKED).await;
                (stored, trouble.map(|trouble| trouble.to_string()))
            }
        }
    }

    /// Removes values; returns how many were removed.
    pub async fn remove(&self, keys: &[SummaryKey]) -> u64 {
        match &self.service {
            Service::Redis(redis) => {
                let mut removed = 0;
                for keys in keys.chunks(PIPELINE) {
                    let done = self.patiently(redis.remove(keys)).await;
                    removed += done.map_or(0, |()| keys.len() as u64);
                }
                removed
            }
            Service::Objects(objects) => {
                let each = keys.iter().copied().map(|key| async move {
                    let work = async { objects.remove(&objects.path(key)).await };
                    self.patiently(work).await.map(|()| key)
                });
                let removed = stream::iter(each).buffer_unordered(PARALLEL / 2);
                let removed: Vec<Option<SummaryKey>> = removed.collect().await;
                removed.into_iter().flatten().count() as u64
            }
        }
    }

    /// All keys of the namespace, with the days since 1970 on which their values were stored, where the service knows
    /// that.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn list(&self) -> Result<Vec<(SummaryKey, Option<u32>)>, Trouble> {
        let mut keys = Vec::new();
        let mut add = |path: &str, day| keys.extend(key_of(path).map(|key| (key, day)));
        match &self.service {
            Service::Redis(redis) => redis.list(|path| add(path, None)).await?,
            Service::Objects(objects) => {
                let each = |listed: Listed| {
                    add(&listed.path, listed.day);
                    true
                };
                objects.list(&objects.root(), each).await?;
            }
        }
        Ok(keys)
    }

    /// Whether the store can be read: looks up one key, whatever failed before.
    ///
    /// # Errors
    /// Why not.
    pub async fn check(&self) -> Result<(), Trouble> {
        let key = SummaryKey(Digest([0; 16]));
        let work = async {
            match &self.service {
                Service::Redis(redis) => redis.get(&[key]).await.map(drop),
                Service::Objects(objects) => objects.get(key).await.map(drop),
            }
        };
        let checked = timeout(FIRST_DEADLINE, work).await;
        checked.map_err(|_| late(FIRST_DEADLINE))?
    }

    /// Why the store is not read now, and why it is not written, if so.
    pub fn errors(&self) -> (Option<String>, Option<String>) {
        (self.reads.error(), self.writes.error())
    }

    /// What may be wrong although nothing failed.
    pub fn reservation(&self) -> Option<&'static str> {
        match &self.service {
            Service::Objects(objects) if objects.is_denied() => Some(
                "reads are denied (403), which is also how missing objects are answered without permission to list: \
                 grant s3:GetObject and s3:ListBucket, or the service's equivalents",
            ),
            _ => None,
        }
    }

    /// How long nothing is written after a failure.
    pub fn write_pause(&self) -> Duration {
        self.writes.pause(Instant::now())
    }

    /// How it is used.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// One operation that a request waits for; `None` if it fails, is late, or others did a moment ago.
    async fn attempt<T>(
        &self,
        breaker: &Breaker,
        work: impl Future<Output = Result<T, Trouble>>,
    ) -> Option<T> {
        let deadline = match self.reached.load(Ordering::Relaxed) {
            true => DEADLINE,
            false => FIRST_DEADLINE,
        };
        self.within(deadline, breaker, work).await
    }

    async fn patiently<T>(&self, work: impl Future<Output = Result<T, Trouble>>) -> Option<T> {
        self.within(PATIENT, &self.writes, work).await
    }

    async fn within<T>(
        &self,
        deadline: Duration,
        breaker: &Breaker,
        work: impl Future<Output = Result<T, Trouble>>,
    ) -> Option<T> {
        let began = Instant::now();
        if !breaker.allows(began) {
            return None;
        }
        let trouble = match timeout(deadline, work).await {
            Ok(Ok(value)) => {
                self.reached.store(true, Ordering::Relaxed);
                if breaker.error().is_some() {
                    tracing::info!("the shared store {} responds again", self.options.location);
                }
                breaker.succeeded();
                return Some(value);
            }
            Ok(Err(trouble)) => trouble,
            Err(_) => {
                // A response that comes later belongs to no request.
                if let Service::Redis(redis) = &self.service {
                    redis.disconnect().await;
                }
                late(deadline)
            }
        };
        // A dead store costs the longer deadline once.
        self.reached.store(true, Ordering::Relaxed);
        self.failed(breaker, began, &trouble);
        None
    }

    /// Opens a breaker; the log says it once.
    fn failed(&self, breaker: &Breaker, began: Instant, trouble: &Trouble) {
        if breaker.error().is_none() {
            tracing::warn!("the shared store {}: {trouble}", self.options.location);
        }
        breaker.failed(began, Instant::now(), trouble.to_string());
    }

    fn note_missing(&self, values: &[Found], now: Instant) {
        let mut missing = self.missing();
        if missing.len() > MAX_MISSING {
            missing.clear();
        }
        for (key, value) in values {
            match value {
                None => drop(missing.insert(*key, now)),
                Some(_) => drop(missing.remove(key)),
            }
        }
    }

    fn missing(&self) -> MutexGuard<'_, HashMap<SummaryKey, Instant>> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn late(deadline: Duration) -> Trouble {
    Trouble::new(format!("no response within {} s", deadline.as_secs()))
}

/// `namespace/xx/key`: the folders keep listings of a file system short.
fn value_path(namespace: &str, key: SummaryKey) -> String {
    let name = key.0.to_string();
    format!("{namespace}/{}/{name}", &name[..2])
}

fn claim_path(namespace: &str, key: SummaryKey) -> String {
    format!("{namespace}/{CLAIMS}/{}", key.0)
}

/// The key of a value's path; `None` of a claim's, and of anything else.
fn key_of(path: &str) -> Option<SummaryKey> {
    let mut parts = path.rsplit('/');
    let (name, folder) = (parts.next()?, parts.next()?);
    if name.len() != 32 || !name.starts_with(folder) || folder.len() != 2 {
        return None;
    }
    let mut bytes = [0; 16];
    for (byte, at) in bytes.iter_mut().zip((0..32).step_by(2)) {
        *byte = u8::from_str_radix(name.get(at..at + 2)?, 16).ok()?;
    }
    Some(SummaryKey(Digest(bytes)))
}

/// A namespace that every service accepts: what is not a letter, a digit or one of `._-` becomes `-`.
pub fn namespace(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars().take(100) {
        let plain = c.is_ascii_alphanumeric() || "._-".contains(c);
        let _ = name.write_char(if plain { c } else { '-' });
    }
    match name.trim_matches('.').is_empty() {
        true => "default".to_owned(),
        false => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_back_to_keys_and_claims_are_none() {
        let key = SummaryKey(Digest([0xab; 16]));
        assert_eq!(key_of(&value_path("v2-m", key)), Some(key));
        assert_eq!(key_of(&claim_path("v2-m", key)), None);
        assert_eq!(key_of("v2-m/ab/notes.txt"), None);
        assert_eq!(key_of("ab"), None);
        let zs = "z".repeat(32);
        assert_eq!(key_of(&format!("v/zz/{zs}")), None);
    }

    #[test]
    fn a_namespace_has_no_separators() {
        assert_eq!(namespace("v2-qwen/qwen3:8b"), "v2-qwen-qwen3-8b");
        assert_eq!(namespace(".."), "default");
    }
}
