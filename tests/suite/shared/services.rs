//! The services that a team may share: real servers, where they are installed.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::bucket::Bucket;
use crate::harness::{Alone, finish, until};

/// A service, stopped when the test ends.
pub struct Service {
    pub name: &'static str,
    pub url: String,
    /// Credentials and the like.
    pub variables: Vec<(&'static str, String)>,
    pub folder: tempfile::TempDir,
    child: Option<Child>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Service {
    fn new(name: &'static str, url: String) -> Self {
        Self {
            name,
            url,
            variables: Vec::new(),
            folder: tempfile::tempdir().unwrap(),
            child: None,
        }
    }

    /// A folder: it is always there.
    pub fn folder() -> Self {
        let mut service = Self::new("folder", String::new());
        service.url = format!("file://{}", service.folder.path().display());
        service
    }

    /// Redis at a free port.
    pub fn redis() -> Option<Self> {
        let port = free_port();
        let mut service = Self::new("redis", format!("redis://127.0.0.1:{port}"));
        service.start_redis(port)?;
        Some(service)
    }

    /// Starts it at a port, with what it held before.
    pub fn start_redis(&mut self, port: u16) -> Option<()> {
        let port_text = port.to_string();
        let dir = self.folder.path().display().to_string();
        let mut command = Command::new("redis-server");
        command.args(["--port", &port_text, "--bind", "127.0.0.1", "--dir", &dir]);
        command.args(["--save", "", "--appendonly", "yes", "--appendfsync", "no"]);
        self.child = Some(self.spawn(&mut command)?);
        self.reachable(port)
    }

    /// A bucket of the tests' own.
    pub fn bucket(bucket: &Bucket) -> Self {
        let mut service = Self::new("bucket", "s3://team/epitome".to_owned());
        service.variables = s3_variables(&bucket.endpoint());
        service
    }

    /// An S3 server in memory, from PyPI.
    pub fn s3() -> Option<Self> {
        let port = free_port();
        let mut service = Self::new("s3", "s3://team/epitome".to_owned());
        let mut command = python(
            "moto",
            &[
                "-m",
                "moto.server",
                "-H",
                "127.0.0.1",
                "-p",
                &port.to_string(),
            ],
        )?;
        service.child = Some(service.spawn(&mut command)?);
        service.reachable(port)?;
        service.variables = s3_variables(&format!("http://127.0.0.1:{port}"));
        let mut bucket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let request = "PUT /team HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        bucket.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        bucket.read_to_string(&mut response).unwrap();
        assert!(response.contains(" 200 "), "{response}");
        Some(service)
    }

    /// A WebDAV server on a folder, from PyPI.
    pub fn webdav() -> Option<Self> {
        let port = free_port();
        let mut service = Self::new("webdav", format!("http://127.0.0.1:{port}/team"));
        std::fs::create_dir(service.folder.path().join("team")).unwrap();
        let (root, port_text) = (
            service.folder.path().display().to_string(),
            port.to_string(),
        );
        let options = ["--auth", "anonymous", "--no-config", "-q", "--root", &root];
        let arguments = [
            &[
                "-m",
                "wsgidav.server.server_cli",
                "-H",
                "127.0.0.1",
                "-p",
                &port_text,
            ],
            &options[..],
        ];
        let mut command = python("wsgidav", &arguments.concat())?;
        service.child = Some(service.spawn(&mut command)?);
        service.reachable(port)?;
        Some(service)
    }

    /// All that can be started here; what cannot is said to be skipped.
    pub fn all() -> Vec<Self> {
        let started = [
            ("redis", Self::redis()),
            ("s3", Self::s3()),
            ("webdav", Self::webdav()),
        ];
        let mut all = vec![Self::folder()];
        for (name, service) in started {
            match service {
                Some(service) => all.push(service),
                None => skipped(name),
            }
        }
        all
    }

    pub fn port(&self) -> u16 {
        self.url.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// Sends Redis a command.
    pub fn command(&self, words: &str) {
        let mut redis = TcpStream::connect(("127.0.0.1", self.port())).unwrap();
        redis.write_all(format!("{words}\r\n").as_bytes()).unwrap();
        let mut reply = [0; 5];
        redis.read_exact(&mut reply).unwrap();
        assert_eq!(&reply, b"+OK\r\n", "{words}");
    }

    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn spawn(&self, command: &mut Command) -> Option<Child> {
        let log = File::create(self.folder.path().join("log")).unwrap();
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn_alone()
            .ok()
    }

    fn reachable(&mut self, port: u16) -> Option<()> {
        let child = self.child.as_mut()?;
        until("the service listens", || {
            let ended = child.try_wait().unwrap().is_some();
            ended || TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        child.try_wait().unwrap().is_none().then_some(())
    }
}

fn s3_variables(endpoint: &str) -> Vec<(&'static str, String)> {
    vec![
        ("AWS_ENDPOINT_URL", endpoint.to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ]
}

/// Says that a service is not installed.
pub fn skipped(name: &str) {
    let text = format!("skipped: shared store: {name} is not installed\n");
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Python with a module, of the system or in `target/python`, where `.ci/run` installs it.
fn python(module: &str, arguments: &[&str]) -> Option<Command> {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python");
    let packages = std::env::var_os("EPITOME_TEST_PYTHON").map_or(packages, PathBuf::from);
    let python = || {
        let mut command = Command::new("python3");
        command
            .env("PYTHONPATH", &packages)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        command
    };
    let found = finish(python().args(["-c", &format!("import {module}")]));
    (found.code == Some(0)).then(|| {
        let mut command = python();
        command.args(arguments);
        command
    })
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// What a listener does with its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It reads and says nothing.
    Silent,
    /// It answers with bytes that mean nothing.
    Garbage,
    /// It ends each connection.
    Closing,
}

/// A listener that is no store; returns its port and how many connections it got.
pub fn impostor(manner: Manner) -> (u16, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&connections);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            count.fetch_add(1, Ordering::SeqCst);
            std::thread::spawn(move || {
                let mut bytes = [0; 4_096];
                while manner != Manner::Closing
                    && stream.read(&mut bytes).is_ok_and(|read| read > 0)
                {
                    if manner == Manner::Garbage {
                        let _ = stream.write_all(b"*3\r\n$-7\r\n\xff\xfe HTTP/9.9 000\r\n\r\n{}");
                    }
                }
            });
        }
    });
    (port, connections)
}

/// A proxy that delays every response; returns its port.
pub fn delayed(port: u16, delay: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", port))) else {
                continue;
            };
            let (to_client, to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || pipe(client, to_server, Duration::ZERO));
            std::thread::spawn(move || pipe(server, to_client, delay));
        }
    });
    own
}

fn pipe(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let mut bytes = [0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        std::thread::sleep(delay);
        if to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
