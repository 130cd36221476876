//! A fake model over HTTP with a thread for each connection, a fixed latency, and limits like an endpoint's.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How the model behaves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Behavior {
    /// Latency for a file.
    pub file: Duration,
    /// Latency for a directory.
    pub directory: Duration,
    /// Requests each minute; 0: unlimited.
    pub requests_per_minute: f64,
    /// Tokens each minute, of the prompt and the output cap; 0: unlimited.
    pub tokens_per_minute: f64,
    /// The share of a minute's allowance that may come as a burst.
    pub burst: f64,
    /// Whether response headers state the limits.
    pub states_limits: bool,
    /// Concurrent requests; 0: unlimited.
    pub concurrent: usize,
}

/// What the model counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Requests, including refused ones.
    pub requests: usize,
    /// Refused requests.
    pub refused: usize,
    /// Tokens charged for accepted requests.
    pub tokens: f64,
    /// When the first request arrived, and when the last response was sent.
    pub span: Option<(Instant, Instant)>,
}

/// The token bucket of one limit.
struct Bucket {
    capacity: f64,
    level: f64,
    rate: f64,
    at: Instant,
}

impl Bucket {
    fn of(per_minute: f64, burst: f64) -> Option<Self> {
        (per_minute > 0.0).then(|| Self {
            capacity: per_minute * burst,
            level: per_minute * burst,
            rate: per_minute / 60.0,
            at: Instant::now(),
        })
    }

    fn fill(&mut self) {
        let passed = self.at.elapsed().as_secs_f64();
        self.level = (self.level + passed * self.rate).min(self.capacity);
        self.at = Instant::now();
    }

    /// Seconds until the bucket holds `amount`.
    fn missing(&self, amount: f64) -> f64 {
        ((amount - self.level) / self.rate).max(0.0)
    }
}

struct Server {
    behavior: Behavior,
    seen: Counts,
    marks: usize,
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
}

/// The model; its threads run until the process exits.
pub struct Model {
    port: u16,
    server: Arc<Mutex<Server>>,
}

impl Model {
    /// Starts a model that behaves like this.
    pub fn start(behavior: Behavior) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let server = Arc::new(Mutex::new(Server {
            behavior,
            seen: Counts::default(),
            marks: 0,
            requests: Bucket::of(behavior.requests_per_minute, behavior.burst),
            tokens: Bucket::of(behavior.tokens_per_minute, behavior.burst),
        }));
        let at_desk = Arc::clone(&server);
        let concurrent = Arc::new(AtomicUsize::new(0));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (server, concurrent) = (Arc::clone(&at_desk), Arc::clone(&concurrent));
                std::thread::spawn(move || serve(&stream, &server, &concurrent));
            }
        });
        Ok(Self { port, server })
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// The counters since the last call; refills the buckets.
    pub fn seen(&self) -> Counts {
        let mut server = lock(&self.server);
        let behavior = server.behavior;
        server.requests = Bucket::of(behavior.requests_per_minute, behavior.burst);
        server.tokens = Bucket::of(behavior.tokens_per_minute, behavior.burst);
        std::mem::take(&mut server.seen)
    }
}

fn lock(server: &Mutex<Server>) -> std::sync::MutexGuard<'_, Server> {
    server.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves one connection.
fn serve(stream: &TcpStream, server: &Mutex<Server>, concurrent: &AtomicUsize) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let begun = Instant::now();
        let others = concurrent.fetch_add(1, Ordering::SeqCst);
        let answer = answer(&body, server, others, begun);
        concurrent.fetch_sub(1, Ordering::SeqCst);
        let mut seen = lock(server);
        let ended = Instant::now();
        let first = seen.seen.span.map_or(begun, |(first, _)| first.min(begun));
        seen.seen.span = Some((first, ended));
        drop(seen);
        writer.write_all(answer?.as_bytes()).ok()?;
    }
}

/// The response to one request, after its latency.
fn answer(body: &[u8], server: &Mutex<Server>, others: usize, begun: Instant) -> Option<String> {
    let request: Value = serde_json::from_slice(body).ok()?;
    let messages = request["messages"].as_array()?;
    let user = messages.last()?["content"].as_str()?;
    let is_file = user.starts_with("A file");
    let prompt_tokens = messages
        .iter()
        .filter_map(|message| message["content"].as_str())
        .map(|text| text.len().div_ceil(4))
        .sum::<usize>();
    let cap = request["max_tokens"]
        .as_u64()
        .or(request["max_completion_tokens"].as_u64());
    let charge = prompt_tokens as f64 + cap.unwrap_or(0) as f64;
    let mut open = lock(server);
    let (behavior, wait, headers) = admit(&mut open, charge, others);
    // Every response differs: folders with equal text would share one.
    open.marks += 1;
    let mark = open.marks;
    drop(open);
    if let Some(wait) = wait {
        let body = json!({"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}});
        let pause = format!("retry-after: {}\r\n", wait.ceil().max(1.0));
        let pause = if behavior.states_limits {
            pause
        } else {
            String::new()
        };
        return Some(response(
            "429 Too Many Requests",
            &(headers + &pause),
            &body.to_string(),
        ));
    }
    let took = if is_file {
        behavior.file
    } else {
        behavior.directory
    };
    std::thread::sleep((begun + took).saturating_duration_since(Instant::now()));
    let summary = format!(
        "Holds piece {mark} of the whole. It gives its neighbours what they need to know of that piece, and keeps \
         the rest to itself. It depends on nothing that is not named in it."
    );
    let body = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": request["model"],
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": summary}}],
        "usage": {"prompt_tokens": prompt_tokens, "completion_tokens": 40, "total_tokens": prompt_tokens + 40},
    });
    Some(response("200 OK", &headers, &body.to_string()))
}

/// Counts and charges a request; returns the seconds to wait if it is refused, and the headers.
fn admit(server: &mut Server, charge: f64, others: usize) -> (Behavior, Option<f64>, String) {
    server.seen.requests += 1;
    let behavior = server.behavior;
    let mut wait: Option<f64> = None;
    if behavior.concurrent > 0 && others >= behavior.concurrent {
        wait = Some(1.0);
    }
    for (bucket, amount) in [(&mut server.requests, 1.0), (&mut server.tokens, charge)] {
        if let Some(bucket) = bucket {
            bucket.fill();
            if bucket.level < amount {
                wait = Some(wait.unwrap_or(0.0).max(bucket.missing(amount)));
            }
        }
    }
    match wait {
        Some(_) => server.seen.refused += 1,
        None => {
            server.seen.tokens += charge;
            for (bucket, amount) in [(&mut server.requests, 1.0), (&mut server.tokens, charge)] {
                if let Some(bucket) = bucket {
                    bucket.level -= amount;
                }
            }
        }
    }
    let mut headers = String::new();
    let all = [
        ("requests", &server.requests, behavior.requests_per_minute),
        ("tokens", &server.tokens, behavior.tokens_per_minute),
    ];
    for (name, bucket, limit) in all {
        if let Some(bucket) = bucket.as_ref().filter(|_| behavior.states_limits) {
            headers += &format!(
                "x-ratelimit-limit-{name}: {limit}\r\nx-ratelimit-remaining-{name}: {}\r\n\
                 x-ratelimit-reset-{name}: {}ms\r\n",
                bucket.level.max(0.0).floor(),
                (bucket.missing(bucket.capacity) * 1_000.0).ceil(),
            );
        }
    }
    (behavior, wait, headers)
}

fn response(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}
