//! The loop and its workers without a process, with a third provider.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::oneshot;

use crate::config::Config;
use crate::daemon::context::{Context, Mode};
use crate::daemon::event_loop;
use crate::daemon::mailbox::{self, Input, Inputs, Lookup, Query};
use crate::daemon::prompt::Prompt;
use crate::daemon::provider::{Capabilities, Facts, Provider, Response, Sending};
use crate::daemon::work::batching::Batching;
use crate::daemon::work::requesting::Requester;
use crate::daemon::work::writer::{Write, Writer};
use crate::engine::effect::{Subject, SummaryRequest};
use crate::engine::event::Event;
use crate::model::digest::Hasher;
use crate::model::failure::{Failure, Remedy};
use crate::model::key::Generator;
use crate::model::limits::Limits;
use crate::model::path::{RelPath, RepoId};
use crate::model::summary::{Freshness, Summary, SummaryKey};
use crate::model::usage::Usage;
use crate::shell::store::Store;

const TEXT: &str = "This file defines the value that the test reads and returns it to its caller.";

/// A provider that is neither `offline` nor `openai`.
#[derive(Default)]
struct Fake {
    paid: bool,
    calls: AtomicUsize,
    failure: Option<Failure>,
    panics: bool,
}

impl Provider for Fake {
    fn generator(&self) -> Generator {
        Generator {
            provider: "fake".to_owned(),
            model: "fake".to_owned(),
            prompt_version: 1,
            parameters: String::new(),
        }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            costs_money: self.paid,
            batches: false,
            prompt_cache: false,
            largest_input: 1_000,
        }
    }

    fn describe(&self, facts: &Facts<'_>) -> Result<String, Failure> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Ok(match facts {
            Facts::File { outline, .. } => format!("A file of {} lines.", outline.lines),
            Facts::Directory { children } => format!("A folder of {}.", children.len()),
        })
    }

    fn send(&self, _: Prompt, _: u32) -> Sending<'_> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        assert!(!self.panics, "as the test wants it");
        let text = match &self.failure {
            Some(failure) => Err(failure.clone()),
            None => Ok(TEXT.to_owned()),
        };
        Box::pin(std::future::ready(Response {
            text,
            used: Usage {
                requests: 1,
                ..Usage::default()
            },
            limits: Limits::default(),
            too_long: false,
            truncated: None,
        }))
    }
}

fn context(folder: &Path, fake: &Arc<Fake>) -> Arc<Context> {
    let data = folder.join("data");
    std::fs::create_dir_all(&data).unwrap();
    let store = Arc::new(Store::open(&data).unwrap());
    let provider: Arc<dyn Provider> = fake.clone();
    let config = Config::default();
    let context = Context::with_provider(config, store, &data, Mode::Local, provider);
    Arc::new(context.unwrap())
}

/// A repository of two files and one folder below the root.
fn repository(folder: &Path, context: &Context) -> RepoId {
    let root = folder.join("repo");
    std::fs::create_dir_all(root.join("package")).unwrap();
    std::fs::write(root.join("one.py"), "def one():\n    return 1\n").unwrap();
    std::fs::write(root.join("package/two.py"), "def two():\n    return 2\n").unwrap();
    let root = root.canonicalize().unwrap();
    let own = &context.own_folder;
    let added = context.registry.add(&root, &context.file_rules, own);
    added.unwrap().0.repo
}

async fn query<T>(inputs: &Inputs, query: impl FnOnce(oneshot::Sender<T>) -> Query) -> T {
    let (reply, answer) = oneshot::channel();
    inputs.send(Input::Query(query(reply))).await;
    answer.await.unwrap()
}

fn request(name: &str) -> SummaryRequest {
    let mut hasher = Hasher::new("test");
    hasher.field(name.as_bytes());
    SummaryRequest {
        key: SummaryKey(hasher.finish()),
        repo: RepoId(1),
        path: RelPath::new(name),
        subject: Subject::Directory {
            children: Vec::new(),
        },
        earlier: None,
        attempts: 0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_provider_needs_no_change_of_the_loop() {
    for paid in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let fake = Arc::new(Fake {
            paid,
            ..Fake::default()
        });
        let context = context(folder.path(), &fake);
        let repo = repository(folder.path(), &context);
        let (inputs, receiver) = mailbox::channel();
        event_loop::start(Arc::clone(&context), inputs.clone(), receiver).unwrap();
        let path = RelPath::root();
        let failed = query(&inputs, |reply| Query::Wait { repo, path, reply }).await;
        assert_eq!(failed, []);
        let found = query(&inputs, |reply| Query::Node {
            repo,
            path: RelPath::new("package/two.py"),
            depth: 0,
            reply,
        });
        let Lookup::Found(node) = found.await else {
            panic!("the node is missing");
        };
        assert_eq!(node.freshness, Freshness::Fresh);
        let stored = context.store.summary(node.summary.unwrap().key).unwrap();
        let expected = if paid { TEXT } else { "A file of 2 lines." };
        assert_eq!(stored.unwrap().text, expected);
        // Two files and two folders, each once.
        assert_eq!(fake.calls.load(Ordering::Relaxed), 4);
        let (done, stopped) = oneshot::channel();
        inputs.send(Input::Stop(done)).await;
        stopped.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_ends_in_one_event() {
    let failure = Failure::new(Remedy::Throttled, "too many requests");
    let cases = [
        (Fake::default(), None),
        (
            Fake {
                failure: Some(failure),
                ..Fake::default()
            },
            Some(Remedy::Throttled),
        ),
        (
            Fake {
                panics: true,
                ..Fake::default()
            },
            Some(Remedy::Permanent),
        ),
    ];
    for (fake, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        let fake = Arc::new(Fake { paid: true, ..fake });
        let context = context(folder.path(), &fake);
        let (writer, _confirmations) = Writer::start(&context).unwrap();
        let requester = Requester::new(context, writer);
        let Event::Responded { result, .. } = requester.carry_out(request("a")).await else {
            panic!("another event");
        };
        assert_eq!(result.err().map(|failure| failure.remedy), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_writer_takes_its_turn_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let context = context(folder.path(), &Arc::default());
    let (writer, mut confirmations) = Writer::start_with(&context, 1).unwrap();
    let summary = Summary::new(TEXT, "fake");
    let keys: Vec<SummaryKey> = (0..300)
        .map(|number| request(&number.to_string()).key)
        .collect();
    let mut confirmed = Vec::new();
    for &key in &keys {
        let summary = summary.clone();
        // As the event loop does: what does not fit is kept, and confirmations are read meanwhile.
        let mut write = Write::Summary { key, summary };
        while let Err(unsent) = writer.try_write(write) {
            write = unsent;
            writer.room().await;
            while let Ok(more) = confirmations.try_recv() {
                confirmed.extend(more);
            }
        }
    }
    writer.flush().await;
    while let Ok(more) = confirmations.try_recv() {
        confirmed.extend(more);
    }
    assert_eq!(confirmed, keys);
    for key in keys {
        assert_eq!(context.store.summary(key).unwrap().unwrap().text, TEXT);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_reach_no_batch_are_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let context = context(folder.path(), &Arc::default());
    let (writer, _confirmations) = Writer::start(&context).unwrap();
    let (inputs, mut receiver) = mailbox::channel();
    let batching = Batching::start(Requester::new(context, writer), inputs, Vec::new());
    let expected = request("a").key;
    assert!(batching.request(vec![request("a")]).is_none());
    let Some(Input::Event(Event::BatchRefused { keys, for_good })) = receiver.recv().await else {
        panic!("another input");
    };
    assert_eq!((keys, for_good), (vec![expected], true));
}
