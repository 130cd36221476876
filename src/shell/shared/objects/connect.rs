//! The services behind the objects, with the settings and credentials of their usual environment variables.

use std::path::PathBuf;
use std::time::Duration;

use opendal::services::{Azblob, Fs, Gcs, S3, Webdav};
use opendal::{Error, ErrorKind, HttpTransporter, OperationContext, Operator};
use opendal_http_transport_reqwest::ReqwestTransport;

use super::super::location::Location;
use super::Operators;

/// The folder of a shared folder in which files are written before they get their names.
const UNFINISHED: &str = ".unfinished";

/// Prepares a service; connects later. Settings that are missing in the URL are those of the environment.
pub(super) fn make(location: &Location) -> Result<Operators, Error> {
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
