//! stub
use crate::model::{failure::Failure, usage::Usage};
pub struct Options {
    pub base_url: String,
    pub model: String,
    pub api_key: Option<String>,
    pub timeout: std::time::Duration,
}
pub struct Endpoint;
pub struct Prompt {
    pub system: String,
    pub user: String,
}
#[derive(Default)]
pub struct Limits;
pub struct Answer {
    pub text: String,
    pub usage: Usage,
    pub limits: Limits,
}
impl Endpoint {
    pub fn new(_o: Options) -> Result<Endpoint, Failure> {
        Ok(Endpoint)
    }
    pub async fn ask(&self, _p: &Prompt, _c: u32) -> Result<Answer, (Failure, Limits)> {
        Err((
            Failure::new(crate::model::failure::Remedy::Permanent, "stub"),
            Limits,
        ))
    }
}
