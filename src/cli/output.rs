//! The two streams: data to standard output, everything else to standard error.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use super::failure::Failure;
use super::text::clean;

/// Writes data.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Writes one JSON document and a newline.
pub fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    serde_json::to_writer(&mut out, value).map_err(io::Error::from)?;
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(())
}

/// Says something in one line on standard error. Nobody can be told if that fails.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr(), "epitome: {}", clean(line));
}
