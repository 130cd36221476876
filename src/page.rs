//! Documents for people: the page of `export --format html` and `epitome ui`, the page without scripts, Markdown.
//!
//! Text of a repository or a model is data here and never markup.

mod app;
mod escape;
pub mod markdown;
pub mod static_html;

pub use app::{Policy, data, html, live};

/// What a document says about its origin.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The name of the exported folder.
    pub name: String,
    /// The commit that is checked out, if the folder is in a git repository.
    pub revision: Option<String>,
    /// When it was made, RFC 3339.
    pub date: Option<String>,
    /// Where sources are: a URL with `{path}`, `{line}` and `{revision}`.
    pub source: Option<String>,
}
