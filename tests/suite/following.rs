//! `epitome events`: which events are reported, in which order, and what happens to a slow reader.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::harness::{Alone, FakeModel, Home, Repo};

/// A running `epitome events --json`.
struct Follower {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Follower {
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let mut child = home
            .command(&[&["events", "--json"], arguments].concat())
            .stdout(Stdio::piped())
            .spawn_alone()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Kind and path of all events up to and including the first of this kind.
    #[track_caller]
    fn until(&mut self, event: &str) -> Vec<(String, String)> {
        let mut received = Vec::new();
        loop {
            let line = self.lines.next().expect("the stream continues").unwrap();
            let happening: Value = serde_json::from_str(&line).unwrap();
            assert!(
                happening["time"]
                    .as_str()
                    .is_some_and(|time| time.ends_with('Z')),
                "{line}"
            );
            let text = |key: &str| happening[key].as_str().unwrap_or_default().to_owned();
            received.push((text("event"), text("path")));
            if received.last().is_some_and(|(kind, _)| kind == event) {
                return received;
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_save_is_followed_to_its_end() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, "quiet_ms = 0"), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let mut follower = Follower::start(&home, &[]);
    assert_eq!(
        follower.until("settled"),
        [("settled".to_owned(), String::new())]
    );
    repo.write("src/shop/cart.py", "class Basket:\n    pass\n");
    let received = follower.until("settled");
    let of = |kind: &str| -> Vec<&str> {
        let mut paths: Vec<&str> = received
            .iter()
            .filter(|(event, _)| event == kind)
            .map(|(_, path)| path.as_str())
            .collect();
        paths.dedup();
        paths
    };
    assert_eq!(received[0].0, "busy", "{received:?}");
    assert_eq!(of("changed"), ["src/shop/cart.py"]);
    assert_eq!(
        of("summarized"),
        ["src/shop/cart.py", "src/shop", "src", ""]
    );
    repo.remove("docs/guide.md");
    assert_eq!(follower.until("removed").last().unwrap().1, "docs/guide.md");
    follower.until("settled");
    let text = home
        .command(&["events", &repo.at("")])
        .stdout(Stdio::piped())
        .spawn_alone();
    let mut text = text.unwrap();
    let mut lines = BufReader::new(text.stdout.take().unwrap()).lines();
    let [heading, first] = [(); 2].map(|()| lines.next().unwrap().unwrap());
    text.kill().unwrap();
    text.wait().unwrap();
    assert_eq!(heading, repo.at(""));
    assert!(first.ends_with("  up to date"), "{first}");
}

#[test]
fn a_path_limits_the_events_to_what_is_below_it() {
    let (home, repo) = (Home::new(), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let mut follower = Follower::start(&home, &[&repo.at("src/shop/money")]);
    follower.until("settled");
    repo.write("docs/guide.md", "# Another guide\n");
    repo.write("src/shop/money/amount.py", "def amount():\n    return 3\n");
    home.wait(&repo);
    repo.remove("src/shop/money/rates/fetch.py");
    let received = follower.until("removed");
    assert!(
        received
            .iter()
            .any(|(_, path)| path == "src/shop/money/amount.py"),
        "{received:?}"
    );
    assert!(
        !received.iter().any(|(_, path)| path.starts_with("docs")),
        "{received:?}"
    );
    home.run(&["events", "/nonexistent"]).expect(4);
}

#[test]
fn a_slow_reader_receives_the_number_of_missed_events() {
    let (home, repo) = (Home::new(), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let mut stream = UnixStream::connect(home.socket()).unwrap();
    stream
        .write_all(b"GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    let mut begin = [0; 12];
    stream.read_exact(&mut begin).unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200");
    for number in 0..4_000 {
        repo.write(
            &format!("many/{}/{number}.txt", number % 40),
            format!("note {number}\n"),
        );
    }
    home.wait(&repo);
    let mut received = String::new();
    let mut piece = [0; 65_536];
    while !received.contains("\"event\":\"missed\"") {
        let read = stream.read(&mut piece).unwrap();
        assert!(read > 0, "the stream ended");
        received.push_str(&String::from_utf8_lossy(&piece[..read]));
    }
    // The daemon did not wait for the slow reader.
    assert_eq!(home.status()["repositories"][0]["state"], "idle");
}

#[test]
fn it_ends_with_the_daemon() {
    let (home, repo) = (Home::new(), Repo::package());
    let daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let mut follower = Follower::start(&home, &[]);
    follower.until("settled");
    drop(daemon);
    assert!(follower.lines.next().is_none());
    assert_eq!(follower.child.wait().unwrap().code(), Some(3));
}
