//! The map for coding agents: an MCP server on standard input and output with six tools that only read.
//!
//! The protocol is the library's. The handshake needs no daemon and waits for nothing; each call asks the daemon anew,
//! so that a daemon that is started later, or again, is found. Answers are text, bounded by the caller, each with a
//! word on its freshness and on what it left out.

mod changes;
mod closing;
mod page;
mod tools;

use std::path::PathBuf;
use std::sync::Arc;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
    InitializeResult, ListToolsResult, PaginatedRequestParams, ServerCapabilities,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, ServerHandler, ServiceExt};
use tokio::sync::watch;

use crate::client::Client;
use crate::wire::access::Access;
use crate::wire::protocol::{PROBLEM_NOT_WATCHED, Problem, Repository, Status};

/// What an agent is told once, at the beginning.
const INSTRUCTIONS: &str = "Epitome keeps a summary of each file and directory of this repository, renewed when they \
change. Ask it before you read files one by one: get_overview first, then search or list_tree to find the place, \
get_summary for what a file holds with line numbers. Every answer says whether it is fresh; `~ stale` marks words about \
an earlier state: read such a file itself.";

/// Serves until standard input ends. `folder`: absolute; the repository that holds it is the one spoken of.
///
/// # Errors
/// The two streams fail, or the other side does not speak the protocol.
pub async fn serve(socket: PathBuf, folder: PathBuf) -> anyhow::Result<()> {
    let (input, output) = rmcp::transport::io::stdio_pipes();
    let (input, closed) = closing::Closing::of(input);
    let server = Server(Arc::new(Place {
        socket,
        folder,
        closed,
    }));
    match server.serve((input, output)).await {
        Ok(service) => {
            service.waiting().await?;
            Ok(())
        }
        // Whoever closes the streams before the handshake has changed their mind.
        Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What the tools speak of.
pub(crate) struct Place {
    socket: PathBuf,
    folder: PathBuf,
    /// Whether standard input has ended.
    closed: watch::Receiver<bool>,
}

#[derive(Clone)]
struct Server(Arc<Place>);

impl ServerHandler for Server {
    fn get_info(&self) -> InitializeResult {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        InitializeResult::new(capabilities)
            .with_server_info(Implementation::new("epitome", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::all()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let Some(answer) = tools::call(&self.0, &request.name, arguments).await else {
            let name = &request.name;
            return Err(ErrorData::invalid_params(
                format!("there is no tool {name}"),
                None,
            ));
        };
        // The agent itself is to read what went wrong, and how to mend it.
        let result = match answer {
            Ok(text) => CallToolResult::success(vec![ContentBlock::text(text)]),
            Err(reason) => CallToolResult::error(vec![ContentBlock::text(reason)]),
        };
        Ok(result.into())
    }
}

/// The daemon and the repository, as they are at one call.
struct Session {
    client: Client,
    status: Status,
    repository: Repository,
    closed: watch::Receiver<bool>,
}

impl Place {
    async fn session(&self) -> Result<Session, Problem> {
        let client = Client::connect(&self.socket).await?;
        let status = client.status().await?;
        let holds = |one: &&Repository| self.folder.starts_with(&one.path);
        let holding = status.repositories.iter().filter(holds);
        let repository = holding.max_by_key(|one| one.path.len()).cloned();
        let folder = self.folder.display();
        let repository = repository.ok_or_else(|| {
            Problem::new(
                PROBLEM_NOT_WATCHED,
                format!("{folder} is in no watched repository: run `epitome watch` there once"),
            )
        })?;
        Ok(Session {
            client,
            status,
            repository,
            closed: self.closed.clone(),
        })
    }
}

impl Session {
    /// Ready when standard input has ended: whoever asked goes, and waits for no more than what is under way.
    async fn closing(&self) {
        if self
            .closed
            .clone()
            .wait_for(|&closed| closed)
            .await
            .is_err()
        {
            // It ended without saying so; then the library ends the calls.
            std::future::pending::<()>().await;
        }
    }

    /// The absolute path that an agent means by a path in the repository, or by an absolute one.
    fn path(&self, path: &str) -> PathBuf {
        let root = PathBuf::from(&self.repository.path);
        let path = path.trim();
        if path.starts_with(&self.repository.path) {
            return PathBuf::from(path);
        }
        // `/src` and `./src/` are what some agents write for `src`.
        let below = path.trim_start_matches("./").trim_matches('/');
        match below {
            "" | "." => root,
            below => root.join(below),
        }
    }
}
