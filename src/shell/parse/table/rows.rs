//! The rows. Each names the grammar, the query and what the walking code needs to know.

mod first;
mod more;

use super::Grammar;

pub(super) const ROWS: &[&Grammar] = &[
    &first::PYTHON,
    &first::RUST,
    &first::JAVASCRIPT,
    &first::TYPESCRIPT,
    &first::TSX,
    &first::FLOW,
    &first::GO,
    &first::JAVA,
    &first::C,
];
