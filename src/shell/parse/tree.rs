//! Runs the parser, within limits, on the text or on a repaired form of it.

use std::cell::RefCell;
use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

use tree_sitter::{ParseOptions, Parser, Tree};

use super::table::{Compiled, Grammar, compiled, grammar};

/// The limit of a parse. The parser reports progress about every hundred steps: a report costs one, and ten once there
/// are errors, because recovery is slow. The limit counts steps and not time, so that equal files give equal outlines
/// on a busy machine too. Valid text costs about one for 60 bytes.
const MAX_COST: u32 = 400_000;
const COST_OF_ERRORS: u32 = 10;

/// What a byte in an error of the plain text weighs, beside one of the repaired text.
const WEIGHT_OF_PLAIN: usize = 4;

/// A second limit, in case steps take unexpectedly long.
const MAX_TIME: Duration = Duration::from_secs(10);

/// Larger files, in bytes, are not parsed: the parser counts in 32 bits.
const MAX_BYTES: usize = 256 << 20;

thread_local! {
    /// The thread's parser: a new one for each file costs more than the parse of a small file.
    static PARSER: RefCell<Parser> = RefCell::new(Parser::new());
}

/// A text as it was parsed.
pub(super) struct Parse {
    pub grammar: &'static Grammar,
    pub compiled: &'static Compiled,
    pub tree: Tree,
    /// Parts of the text that the parser could not read, in lines counted from 1.
    pub missing: Vec<(u32, u32)>,
    /// The tree has no function bodies.
    pub heads_only: bool,
}

/// Parses a text. If the tree has errors, the repaired text and the fallback grammars of the row are tried, and the
/// tree with the fewest bytes in errors is returned. `None` if all exceeded the limits.
pub(super) fn parse(row: &'static Grammar, source: &[u8]) -> Option<Parse> {
    let fallbacks = row.fallbacks.iter().filter_map(|name| grammar(name));
    let dialect = row.dialect.and_then(|dialect| dialect(source));
    let row = dialect.and_then(grammar).unwrap_or(row);
    let extracted = row.extract.and_then(|extract| extract(source));
    let source = extracted.as_deref().unwrap_or(source);
    let mut budget = MAX_COST;
    let mut best: Option<(usize, Parse)> = None;
    for row in std::iter::once(row).chain(fallbacks) {
        let Some(compiled) = compiled(row) else {
            continue;
        };
        // The text as it is, repaired, and without the bodies of functions.
        for (attempt, repair) in [None, row.repair, row.heads].into_iter().enumerate() {
            let repaired = repair.and_then(|repair| repair(source));
            if attempt > 0 && repaired.is_none() {
                continue;
            }
            let text = repaired.as_deref().unwrap_or(source);
            let Some(tree) = run(compiled, text, None, &mut budget) else {
                continue;
            };
            let (mut bytes, missing) = errors(&tree);
            // A macro makes the head of a function of `namespace`, in few bytes: errors in the plain text weigh more.
            if attempt == 0 {
                bytes *= WEIGHT_OF_PLAIN;
            }
            if best.as_ref().is_none_or(|(fewest, _)| bytes < *fewest) {
                let parse = Parse {
                    grammar: row,
                    compiled,
                    tree,
                    missing,
                    heads_only: attempt == 2,
                };
                best = Some((bytes, parse));
            }
            if bytes == 0 {
                return best.map(|(_, parse)| parse);
            }
        }
    }
    best.map(|(_, parse)| parse)
}

/// Parses a text, or the part of it in a range. `budget` is what the parse may cost, and is reduced by its cost.
pub(super) fn run(
    compiled: &Compiled,
    source: &[u8],
    part: Option<tree_sitter::Range>,
    budget: &mut u32,
) -> Option<Tree> {
    if source.len() > MAX_BYTES || *budget == 0 {
        return None;
    }
    PARSER.with_borrow_mut(|parser| parse_with(parser, compiled, source, part, budget))
}

fn parse_with(
    parser: &mut Parser,
    compiled: &Compiled,
    source: &[u8],
    part: Option<tree_sitter::Range>,
    budget: &mut u32,
) -> Option<Tree> {
    // A parse that was stopped must not be continued with another text.
    parser.reset();
    parser.set_language(&compiled.language).ok()?;
    let parts = part.as_slice();
    parser.set_included_ranges(parts).ok()?;
    let started = Instant::now();
    let mut progress = |state: &tree_sitter::ParseState| {
        let cost = if state.has_error() { COST_OF_ERRORS } else { 1 };
        *budget = budget.saturating_sub(cost);
        if *budget == 0 || started.elapsed() > MAX_TIME {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let mut read = |at: usize, _| source.get(at..).unwrap_or_default();
    parser.parse_with_options(&mut read, None, Some(options))
}

/// How many bytes of a text lie in errors, and on which lines. An absent token counts as one byte.
fn errors(tree: &Tree) -> (usize, Vec<(u32, u32)>) {
    let mut bytes = 0;
    let mut missing: Vec<(u32, u32)> = Vec::new();
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        if node.is_error() || node.is_missing() {
            bytes += node.byte_range().len().max(1);
            let rows: Range<usize> = node.start_position().row..node.end_position().row;
            let line = |row: usize| u32::try_from(row).unwrap_or(u32::MAX).saturating_add(1);
            let (start, end) = (line(rows.start), line(rows.end));
            match missing.last_mut() {
                Some(last) if start <= last.1.saturating_add(1) => last.1 = last.1.max(end),
                _ => missing.push((start, end)),
            }
        } else if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return (bytes, missing);
            }
        }
    }
}
