//! Objects of git: the contents of files, and what a commit says about itself.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::git::Git;

/// Objects that one process of git reads: their contents are in memory together.
const BATCH: usize = 200;

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// In hexadecimal.
    pub id: String,
    pub time: SystemTime,
    pub author: String,
    /// The first line of its message.
    pub subject: String,
}

impl Git {
    /// The latest commits of HEAD's history that changed a path, the newest first; with an empty path, all.
    ///
    /// # Errors
    /// git cannot be run, or refuses.
    pub fn history(&self, path: &[u8], limit: usize) -> Result<Vec<Commit>, String> {
        if self.is_unborn() {
            return Ok(Vec::new());
        }
        let limit = format!("--max-count={limit}");
        let arguments = ["rev-list", &limit, "HEAD", "--"].map(OsStr::new);
        let mut arguments = arguments.to_vec();
        arguments.extend((!path.is_empty()).then(|| OsStr::from_bytes(path)));
        let listed = self.run_with(&arguments, Vec::new());
        let listed = listed.map_err(|flaw| flaw.to_string())?;
        let listed = String::from_utf8_lossy(&listed);
        let ids: Vec<String> = listed.lines().map(str::to_owned).collect();
        self.commits(&ids)
    }

    /// What commits say about themselves.
    ///
    /// # Errors
    /// As [`Self::history`].
    pub fn commits(&self, ids: &[String]) -> Result<Vec<Commit>, String> {
        let mut commits = Vec::new();
        self.objects(ids, |at, content| {
            commits.extend(content.and_then(|content| parsed(&ids[at], content)));
        })?;
        Ok(commits)
    }

    /// Calls `found` with the position and the content of each object; with none if this clone lacks it.
    ///
    /// # Errors
    /// As [`Self::history`].
    pub fn objects(
        &self,
        ids: &[String],
        mut found: impl FnMut(usize, Option<&[u8]>),
    ) -> Result<(), String> {
        for (number, batch) in ids.chunks(BATCH).enumerate() {
            let input = batch.join("\n") + "\n";
            let arguments = ["cat-file", "--batch"].map(OsStr::new);
            let output = self.run_with(&arguments, input.into_bytes());
            let output = output.map_err(|flaw| flaw.to_string())?;
            let mut rest = &output[..];
            for at in 0..batch.len() {
                let (content, after) = object(rest).ok_or("git's output is incomplete")?;
                found(number * BATCH + at, content);
                rest = after;
            }
        }
        Ok(())
    }
}

/// The first object of git's output, `ID KIND SIZE\nCONTENT\n` or `ID missing\n`, and what follows it.
fn object(output: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let end = output.iter().position(|&byte| byte == b'\n')?;
    let (head, rest) = (&output[..end], &output[end + 1..]);
    let size = std::str::from_utf8(head).ok()?.rsplit(' ').next()?;
    match size.parse::<usize>() {
        Ok(size) => Some((Some(rest.get(..size)?), rest.get(size + 1..)?)),
        Err(_) => Some((None, rest)),
    }
}

fn parsed(id: &str, content: &[u8]) -> Option<Commit> {
    let text = String::from_utf8_lossy(content);
    let (head, message) = text.split_once("\n\n").unwrap_or((&text, ""));
    let field = |name: &str| {
        let mut lines = head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
    };
    let seconds = field("committer")?.rsplit(' ').nth(1)?.parse::<u64>();
    let author = field("author")?.split(" <").next()?;
    Some(Commit {
        id: id.to_owned(),
        time: UNIX_EPOCH + Duration::from_secs(seconds.unwrap_or(0)),
        author: author.to_owned(),
        subject: message.lines().next().unwrap_or_default().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_cut_out_of_the_output() {
        let output = b"ab blob 3\na\nb\ncd missing\nef blob 0\n\n";
        let (first, rest) = object(output).unwrap_or_default();
        assert_eq!(first, Some(&b"a\nb"[..]));
        let (second, rest) = object(rest).unwrap_or_default();
        assert_eq!(second, None);
        let (third, rest) = object(rest).unwrap_or_default();
        assert_eq!((third, rest), (Some(&b""[..]), &b""[..]));
        assert!(object(b"ab blob 9\nshort").is_none());
    }

    #[test]
    fn a_commit_says_who_when_and_what() {
        let text = b"tree 1\nparent 2\nauthor A B <a@b> 10 +0100\ncommitter C <c@d> 20 +0000\n\nFix it\n\nBecause.\n";
        let commit = parsed("1f", text);
        assert_eq!(
            commit,
            Some(Commit {
                id: "1f".to_owned(),
                time: UNIX_EPOCH + Duration::from_secs(20),
                author: "A B".to_owned(),
                subject: "Fix it".to_owned(),
            })
        );
        assert_eq!(parsed("1f", b"nonsense"), None);
    }
}
