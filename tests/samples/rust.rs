// Copyright 2020 X
//! Sells things.
use std::fmt;

/// A cart.
#[derive(Clone)]
pub struct Cart {
    items: u8, // Not documentation.
}

impl Cart {
    /// Adds one.
    pub fn add(&mut self, item: u8) {}
}

lazy_static! {
    pub static ref LIMIT: u8 = 1;
}
