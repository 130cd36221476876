//! `epitome mcp`: summaries for coding agents, and the configuration of their clients.

pub mod install;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::builder::TypedValueParser;

use super::failure::Failure;
use super::{Context, here, output, paths, start};
use crate::mcp::{self, LeftOut, Options, Start, Starter};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    install: Option<Action>,
    /// A folder of the repository that the agent works in [default: the current folder, or the client's roots]
    #[arg(value_parser = folder())]
    path: Option<PathBuf>,
    /// The same, for clients that want options only; a path or a file:// address
    #[arg(long, value_name = "PATH", conflicts_with = "path", value_parser = folder())]
    root: Option<PathBuf>,
    /// Start the daemon and watch the repository if neither is done yet
    #[arg(long)]
    watch: bool,
}

/// Any text: a client whose variable is empty gives an empty one.
fn folder() -> impl clap::builder::TypedValueParser<Value = PathBuf> {
    clap::builder::OsStringValueParser::new().map(PathBuf::from)
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Add Epitome to a client's configuration
    Install(install::Arguments),
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    if let Some(Action::Install(arguments)) = &arguments.install {
        return install::run(arguments);
    }
    let given = arguments.root.as_deref().or(arguments.path.as_deref());
    let start = match given.filter(|given| !given.as_os_str().is_empty()) {
        Some(path) => named(path),
        None => Start::Here(paths::absolute(None).ok()),
    };
    let starter: Option<Starter> = arguments.watch.then(|| starter(context));
    if let Some(start) = &starter {
        // Not before the handshake: the first call waits for what is under way here.
        let starting = start();
        tokio::spawn(async move {
            if let Err(reason) = starting.await {
                output::say(&reason);
            }
        });
    }
    let places = &context.places;
    mcp::serve(Options {
        socket: places.socket.clone(),
        start,
        starter,
        left_out: left_out(context),
        own: (places.config.clone(), places.data.clone()),
    })
    .await?;
    Ok(())
}

/// Starts the daemon where none runs.
fn starter(context: &Context) -> Starter {
    let places = context.places.clone();
    Arc::new(move || {
        let context = Context {
            places: places.clone(),
        };
        Box::pin(async move {
            let started = start::client(&context).await;
            started.map(drop).map_err(|failure| failure.to_string())
        })
    })
}

/// The rules of repositories, with the `[files]` section of this user's configuration.
fn left_out(context: &Context) -> LeftOut {
    let rules = here::rules(context);
    Arc::new(move |root, folder| here::left_out(root, folder, &rules))
}

/// The folder that was named, where it is one.
fn named(path: &Path) -> Start {
    let shown = path.display();
    if path.to_str().is_some_and(|text| text.contains("${")) {
        return Start::Unusable(format!(
            "the client started this server with the folder {shown}, a variable that it did not replace"
        ));
    }
    match paths::absolute(Some(path)) {
        Ok(found) if found.is_dir() => Start::Named(found),
        Ok(found) if found.is_file() => match found.parent() {
            Some(folder) => Start::Named(folder.to_path_buf()),
            None => Start::Unusable(format!("{shown} is no folder")),
        },
        Ok(_) => Start::Unusable(format!("the folder {shown} does not exist")),
        Err(failure) => Start::Unusable(failure.to_string()),
    }
}
