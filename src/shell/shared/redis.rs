//! A shared store in Redis: pipelines of commands over one connection.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo, Pipeline, Value};
use tokio::sync::Mutex;

use super::{Claimed, Found, MAX_VALUE_BYTES, Trouble};
use crate::model::summary::SummaryKey;

/// Keys in one pipeline.
pub(super) const PIPELINE: usize = 512;
/// Keys that one SCAN looks at.
const SCANNED: usize = 1_000;

type Stored = (Vec<SummaryKey>, Option<String>);

/// A connection, made when it is needed.
pub struct Redis {
    client: Client,
    connection: Mutex<Option<MultiplexedConnection>>,
    namespace: String,
}

impl Redis {
    /// Prepares a connection; connects later. User and password are those of `redis-cli`.
    pub fn open(url: &str, namespace: &str) -> Result<Self, String> {
        let info = url
            .into_connection_info()
            .map_err(|error| error.to_string())?;
        let mut settings = info.redis_settings().clone();
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        if let Some(password) = variable("REDISCLI_AUTH") {
            settings = settings.set_password(password);
        }
        if let Some(user) = variable("REDIS_USERNAME") {
            settings = settings.set_username(user);
        }
        let client =
            Client::open(info.set_redis_settings(settings)).map_err(|error| error.to_string())?;
        Ok(Self {
            client,
            connection: Mutex::default(),
            namespace: namespace.to_owned(),
        })
    }

    /// Runs a pipeline; one reply for each command. A failed command is [`Value::ServerError`].
    async fn run(&self, pipeline: &mut Pipeline) -> Result<Vec<Value>, Trouble> {
        let connection = {
            let mut kept = self.connection.lock().await;
            match &*kept {
                Some(connection) => connection.clone(),
                None => {
                    // The caller has a deadline of its own.
                    let config = AsyncConnectionConfig::new()
                        .set_connection_timeout(Some(Duration::from_secs(5)))
                        .set_response_timeout(Some(Duration::from_secs(30)));
                    let made = self
                        .client
                        .get_multiplexed_async_connection_with_config(&config);
                    let made = made.await.map_err(trouble)?;
                    kept.insert(made).clone()
                }
            }
        };
        let mut connection = connection;
        let replies: Result<Vec<Value>, _> =
            pipeline.ignore_errors().query_async(&mut connection).await;
        match replies {
            Ok(replies) => Ok(replies),
            Err(error) => {
                self.disconnect().await;
                Err(trouble(error))
            }
        }
    }

    /// Drops the connection: the next operation makes another one.
    pub async fn disconnect(&self) {
        *self.connection.lock().await = None;
    }

    /// The values of some keys. Of a value that is too long, the beginning comes.
    pub async fn get(&self, keys: &[SummaryKey]) -> Result<Vec<Found>, Trouble> {
        let mut pipeline = redis::pipe();
        for key in keys {
            pipeline
                .cmd("GETRANGE")
                .arg(self.value(*key))
                .arg(0)
                .arg(MAX_VALUE_BYTES);
        }
        let replies = self.run(&mut pipeline).await?;
        // A key of another type has no usable value; without a password, or while it loads, a server refuses all.
        if let Some(trouble) = replies.first().and_then(refusal)
            && !trouble.to_string().starts_with("WRONGTYPE")
        {
            return Err(trouble);
        }
        let values = replies.into_iter().map(bytes);
        Ok(keys.iter().copied().zip(values).collect())
    }

    /// Stores values, and ends the claims of those that are stored; returns their keys, and why others are not stored.
    pub async fn put(&self, values: &[(SummaryKey, Vec<u8>)]) -> Result<Stored, Trouble> {
        let mut pipeline = redis::pipe();
        for (key, value) in values {
            pipeline.cmd("SET").arg(self.value(*key)).arg(&value[..]);
        }
        let replies = self.run(&mut pipeline).await?;
        let (mut stored, mut refused) = (Vec::with_capacity(values.len()), None);
        for ((key, _), reply) in values.iter().zip(&replies) {
            match refusal(reply) {
                None => stored.push(*key),
                Some(trouble) => refused = Some(trouble),
            }
        }
        match refused {
            Some(trouble) if stored.is_empty() => Err(trouble),
            refused => {
                self.release(&stored).await?;
                Ok((stored, refused.map(|trouble| trouble.to_string())))
            }
        }
    }

    /// Claims keys, and looks up their values after that.
    pub async fn claim(
        &self,
        keys: &[SummaryKey],
        lease: Duration,
        token: &str,
    ) -> Result<Vec<(SummaryKey, Claimed)>, Trouble> {
        let lease_ms = lease.as_millis() as u64;
        let mut pipeline = redis::pipe();
        for key in keys {
            let claim = self.claim_of(*key);
            pipeline
                .cmd("SET")
                .arg(&claim)
                .arg(token)
                .arg("NX")
                .arg("PX")
                .arg(lease_ms);
            pipeline.cmd("GET").arg(&claim);
            pipeline.cmd("PTTL").arg(&claim);
            pipeline
                .cmd("GETRANGE")
                .arg(self.value(*key))
                .arg(0)
                .arg(MAX_VALUE_BYTES);
        }
        let replies = self.run(&mut pipeline).await?;
        let mut renewed = redis::pipe();
        let mut claimed = Vec::with_capacity(keys.len());
        for (key, four) in keys.iter().zip(replies.chunks_exact(4)) {
            let ours = match &four[1] {
                Value::BulkString(holder) => holder == token.as_bytes(),
                // A server that takes no claims (read-only, full): the request is sent.
                _ => true,
            };
            let outcome = match (bytes(four[3].clone()), ours) {
                (Some(value), _) => Claimed::Found(value),
                // It was claimed here before.
                (None, true) if four[0] == Value::Nil => {
                    renewed
                        .cmd("PEXPIRE")
                        .arg(self.claim_of(*key))
                        .arg(lease_ms);
                    Claimed::Granted
                }
                (None, true) => Claimed::Granted,
                (None, false) => Claimed::Held(match four[2] {
                    Value::Int(left_ms) if left_ms > 0 => Duration::from_millis(left_ms as u64),
                    _ => lease,
                }),
            };
            claimed.push((*key, outcome));
        }
        if !renewed.is_empty() {
            self.run(&mut renewed).await?;
        }
        Ok(claimed)
    }

    /// Ends claims.
    pub async fn release(&self, keys: &[SummaryKey]) -> Result<(), Trouble> {
        self.delete(keys.iter().map(|key| self.claim_of(*key)))
            .await
    }

    /// Removes values.
    pub async fn remove(&self, keys: &[SummaryKey]) -> Result<(), Trouble> {
        self.delete(keys.iter().map(|key| self.value(*key))).await
    }

    async fn delete(&self, names: impl Iterator<Item = String>) -> Result<(), Trouble> {
        let mut pipeline = redis::pipe();
        for name in names {
            pipeline.cmd("DEL").arg(name);
        }
        refused(self.run(&mut pipeline).await?)
    }

    /// Hands over all keys, in pieces.
    pub async fn list(&self, mut each: impl FnMut(&str)) -> Result<(), Trouble> {
        let pattern = format!("{}/{}/*", super::ROOT, self.namespace);
        let mut cursor = "0".to_owned();
        loop {
            let mut pipeline = redis::pipe();
            pipeline
                .cmd("SCAN")
                .arg(&cursor)
                .arg("MATCH")
                .arg(&pattern)
                .arg("COUNT")
                .arg(SCANNED);
            let replies = self.run(&mut pipeline).await?;
            let Some(Value::Array(reply)) = replies.into_iter().next() else {
                return Err(Trouble::new("SCAN is refused"));
            };
            let mut reply = reply.into_iter();
            let next = reply.next().and_then(bytes).unwrap_or_default();
            if let Some(Value::Array(names)) = reply.next() {
                let names = names.into_iter().filter_map(bytes);
                names.for_each(|name| each(&String::from_utf8_lossy(&name)));
            }
            cursor = String::from_utf8_lossy(&next).into_owned();
            if cursor == "0" || cursor.is_empty() {
                return Ok(());
            }
        }
    }

    fn value(&self, key: SummaryKey) -> String {
        format!(
            "{}/{}",
            super::ROOT,
            super::value_path(&self.namespace, key)
        )
    }

    fn claim_of(&self, key: SummaryKey) -> String {
        format!(
            "{}/{}",
            super::ROOT,
            super::claim_path(&self.namespace, key)
        )
    }
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) if !bytes.is_empty() => Some(bytes),
        _ => None,
    }
}

/// The first command that the server refused.
fn refused(replies: Vec<Value>) -> Result<(), Trouble> {
    replies.iter().find_map(refusal).map_or(Ok(()), Err)
}

fn refusal(reply: &Value) -> Option<Trouble> {
    match reply {
        Value::ServerError(error) => Some(Trouble::new(format!(
            "{} {}",
            error.code(),
            error.details().unwrap_or_default()
        ))),
        _ => None,
    }
}

fn trouble(error: redis::RedisError) -> Trouble {
    Trouble::new(error.to_string())
}
