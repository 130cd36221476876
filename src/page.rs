//! Documents for people: the page of `export --format html` and `epitome ui`, the page without scripts.
//!
//! Text of a repository or a model is data here and never markup.

mod app;
pub mod static_html;

pub use crate::wire::markdown::Origin;
pub use app::{Changed, Policy, data, html, live};
