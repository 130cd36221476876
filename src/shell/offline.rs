//! stub
use crate::model::{contents::Matter, language::Language, outline::Outline, recipe::Kind};
pub struct Child<'a> {
    pub name: &'a str,
    pub kind: Kind,
    pub summary: Option<&'a str>,
}
pub fn file(_l: Option<Language>, o: &Outline, _b: u64) -> String {
    format!("Defines {} things.", o.elements.len())
}
pub fn directory(c: &[Child<'_>]) -> String {
    format!("Holds {} things.", c.len())
}
pub fn rule(m: Matter, _l: Option<Language>) -> String {
    format!("{m:?}.")
}
pub const VERSION: u32 = 0;
