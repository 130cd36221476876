//! Streams events to a client. A client that reads too slowly receives the number of events it missed.

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
use crate::daemon::context::followers::Published;
use crate::daemon::mailbox::Query;

/// Events that wait for the client.
const READY: usize = 64;

/// The nodes whose events are sent.
enum Scope {
    All,
    Below(RepoId, RelPath),
}

impl Scope {
    fn holds(&self, repo: RepoId, path: &RelPath) -> bool {
        match self {
            Self::All => true,
            // An event of the repository itself concerns everything in it.
            Self::Below(of, top) => *of == repo && (path.is_within(top) || path.is_root()),
        }
    }
}

impl Handle {
    /// The events from now on, at and below `path`, or of all repositories.
    pub(super) async fn follow(&self, path: Option<&Path>) -> Result<EventStream, Problem> {
        let scope = match path {
            None => Scope::All,
            Some(path) => {
                let (entry, relative) = self.resolve(path)?;
                Scope::Below(entry.repo, relative)
            }
        };
        // Subscribing before the query avoids a gap between the two.
        let mut followed = self.context.followers.subscribe();
        let (now, _) = self.query(|reply| Query::Status { reply }).await?;
        let (ready, events) = mpsc::channel(READY);
        let context = Arc::clone(&self.context);
        tokio::spawn(async move {
            for (repo, status) in now {
                let change = if status.settled && !status.scanning {
                    NodeChange::Settled
                } else {
                    NodeChange::Busy
                };
                let event = Arc::new((
                    SystemTime::now(),
                    Published::NodeChange(repo, RelPath::root(), change),
                ));
                if !pass_on(&context, &scope, event, &ready).await {
                    return;
                }
            }
            loop {
                let event = tokio::select! {
                    event = followed.recv() => event,
                    () = ready.closed() => return,
                };
                let goes_on = match event {
                    Ok(event) => pass_on(&context, &scope, event, &ready).await,
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
        Ok(events)
    }
}

/// Sends an event that is in the scope; `false` when the client has left.
async fn pass_on(
    context: &Arc<Context>,
    scope: &Scope,
    event: Arc<(SystemTime, Published)>,
    ready: &mpsc::Sender<Result<StreamEvent, Problem>>,
) -> bool {
    if let Published::NodeChange(repo, path, _) = &event.1
        && !scope.holds(*repo, path)
    {
        return true;
    }
    let context = Arc::clone(context);
    match blocking(move || to_stream_event(&context, &event)).await {
        Ok(Some(stream_event)) => ready.send(Ok(stream_event)).await.is_ok(),
        Ok(None) => true,
        Err(problem) => ready.send(Err(problem)).await.is_ok(),
    }
}

/// The event for the client; `None` if its repository is no longer watched.
fn to_stream_event(
    context: &Context,
    (time, event): &(SystemTime, Published),
) -> Option<StreamEvent> {
    let time = stamp(*time);
    let (repo, path, change) = match event {
        Published::NodeChange(repo, path, change) => (repo, path, change),
        Published::Notice(text) => {
            let mut notice = StreamEvent::new(time, StreamEventKind::Notice);
            notice.text = Some(text.clone());
            return Some(notice);
        }
    };
    let mut stream_event = StreamEvent::new(time, StreamEventKind::Busy);
    let (text, base64) = text_and_bytes(path);
    stream_event.repository = Some(
        context
            .registry
            .get(*repo)?
            .root
            .to_string_lossy()
            .into_owned(),
    );
    stream_event.path = Some(text);
    stream_event.path_base64 = base64;
    match change {
        NodeChange::Busy => stream_event.path = None,
        NodeChange::Settled => {
            stream_event.event = StreamEventKind::Settled;
            stream_event.path = None;
        }
        NodeChange::Changed => {
            stream_event.event = StreamEventKind::Changed;
            stream_event.kind = Some(NodeKind::File);
        }
        NodeChange::Removed => {
            stream_event.event = StreamEventKind::Removed;
            stream_event.kind = Some(NodeKind::File);
        }
        NodeChange::Summarized(kind, key, another) => {
            stream_event.text_changed = Some(*another);
            stream_event.event = StreamEventKind::Summarized;
            stream_event.kind = Some(node_kind(*kind));
            let summary = context.store.summary(*key).ok().flatten();
            stream_event.line = summary.map(|summary| summary.line().to_owned());
        }
        NodeChange::Failed(kind, error) => {
            stream_event.event = StreamEventKind::Failed;
            stream_event.kind = Some(node_kind(*kind));
            stream_event.error = Some(error.clone());
        }
    }
    Some(stream_event)
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
