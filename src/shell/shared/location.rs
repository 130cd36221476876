//! Where a shared store is: a URL, checked. Credentials are never part of it.

use std::fmt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use reqwest::Url;

/// The schemes, for error messages.
const SCHEMES: &str = "s3://, gs://, azblob://, redis://, rediss://, https:// (WebDAV) or file:///";

/// A parsed URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A folder, such as a network file system.
    Folder(PathBuf),
    /// S3 or a compatible service.
    S3 {
        /// The bucket.
        bucket: String,
        /// The prefix of all keys.
        prefix: String,
        /// From `?region=`; otherwise the environment's.
        region: Option<String>,
        /// From `?endpoint=`; otherwise the environment's.
        endpoint: Option<String>,
    },
    /// Google Cloud Storage.
    Gcs {
        /// The bucket.
        bucket: String,
        /// The prefix of all keys.
        prefix: String,
    },
    /// Azure Blob Storage.
    Azblob {
        /// The container.
        container: String,
        /// The prefix of all keys.
        prefix: String,
    },
    /// A WebDAV server.
    Webdav {
        /// Scheme, host and port.
        endpoint: String,
        /// The folder below it.
        prefix: String,
    },
    /// Redis, or a server that speaks its protocol.
    Redis {
        /// The whole URL.
        url: String,
    },
}

impl Location {
    /// Parses a URL.
    ///
    /// # Errors
    /// What is wrong with it, and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url =
            Url::parse(text).map_err(|_| format!("must be a URL that begins with {SCHEMES}"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not contain a user or password: set the service's usual environment variables \
                        (docs/shared.md)"
                .to_owned());
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        let prefix = percent_decode_str(url.path().trim_matches('/'))
            .decode_utf8()
            .map_err(|_| "has a path that is not UTF-8".to_owned())?
            .into_owned();
        if prefix.split('/').any(|part| part == "..") {
            return Err("must not contain `..`".to_owned());
        }
        let mut options: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let mut option = |name: &str| {
            let at = options.iter().position(|(key, _)| key == name)?;
            Some(options.swap_remove(at).1)
        };
        let needs_host = |what: &str| match host.is_empty() {
            true => Err(format!("has no {what}")),
            false => Ok(host.clone()),
        };
        let location = match url.scheme() {
            "file" if host.is_empty() && !prefix.is_empty() => {
                let path = url.to_file_path();
                Self::Folder(path.map_err(|()| "must be file:///PATH".to_owned())?)
            }
            "file" => return Err("must be an absolute path, file:///PATH".to_owned()),
            "s3" => Self::S3 {
                bucket: needs_host("bucket")?,
                prefix,
                region: option("region"),
                endpoint: option("endpoint"),
            },
            "gs" => Self::Gcs {
                bucket: needs_host("bucket")?,
                prefix,
            },
            "azblob" => Self::Azblob {
                container: needs_host("container")?,
                prefix,
            },
            "redis" | "rediss" => Self::Redis {
                url: needs_host("host").map(|_| url.to_string())?,
            },
            "https" => webdav(&url, prefix),
            "http" if is_loopback(&host) => webdav(&url, prefix),
            "http" => return Err("must be https:// for another machine".to_owned()),
            other => return Err(format!("has the scheme {other}://; use {SCHEMES}")),
        };
        match options.first() {
            Some((name, _)) => Err(format!(
                "has an unknown option {name:?}; s3:// has region and endpoint"
            )),
            None => Ok(location),
        }
    }
}

fn webdav(url: &Url, prefix: String) -> Location {
    Location::Webdav {
        endpoint: url.origin().ascii_serialization(),
        prefix,
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    let address = host.parse::<std::net::IpAddr>();
    address.map_or(host == "localhost", |address| address.is_loopback())
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, name, prefix) = match self {
            Self::Folder(path) => return write!(f, "file://{}", path.display()),
            Self::Redis { url } => return f.write_str(url),
            Self::S3 { bucket, prefix, .. } => ("s3://", bucket, prefix),
            Self::Gcs { bucket, prefix } => ("gs://", bucket, prefix),
            Self::Azblob { container, prefix } => ("azblob://", container, prefix),
            Self::Webdav { endpoint, prefix } => ("", endpoint, prefix),
        };
        write!(f, "{scheme}{name}")?;
        match prefix.is_empty() {
            true => Ok(()),
            false => write!(f, "/{prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_checked_and_shown_without_options() {
        for (text, shown) in [
            ("s3://team/epitome/?region=eu-west-1", "s3://team/epitome"),
            ("gs://team", "gs://team"),
            ("azblob://box/a/b", "azblob://box/a/b"),
            ("redis://cache:6379/2", "redis://cache:6379/2"),
            ("rediss://cache", "rediss://cache"),
            (
                "https://dav.example.org/team",
                "https://dav.example.org/team",
            ),
            ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"),
            ("file:///mnt/a%20b", "file:///mnt/a b"),
        ] {
            let parsed = Location::parse(text).map(|location| location.to_string());
            assert_eq!(parsed.as_deref(), Ok(shown), "{text}");
        }
        for (text, reason) in [
            ("/mnt/team", "must be a URL"),
            ("ftp://x/y", "scheme ftp://"),
            ("s3:///prefix", "no bucket"),
            ("file://host/share", "absolute path"),
            ("file:///", "absolute path"),
            (
                "redis://:secret@cache",
                "must not contain a user or password",
            ),
            (
                "https://me:secret@dav.example.org",
                "must not contain a user",
            ),
            ("http://dav.example.org/team", "must be https://"),
            ("s3://team/a?regoin=x", "unknown option \"regoin\""),
            ("gs://team?region=x", "unknown option \"region\""),
        ] {
            let error = Location::parse(text).expect_err(text);
            assert!(error.contains(reason), "{text}: {error}");
            assert!(!error.contains("secret@"), "{error}");
        }
    }
}
