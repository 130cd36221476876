//! The domain's types. They read no clock, disk or network, and import nothing from other modules.

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
pub mod policy;
pub mod price;
pub mod record;
pub mod shared;
pub mod stat;
pub mod summary;
pub mod text;
pub mod time;
pub mod usage;
