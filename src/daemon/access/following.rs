//! Those who follow what happens. Nothing is kept for them: who reads too slowly is told how much they missed.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

use crate::engine::effect::NodeChange;
use crate::model::key::Kind;
use crate::model::path::{RelPath, RepoId};
use crate::wire::events::{EventStream, StreamEvent, StreamEventKind};
use crate::wire::protocol::Problem;
use crate::wire::search::NodeKind;

use crate::daemon::access::{Handle, blocking};
use crate::daemon::answers::text_and_bytes;
use crate::daemon::context::Context;
use crate::daemon::context::followers::Happening;
use crate::daemon::mailbox::Query;

/// What is made ready for one at a time.
const READY: usize = 64;

/// Whose happenings are wanted.
enum Scope {
    All,
    Below(RepoId, RelPath),
}

impl Scope {
    fn holds(&self, repo: RepoId, path: &RelPath) -> bool {
        match self {
            Self::All => true,
            // What is said of the repository itself concerns all in it.
            Self::Below(of, top) => *of == repo && (path.is_within(top) || path.is_root()),
        }
    }
}

impl Handle {
    /// What happens from now on, at and below `path`, or everywhere.
    pub(super) async fn follow(&self, path: Option<&Path>) -> Result<EventStream, Problem> {
        let scope = match path {
            None => Scope::All,
            Some(path) => {
                let (entry, relative) = self.resolve(path)?;
                Scope::Below(entry.repo, relative)
            }
        };
        // First this, then how things are now: so nothing is lost between the two.
        let mut followed = self.context.followers.subscribe();
        let (now, _) = self.query(|reply| Query::Status { reply }).await?;
        let (ready, happenings) = mpsc::channel(READY);
        let context = Arc::clone(&self.context);
        tokio::spawn(async move {
            for (repo, status) in now {
                let news = if status.settled && !status.scanning {
                    NodeChange::Settled
                } else {
                    NodeChange::Busy
                };
                let told = Arc::new((
                    SystemTime::now(),
                    Happening::NodeChange(repo, RelPath::root(), news),
                ));
                if !pass_on(&context, &scope, told, &ready).await {
                    return;
                }
            }
            loop {
                let told = tokio::select! {
                    told = followed.recv() => told,
                    () = ready.closed() => return,
                };
                let goes_on = match told {
                    Ok(told) => pass_on(&context, &scope, told, &ready).await,
                    Err(RecvError::Lagged(many)) => {
                        let mut missed =
                            StreamEvent::new(stamp(SystemTime::now()), StreamEventKind::Missed);
                        missed.missed = Some(many);
                        ready.send(Ok(missed)).await.is_ok()
                    }
                    Err(RecvError::Closed) => false,
                };
                if !goes_on {
                    return;
                }
            }
        });
        Ok(happenings)
    }
}

/// Hands one over, if it is wanted; `false` where nobody takes it any more.
async fn pass_on(
    context: &Arc<Context>,
    scope: &Scope,
    told: Arc<(SystemTime, Happening)>,
    ready: &mpsc::Sender<Result<StreamEvent, Problem>>,
) -> bool {
    if let Happening::NodeChange(repo, path, _) = &told.1
        && !scope.holds(*repo, path)
    {
        return true;
    }
    let context = Arc::clone(context);
    match blocking(move || happening(&context, &told)).await {
        Ok(Some(happening)) => ready.send(Ok(happening)).await.is_ok(),
        Ok(None) => true,
        Err(problem) => ready.send(Err(problem)).await.is_ok(),
    }
}

/// In words; `None` of a repository that is not watched any more.
fn happening(context: &Context, (time, told): &(SystemTime, Happening)) -> Option<StreamEvent> {
    let time = stamp(*time);
    let (repo, path, news) = match told {
        Happening::NodeChange(repo, path, news) => (repo, path, news),
        Happening::Notice(text) => {
            let mut notice = StreamEvent::new(time, StreamEventKind::Notice);
            notice.text = Some(text.clone());
            return Some(notice);
        }
    };
    let mut happening = StreamEvent::new(time, StreamEventKind::Busy);
    let (text, base64) = text_and_bytes(path);
    happening.repository = Some(
        context
            .registry
            .get(*repo)?
            .root
            .to_string_lossy()
            .into_owned(),
    );
    happening.path = Some(text);
    happening.path_base64 = base64;
    match news {
        NodeChange::Busy => happening.path = None,
        NodeChange::Settled => {
            happening.event = StreamEventKind::Settled;
            happening.path = None;
        }
        NodeChange::Changed => {
            happening.event = StreamEventKind::Changed;
            happening.kind = Some(NodeKind::File);
        }
        NodeChange::Removed => {
            happening.event = StreamEventKind::Removed;
            happening.kind = Some(NodeKind::File);
        }
        NodeChange::Summarized(kind, key) => {
            happening.event = StreamEventKind::Summarized;
            happening.kind = Some(node_kind(*kind));
            let words = context.store.summary(*key).ok().flatten();
            happening.line = words.map(|words| words.line().to_owned());
        }
        NodeChange::Failed(kind, error) => {
            happening.event = StreamEventKind::Failed;
            happening.kind = Some(node_kind(*kind));
            happening.error = Some(error.clone());
        }
    }
    Some(happening)
}

fn node_kind(kind: Kind) -> NodeKind {
    match kind {
        Kind::File => NodeKind::File,
        Kind::Directory => NodeKind::Directory,
    }
}

fn stamp(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}
