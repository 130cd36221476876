//! A shared store in object storage, on a WebDAV server or in a folder: one object for each value.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::TryStreamExt;
use opendal::services::{Azblob, Fs, Gcs, S3, Webdav};
use opendal::{Error, ErrorKind, HttpTransporter, OperationContext, Operator};
use opendal_http_transport_reqwest::ReqwestTransport;

use super::location::Location;
use super::{Claimed, MAX_VALUE_BYTES, Trouble, claim_path, value_path};
use crate::model::summary::SummaryKey;

/// The folder of a shared folder in which files are written before they get their names.
const UNFINISHED: &str = ".unfinished";

/// The objects of a namespace.
pub struct Objects {
    location: Location,
    namespace: String,
    operators: OnceLock<Operators>,
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
        let made = make(&self.location).map_err(trouble)?;
        Ok(self.operators.get_or_init(|| made))
    }

    /// The value of a key. Of one that is too long, the beginning comes.
    pub async fn get(&self, key: SummaryKey) -> Result<Option<Vec<u8>>, Trouble> {
        self.read(&self.operators()?.values, &value_path(&self.namespace, key))
            .await
    }

    async fn read(&self, operator: &Operator, path: &str) -> Result<Option<Vec<u8>>, Trouble> {
        let absent = |error: Error| match error.kind() {
            ErrorKind::NotFound => Ok(None),
            // An entry that is not a readable file is an unusable value, not a failure of the folder.
            _ if self.exists(path) => Ok(Some(Vec::new())),
            _ => Err(trouble(error)),
        };
        let reader = match operator.reader(path).await {
            Ok(reader) => reader,
            Err(error) => return absent(error),
        };
        let mut chunks = match reader.into_stream(..).await {
            Ok(chunks) => chunks,
            Err(error) => return absent(error),
        };
        let mut value = Vec::new();
        loop {
            match chunks.try_next().await {
                Ok(Some(chunk)) => value.extend_from_slice(&chunk.to_bytes()),
                Ok(None) => return Ok(Some(value)),
                Err(error) => return absent(error),
            }
            if value.len() > MAX_VALUE_BYTES {
                value.truncate(MAX_VALUE_BYTES + 1);
                return Ok(Some(value));
            }
        }
    }

    fn exists(&self, path: &str) -> bool {
        matches!(&self.location, Location::Folder(folder) if folder.join(path).symlink_metadata().is_ok())
    }

    /// Stores a value, and ends its claim.
    pub async fn put(&self, key: SummaryKey, value: Vec<u8>, claims: bool) -> Result<(), Trouble> {
        let values = &self.operators()?.values;
        let path = value_path(&self.namespace, key);
        values.write(&path, value).await.map_err(trouble)?;
        match claims {
            true => self.release(key).await,
            false => Ok(()),
        }
    }

    /// Claims a key that has no value, and looks it up once more. The claim's object holds who claimed it and until when,
    /// by this machine's clock.
    pub async fn claim(
        &self,
        key: SummaryKey,
        lease: Duration,
        token: &str,
    ) -> Result<Claimed, Trouble> {
        let claims = &self.operators()?.claims;
        if !claims.info().capability().write_with_if_not_exists {
            return Ok(Claimed::Granted);
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
                    // Its holder may have published the value and ended the claim since the first look.
                    let Some(value) = self.get(key).await? else {
                        return Ok(Claimed::Granted);
                    };
                    self.release(key).await?;
                    return Ok(Claimed::Found(value));
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
                    return Ok(Claimed::Granted);
                }
                Err(error) => return Err(trouble(error)),
            }
            let found = self.read(claims, &path).await?.unwrap_or_default();
            let found = String::from_utf8_lossy(&found).into_owned();
            let (holder, until) = found.split_once(' ').unwrap_or_default();
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

    /// Ends a claim.
    pub async fn release(&self, key: SummaryKey) -> Result<(), Trouble> {
        let claims = &self.operators()?.claims;
        let path = claim_path(&self.namespace, key);
        claims.delete(&path).await.map_err(trouble)
    }

    /// Removes a value.
    pub async fn remove(&self, key: SummaryKey) -> Result<(), Trouble> {
        let values = &self.operators()?.values;
        let path = value_path(&self.namespace, key);
        values.delete(&path).await.map_err(trouble)
    }

    /// Hands over all objects' paths, with the days since 1970 on which they were written.
    pub async fn list(&self, mut each: impl FnMut(&str, Option<u32>)) -> Result<(), Trouble> {
        let values = &self.operators()?.values;
        let listed = values
            .lister_with(&format!("{}/", self.namespace))
            .recursive(true)
            .await;
        let mut entries = match listed {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(trouble(error)),
        };
        loop {
            match entries.try_next().await {
                Ok(Some(entry)) => {
                    let written = entry.metadata().last_modified();
                    let seconds = written.map(|at| at.into_inner().as_second());
                    let day = seconds.and_then(|seconds| u32::try_from(seconds / 86_400).ok());
                    each(entry.path(), day);
                }
                Ok(None) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(trouble(error)),
            }
        }
    }
}

fn make(location: &Location) -> Result<Operators, Error> {
    let variable = |names: &[&str]| {
        let set = names.iter().find_map(|name| std::env::var(name).ok());
        set.filter(|value| !value.is_empty())
    };
    let both = |operator: Operator| {
        let operator =
            operator.with_context(OperationContext::new().with_http_transport(transport()));
        Operators {
            claims: operator.clone(),
            values: operator,
        }
    };
    Ok(match location {
        Location::Folder(folder) => {
            let root = folder.to_string_lossy();
            let unfinished: PathBuf = folder.join(UNFINISHED);
            let safe = Fs::default()
                .root(&root)
                .atomic_write_dir(&unfinished.to_string_lossy());
            Operators {
                values: Operator::new(safe)?,
                claims: Operator::new(Fs::default().root(&root))?,
            }
        }
        Location::S3 {
            bucket,
            prefix,
            region,
            endpoint,
        } => {
            let mut builder = S3::default().bucket(bucket).root(prefix);
            let known = variable(&["AWS_REGION", "AWS_DEFAULT_REGION"]);
            // A service of another vendor has none.
            let region = region
                .clone()
                .or(known)
                .unwrap_or_else(|| "us-east-1".to_owned());
            builder = builder.region(&region);
            if let Some(endpoint) = endpoint {
                builder = builder.endpoint(endpoint);
            }
            both(Operator::new(builder)?)
        }
        Location::Gcs { bucket, prefix } => {
            let mut builder = Gcs::default().bucket(bucket).root(prefix);
            if let Some(emulator) = variable(&["STORAGE_EMULATOR_HOST"]) {
                builder = builder.endpoint(&emulator).skip_signature();
            }
            both(Operator::new(builder)?)
        }
        Location::Azblob { container, prefix } => {
            let mut builder = match variable(&["AZURE_STORAGE_CONNECTION_STRING"]) {
                Some(text) => Azblob::from_connection_string(&text)?,
                None => Azblob::default(),
            };
            if let Some(account) =
                variable(&["AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME"])
            {
                builder = builder
                    .endpoint(&format!("https://{account}.blob.core.windows.net"))
                    .account_name(&account);
            }
            if let Some(key) = variable(&["AZURE_STORAGE_KEY", "AZURE_STORAGE_ACCOUNT_KEY"]) {
                builder = builder.account_key(&key);
            }
            if let Some(token) = variable(&["AZURE_STORAGE_SAS_TOKEN"]) {
                builder = builder.sas_token(&token);
            }
            both(Operator::new(builder.container(container).root(prefix))?)
        }
        Location::Webdav { endpoint, prefix } => {
            let mut builder = Webdav::default().endpoint(endpoint).root(prefix);
            if let Some(user) = variable(&["WEBDAV_USERNAME"]) {
                builder = builder.username(&user);
            }
            if let Some(password) = variable(&["WEBDAV_PASSWORD"]) {
                builder = builder.password(&password);
            }
            if let Some(token) = variable(&["WEBDAV_TOKEN"]) {
                builder = builder.token(&token);
            }
            both(Operator::new(builder)?)
        }
        Location::Redis { .. } => {
            return Err(Error::new(ErrorKind::Unsupported, "not an object store"));
        }
    })
}

/// A client for HTTP. Where the machine has no certificates, it can only speak without encryption.
fn transport() -> HttpTransporter {
    let builder = || {
        reqwest::Client::builder()
            .user_agent(concat!("epitome/", env!("CARGO_PKG_VERSION")))
            .retry(reqwest::retry::never())
            .pool_idle_timeout(Duration::from_secs(60))
    };
    let client = builder()
        .build()
        .or_else(|_| builder().tls_certs_only([]).build());
    client.map_or_else(
        |_| HttpTransporter::default(),
        |client| HttpTransporter::new(ReqwestTransport::new(client)),
    )
}

/// The error in one short line: kind and message, without the request.
fn trouble(error: Error) -> Trouble {
    let kind = match error.kind() {
        ErrorKind::PermissionDenied => "permission denied",
        ErrorKind::RateLimited => "rate limited",
        ErrorKind::NotFound => "not found",
        ErrorKind::ConfigInvalid => "not set up",
        _ => "failed",
    };
    let text = error.to_string();
    let (_, message) = text.rsplit_once("=> ").unwrap_or(("", &text));
    Trouble::new(format!("{kind}: {message}"))
}

fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |since| since.as_millis() as u64)
}
