//! What the files around a file say about it.

/// How a file is treated, independent of its content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Policy {
    /// Nothing is said: the content decides.
    #[default]
    None,
    /// An AI-ignore file keeps its content from models.
    Withheld,
    /// `linguist-generated`.
    Generated,
    /// `linguist-vendored`.
    Vendored,
    /// `linguist-documentation`.
    Documentation,
    /// One of these attributes is unset: people wrote it, whatever it looks like.
    Source,
}
