//! Runs a parser, and stops it when a file is too much for it.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use tree_sitter::{ParseOptions, Parser, Tree};

use super::table::Compiled;

/// What a parse may cost. A parser reports progress every hundred steps or so: a report costs one, and ten once
/// there are errors, because looking for a way out of them is slow. The bound is counted and not timed, so that equal
/// files give equal outlines on a busy machine too. Valid text costs about one for 60 bytes.
const MAX_COST: u32 = 400_000;
const COST_OF_ERRORS: u32 = 10;

/// The bound that guards against steps of a length that nobody foresaw.
const MAX_TIME: Duration = Duration::from_secs(10);

/// Files above this size, in bytes, are not parsed: the parser counts in 32 bits.
const MAX_BYTES: usize = 256 << 20;

/// The tree of a text; `None` where it took too much.
pub(super) fn parse(compiled: &Compiled, source: &[u8]) -> Option<Tree> {
    if source.len() > MAX_BYTES {
        return None;
    }
    let mut parser = Parser::new();
    parser.set_language(&compiled.language).ok()?;
    let started = Instant::now();
    let mut cost = 0u32;
    let mut progress = |state: &tree_sitter::ParseState| {
        cost += if state.has_error() { COST_OF_ERRORS } else { 1 };
        if cost > MAX_COST || started.elapsed() > MAX_TIME {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let mut read = |at: usize, _| source.get(at..).unwrap_or_default();
    parser.parse_with_options(&mut read, None, Some(options))
}
