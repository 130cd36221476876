//! The two streams: data go to standard output, everything else to standard error.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::{Command, Stdio};

use serde::Serialize;

use super::failure::Failure;
use super::terminal::Terminal;
use super::text::{clean, fold};

/// Writes data.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Writes data; through a pager if they are longer than the terminal, as git does.
pub fn page(text: &str, terminal: Terminal) -> Result<(), Failure> {
    let rows = terminal.height.unwrap_or(usize::MAX);
    if text.lines().count() < rows || !io::stdout().is_terminal() {
        return print(text);
    }
    match pager() {
        Some(mut pager) => match pager.stdin(Stdio::piped()).spawn() {
            Ok(mut child) => {
                if let Some(mut input) = child.stdin.take() {
                    // An error means that the reader closed the pager.
                    let _ = input.write_all(text.as_bytes());
                }
                child.wait()?;
                Ok(())
            }
            Err(_) => print(text),
        },
        None => print(text),
    }
}

/// The pager that EPITOME_PAGER or PAGER names, or `less`; `None` if it is empty or `cat`.
fn pager() -> Option<Command> {
    let named = ["EPITOME_PAGER", "PAGER"]
        .into_iter()
        .find_map(std::env::var_os);
    let line = match &named {
        Some(line) => line.to_str()?,
        None => "less",
    };
    let mut words = line.split_whitespace();
    let program = words.next().filter(|program| *program != "cat")?;
    let mut command = Command::new(program);
    command.args(words);
    if std::env::var_os("LESS").is_none() {
        // Quit if the text fits, keep colours, leave the text on the screen.
        command.env("LESS", "FRX");
    }
    Some(command)
}

/// Writes one JSON document and a newline; indented for a person at a terminal.
pub fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    write_json(value, io::stdout().is_terminal())
}

/// Writes one JSON document on one line.
pub fn print_json_line(value: &impl Serialize) -> Result<(), Failure> {
    write_json(value, false)
}

fn write_json(value: &impl Serialize, indented: bool) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = match indented {
        true => serde_json::to_writer_pretty(&mut out, value),
        false => serde_json::to_writer(&mut out, value),
    };
    written.map_err(io::Error::from)?;
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(())
}

/// Writes one line to standard error. A failure to do so is ignored: there is no other place to report it.
pub fn say(line: &str) {
    let line = format!("epitome: {}", clean(line));
    let columns = match io::stderr().is_terminal() {
        true => console::Term::stderr().size_checked(),
        false => None,
    };
    let line = match columns {
        Some((_, columns)) => fold(&line, usize::from(columns).max(20)),
        None => line,
    };
    let _ = writeln!(io::stderr(), "{line}");
}
