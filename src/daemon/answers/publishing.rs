//! Streams a node and everything below it as JSON, while it is read from the store: the outlines of a large tree need
//! many times the daemon's memory.

use std::io::{self, Write};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, Sender};
use tokio::time::timeout;

use crate::engine::view::NodeView;
use crate::wire::access::Chunks;
use crate::wire::protocol::Node;

/// The approximate size of a piece, in bytes.
const PIECE: usize = 256 << 10;
/// Pieces that wait for the reader.
const WAITING: usize = 2;
/// How long a reader may take for a piece before the stream ends.
const STALLED: Duration = Duration::from_secs(30);

/// Streams the view. `read` returns a node without its children.
pub fn stream(view: NodeView, read: impl Fn(&NodeView) -> Node + Send + 'static) -> Chunks {
    let (sender, pieces) = mpsc::channel(WAITING);
    let ended = sender.clone();
    let runtime = Handle::current();
    let task = tokio::task::spawn_blocking(move || {
        let mut out = Out {
            piece: Vec::new(),
            sender,
            runtime,
        };
        write(&view, &read, &mut out).and_then(|()| out.flush())
    });
    tokio::spawn(async move {
        let done = task.await.unwrap_or_else(|panic| {
            tracing::error!("cannot stream a node: {panic}");
            Err(io::Error::other("internal error; see the daemon's log"))
        });
        if let Err(error) = done {
            let _ = timeout(STALLED, ended.send(Err(error))).await;
        }
    });
    pieces
}

fn write(
    view: &NodeView,
    read: &impl Fn(&NodeView) -> Node,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut node = read(view);
    let (Node::Directory(directory), Some(children)) = (&mut node, &view.children) else {
        return out.write_all(&serde_json::to_vec(&node)?);
    };
    directory.children = Some(Vec::new());
    // The children are a directory's last field: they go before the last two brackets.
    let text = serde_json::to_vec(&node)?;
    let open = text.strip_suffix(b"]}").unwrap_or(&text);
    out.write_all(open)?;
    for (number, child) in children.iter().enumerate() {
        if number > 0 {
            out.write_all(b",")?;
        }
        write(child, read, out)?;
    }
    out.write_all(b"]}")
}

/// Sends pieces, and waits for the reader.
struct Out {
    piece: Vec<u8>,
    sender: Sender<io::Result<Vec<u8>>>,
    runtime: Handle,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = std::mem::take(&mut self.piece);
        let sent = self
            .runtime
            .block_on(timeout(STALLED, self.sender.send(Ok(piece))));
        match sent {
            Ok(Ok(())) => Ok(()),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::client::fake::{directory, file, tree};
    use crate::model::key::Kind;
    use crate::model::path::RelPath;
    use crate::model::summary::Freshness;

    /// The engine's view of such a node.
    fn view_of(node: &Node) -> NodeView {
        let children = match node {
            Node::File(_) => None,
            Node::Directory(directory) => directory.children.as_ref(),
        };
        NodeView {
            path: RelPath::new(node.common().path.as_bytes()),
            kind: match node {
                Node::File(_) => Kind::File,
                Node::Directory(_) => Kind::Directory,
            },
            digest: None,
            freshness: Freshness::Fresh,
            summary: None,
            error: None,
            contents: None,
            files: 0,
            directories: 0,
            left_out: Vec::new(),
            children: children.map(|children| children.iter().map(view_of).collect()),
        }
    }

    fn find(node: &Node, path: &[u8]) -> Option<Node> {
        if node.common().path.as_bytes() == path {
            return Some(node.clone());
        }
        match node {
            Node::File(_) => None,
            Node::Directory(directory) => {
                let mut children = directory.children.iter().flatten();
                children.find_map(|child| find(child, path))
            }
        }
    }

    async fn streamed(node: &Node) -> Vec<u8> {
        let all = node.clone();
        let mut pieces = stream(view_of(node), move |view| {
            let mut found = find(&all, view.path.as_bytes()).unwrap();
            if let Node::Directory(directory) = &mut found {
                directory.children = None;
            }
            found
        });
        let mut text = Vec::new();
        while let Some(piece) = pieces.recv().await {
            text.extend(piece.unwrap());
        }
        text
    }

    #[tokio::test]
    async fn it_is_the_same_json() {
        let mut below = tree();
        if let Node::Directory(directory) = &mut below {
            directory.children = None;
        }
        let long = "A long one. ".repeat(PIECE / 8);
        let large = directory("", &long, vec![file("a", &long), file("b", &long)]);
        for node in [
            file("a.py", "One."),
            directory("", "", vec![]),
            below,
            tree(),
            large,
        ] {
            let expected = serde_json::to_string(&node).unwrap();
            assert_eq!(String::from_utf8(streamed(&node).await).unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn what_goes_wrong_is_no_end() {
        let mut pieces = stream(view_of(&tree()), |view| match view.path.as_bytes() {
            b"" => directory("", &"Words. ".repeat(PIECE), vec![]),
            _ => panic!("on purpose"),
        });
        assert!(pieces.recv().await.unwrap().is_ok());
        assert!(pieces.recv().await.unwrap().is_err());
        assert!(pieces.recv().await.is_none());
    }
}
