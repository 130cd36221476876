//! stub
use crate::model::path::*;
use std::path::*;
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct WatchError;
pub struct Watch;
#[derive(Default)]
pub struct Hints {
    pub touched: Vec<(RepoId, Vec<RelPath>)>,
    pub lost: bool,
    pub rules_changed: Vec<RepoId>,
    pub cookies: Vec<u64>,
    pub root_changed: Vec<RepoId>,
}
impl Watch {
    pub fn start(_c: &Path, _w: impl Fn() + Send + Sync + 'static) -> Result<Watch, WatchError> {
        Ok(Watch)
    }
    pub fn add_repository(&self, _r: RepoId, _p: &Path, _o: &[PathBuf]) {}
    pub fn remove_repository(&self, _r: RepoId) {}
    pub fn add_directory(&self, _r: RepoId, _d: &Path) -> Result<(), WatchError> {
        Ok(())
    }
    pub fn remove_directory(&self, _r: RepoId, _d: &Path) {}
    pub fn drain(&self) -> Hints {
        Hints::default()
    }
    pub fn cookie(&self, _i: u64) -> std::io::Result<()> {
        Err(std::io::Error::other("x"))
    }
    pub fn watches(&self, _r: RepoId) -> usize {
        0
    }
}
