//! Standard input and output as JSON-RPC lines, checked and tidied before the protocol library sees them.
//!
//! The library ends the session at a notification before `initialize`, ignores a line that is not JSON and a last line
//! without its line break, and knows no batches (protocol 2025-03-26). Here each of these gets what JSON-RPC asks for.
//! What clients write untidily (`arguments` as JSON text, no `clientInfo`) is put in order.

mod gate;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use gate::Gate;

/// The longest line.
const MAX_LINE: u64 = 16 * 1024 * 1024;
/// Bytes between this module and the library.
const BUFFER: usize = 64 * 1024;

type Output<W> = Arc<tokio::sync::Mutex<W>>;

/// The two ends for the protocol library, and whether standard input has ended.
pub struct Lines {
    /// Well-formed messages, one a line.
    pub input: DuplexStream,
    /// Where the library writes its messages.
    pub output: DuplexStream,
    /// Whether the real input has ended. Hosts close it to end a server, and kill one that is still there two seconds
    /// later; a script that pipes its requests in closes it, too, and wants the responses.
    pub closed: watch::Receiver<bool>,
    /// Ends when all that the library wrote is out.
    pub written: JoinHandle<()>,
}

/// Starts to copy between the real streams and the library's.
pub fn connect<R, W>(input: R, output: W) -> Lines
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let (to_library, library_input) = tokio::io::duplex(BUFFER);
    let (library_output, from_library) = tokio::io::duplex(BUFFER);
    let (tell, closed) = watch::channel(false);
    let gate = Arc::new(Mutex::new(Gate::default()));
    let output = Arc::new(tokio::sync::Mutex::new(output));
    tokio::spawn(read(
        input,
        to_library,
        Arc::clone(&gate),
        Arc::clone(&output),
        tell,
    ));
    let written = tokio::spawn(write(from_library, gate, output));
    Lines {
        input: library_input,
        output: library_output,
        closed,
        written,
    }
}

async fn read<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    input: R,
    mut library: DuplexStream,
    gate: Arc<Mutex<Gate>>,
    output: Output<W>,
    tell: watch::Sender<bool>,
) {
    let mut input = BufReader::new(input);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut input)
            .take(MAX_LINE)
            .read_until(b'\n', &mut line)
            .await;
        if !matches!(read, Ok(1..)) {
            break;
        }
        let whole = line.ends_with(b"\n") || (line.len() as u64) < MAX_LINE;
        let passed = if whole {
            lock(&gate).incoming(&line)
        } else {
            skip_line(&mut input).await;
            gate::too_long()
        };
        for reply in passed.replies {
            send(&output, &reply).await;
        }
        for message in passed.messages {
            if library.write_all(&message).await.is_err() {
                break;
            }
        }
    }
    // First the signal, then the end: a call that only waits must hear of it before the library does.
    tell.send_replace(true);
    drop(library);
}

/// Skips the rest of a line that is too long.
async fn skip_line<R: AsyncRead + Unpin>(input: &mut BufReader<R>) {
    loop {
        let Ok(bytes) = input.fill_buf().await else {
            return;
        };
        let end = bytes.iter().position(|&byte| byte == b'\n');
        let (used, done) = match end {
            Some(at) => (at + 1, true),
            None => (bytes.len(), bytes.is_empty()),
        };
        input.consume(used);
        if done {
            return;
        }
    }
}

async fn write<W: AsyncWrite + Unpin>(
    library: DuplexStream,
    gate: Arc<Mutex<Gate>>,
    output: Output<W>,
) {
    let mut library = BufReader::new(library);
    let mut line = Vec::new();
    loop {
        line.clear();
        match library.read_until(b'\n', &mut line).await {
            Ok(1..) => {}
            _ => return,
        }
        let out = lock(&gate).outgoing(&line);
        if let Some(out) = out {
            send(&output, &out).await;
        }
    }
}

async fn send<W: AsyncWrite + Unpin>(output: &Output<W>, line: &[u8]) {
    let mut output = output.lock().await;
    // A client that does not read any more is about to close the input, which ends everything.
    let _ = output.write_all(line).await;
    let _ = output.flush().await;
}

fn lock(gate: &Mutex<Gate>) -> std::sync::MutexGuard<'_, Gate> {
    gate.lock().unwrap_or_else(PoisonError::into_inner)
}
