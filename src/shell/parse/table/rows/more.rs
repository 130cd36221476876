//! Rows of the languages beyond the first seven.
