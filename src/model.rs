//! The nouns: what Epitome speaks of. No clock, no disk, no network, and nothing from any other room.

pub mod batch;
pub mod contents;
pub mod digest;
pub mod failure;
pub mod key;
pub mod language;
pub mod limits;
pub mod listing;
pub mod outline;
pub mod path;
pub mod price;
pub mod record;
pub mod stat;
pub mod summary;
pub mod text;
pub mod time;
pub mod usage;
