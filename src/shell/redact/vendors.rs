//! Token formats that vendors publish: a prefix and a plausible length prove a secret. The table is `vendors.txt`.

use std::sync::LazyLock;

use super::shape::Shape;

/// What stands in the token's place, and its shape.
pub(super) static SHAPES: LazyLock<Vec<(&'static str, Shape)>> = LazyLock::new(|| {
    let rows = include_str!("vendors.txt").lines();
    let rows = rows.filter(|line| !line.starts_with("# "));
    rows.filter_map(|line| line.split_once(" | "))
        .map(|(kind, text)| (kind, Shape::parse(text)))
        .collect()
});
