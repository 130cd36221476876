//! A bucket in memory that speaks what S3's clients send, delays every response, and refuses what a test chooses.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// Decides by method, key, and whether there is such an object: the status and S3's code of a refusal.
pub type Refuse = fn(&str, &str, bool) -> Option<(u16, &'static str)>;

pub struct Bucket {
    state: Arc<State>,
    port: u16,
}

struct State {
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
    refuse: Mutex<Refuse>,
    /// The head of each request.
    log: Mutex<Vec<String>>,
    delay: Duration,
}

pub fn nothing(_: &str, _: &str, _: bool) -> Option<(u16, &'static str)> {
    None
}

impl Bucket {
    pub fn new(delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            objects: Mutex::default(),
            refuse: Mutex::new(nothing),
            log: Mutex::default(),
            delay,
        });
        let serving = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&serving);
                std::thread::spawn(move || serve(&state, stream));
            }
        });
        Self { state, port }
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn refuse(&self, refuse: Refuse) {
        *self.state.refuse.lock().unwrap() = refuse;
    }

    /// The heads of all requests since the last call.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.log.lock().unwrap())
    }

    pub fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.state.objects.lock().unwrap()
    }
}

fn serve(state: &State, stream: TcpStream) -> Option<()> {
    let mut output = stream.try_clone().ok()?;
    let mut input = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if input.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let length = header(&head, "content-length").and_then(|text| text.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        input.read_exact(&mut body).ok()?;
        let (status, more, response) = respond(state, &head, body);
        state.log.lock().unwrap().push(head.clone());
        std::thread::sleep(state.delay);
        let sent = if head.starts_with("HEAD") {
            &[]
        } else {
            &response[..]
        };
        let length = response.len();
        let mut whole =
            format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{more}\r\n").into_bytes();
        whole.extend_from_slice(sent);
        output.write_all(&whole).ok()?;
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn respond(state: &State, head: &str, body: Vec<u8>) -> (u16, String, Vec<u8>) {
    let mut parts = head.split(' ');
    let (method, target) = (parts.next().unwrap(), parts.next().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let key = path
        .trim_start_matches("/team")
        .trim_start_matches('/')
        .to_owned();
    let mut objects = state.objects.lock().unwrap();
    let error = |status: u16, code: &str| {
        let text = format!("<Error><Code>{code}</Code><Message>It is {code}.</Message></Error>");
        (status, String::new(), text.into_bytes())
    };
    if let Some((status, code)) =
        state.refuse.lock().unwrap()(method, &key, objects.contains_key(&key))
    {
        return error(status, code);
    }
    let plain = |status| (status, "ETag: \"x\"\r\n".to_owned(), Vec::new());
    match method {
        "GET" if key.is_empty() => list(&objects, query),
        "GET" | "HEAD" => {
            let Some(value) = objects.get(&key) else {
                return error(404, "NoSuchKey");
            };
            let range = header(head, "range").and_then(|range| {
                let (start, end) = range.strip_prefix("bytes=")?.split_once('-')?;
                let end = end.parse().map_or(value.len(), |end: usize| end + 1);
                Some(start.parse().ok()?..end.min(value.len()))
            });
            match range {
                None => (200, "ETag: \"x\"\r\n".to_owned(), value.clone()),
                Some(range) => {
                    let (start, end, all) = (range.start, range.end - 1, value.len());
                    let more =
                        format!("ETag: \"x\"\r\nContent-Range: bytes {start}-{end}/{all}\r\n");
                    (206, more, value[range].to_vec())
                }
            }
        }
        "PUT" if header(head, "if-none-match").is_some() && objects.contains_key(&key) => {
            error(412, "PreconditionFailed")
        }
        "PUT" => {
            objects.insert(key, body);
            plain(200)
        }
        "DELETE" => {
            objects.remove(&key);
            plain(204)
        }
        // Many are removed at once.
        _ => {
            let text = String::from_utf8_lossy(&body).into_owned();
            let mut response = "<DeleteResult>".to_owned();
            for part in text.split("<Key>").skip(1) {
                let key = part.split('<').next().unwrap();
                objects.remove(key);
                response += &format!("<Deleted><Key>{key}</Key></Deleted>");
            }
            (
                200,
                String::new(),
                (response + "</DeleteResult>").into_bytes(),
            )
        }
    }
}

fn list(objects: &BTreeMap<String, Vec<u8>>, query: &str) -> (u16, String, Vec<u8>) {
    let option = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let value = pairs
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value);
        value.replace("%2F", "/")
    };
    let (prefix, after) = (option("prefix"), option("continuation-token"));
    let mut below = objects
        .iter()
        .filter(|(key, _)| key.starts_with(&prefix) && (after.is_empty() || **key > after));
    let page: Vec<_> = below.by_ref().take(1_000).collect();
    let mut text = format!(
        "<ListBucketResult><IsTruncated>{}</IsTruncated>",
        below.next().is_some()
    );
    if let Some((last, _)) = page.last() {
        text += &format!("<NextContinuationToken>{last}</NextContinuationToken>");
    }
    for (key, value) in page {
        text += &format!(
            "<Contents><Key>{key}</Key><LastModified>2026-11-01T00:00:00.000Z</LastModified>\
             <ETag>\"x\"</ETag><Size>{}</Size></Contents>",
            value.len()
        );
    }
    (
        200,
        String::new(),
        (text + "</ListBucketResult>").into_bytes(),
    )
}
