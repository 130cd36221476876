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
    &more::CPP,
    &more::CSHARP,
    &more::RUBY,
    &more::PHP,
    &more::SHELL,
    &more::VUE,
    &more::SVELTE,
    #[cfg(feature = "kotlin")]
    &more::KOTLIN,
    #[cfg(feature = "swift")]
    &more::SWIFT,
    #[cfg(feature = "scala")]
    &more::SCALA,
    #[cfg(feature = "dart")]
    &more::DART,
    #[cfg(feature = "lua")]
    &more::LUA,
    #[cfg(feature = "elixir")]
    &more::ELIXIR,
    #[cfg(feature = "protobuf")]
    &more::PROTOBUF,
    #[cfg(feature = "graphql")]
    &more::GRAPHQL,
    #[cfg(feature = "terraform")]
    &more::TERRAFORM,
    #[cfg(feature = "css")]
    &more::CSS,
    #[cfg(feature = "css")]
    &more::SCSS,
    #[cfg(feature = "zig")]
    &more::ZIG,
    #[cfg(feature = "haskell")]
    &more::HASKELL,
    #[cfg(feature = "powershell")]
    &more::POWERSHELL,
];
