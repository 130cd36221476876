//! stub
use std::borrow::Cow;
pub fn redact(t: &str) -> Cow<'_, str> {
    Cow::Borrowed(t)
}
