//! What a person at a terminal sees: bars, the pager, `status --watch`, the questions of `init`, completions.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::harness::{Alone, FakeModel, Home, Repo, until};

/// The program at a terminal.
struct Screen {
    child: Child,
    shown: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Screen {
    /// Starts it at a terminal of so many columns and rows.
    fn open(
        home: &Home,
        folder: &Path,
        size: (u16, u16),
        line: &str,
        more: &[(&str, &str)],
    ) -> Self {
        let program = env!("CARGO_BIN_EXE_epitome");
        let (columns, rows) = size;
        let line = format!("stty cols {columns} rows {rows} -echo; exec {program} {line}");
        let of_home = home.command(&[]);
        let mut command = Command::new("script");
        command.args(["-qefc", &line, "/dev/null"]).env_clear();
        command.envs(
            of_home
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        let mut child = command
            .current_dir(folder)
            .env("TERM", "xterm-256color")
            .envs(more.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn_alone()
            .unwrap();
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (mut from, into) = (child.stdout.take().unwrap(), Arc::clone(&shown));
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = from.read(&mut bytes) {
                into.lock().unwrap().extend_from_slice(&bytes[..read]);
            }
        });
        let reader = Some(reader);
        Self {
            child,
            shown,
            reader,
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    #[track_caller]
    fn until(&self, what: &str, is: impl Fn(&str) -> bool) {
        until(what, || is(&self.text()));
    }

    /// Types a line.
    fn type_line(&mut self, line: &str) {
        let keyboard = self.child.stdin.as_mut().unwrap();
        writeln!(keyboard, "{line}").unwrap();
    }

    /// Waits for its end; the exit code and all that was shown.
    fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        self.reader.take().unwrap().join().unwrap();
        (code, self.text())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn watch_and_wait_show_a_bar() {
    let model = FakeModel::new();
    model.hold_after(4);
    let (home, repo) = (Home::with_model(&model, "quiet_ms = 0"), Repo::package());
    let _daemon = home.daemon(&[]);
    let watch = Screen::open(&home, &repo.root(), (80, 24), "watch", &[]);
    watch.until("a bar", |text| {
        text.contains("of 19 summarized") && text.contains('━')
    });
    model.release();
    let (code, text) = watch.end();
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("12 files and 6 folders are up to date"),
        "{text}"
    );
    model.hold();
    repo.write("src/shop/cart.py", "class Basket:\n    pass\n");
    let wait = Screen::open(&home, &repo.root(), (40, 24), "wait", &[]);
    wait.until("a bar", |text| text.contains("summarized"));
    model.release();
    assert_eq!(wait.end().0, Some(0));
}

#[test]
fn status_updates_until_it_is_interrupted() {
    let (home, repo) = (Home::new(), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let screen = Screen::open(&home, &repo.root(), (80, 24), "status --watch", &[]);
    // Each picture begins at the first cell.
    screen.until("the second picture", |text| {
        text.matches("\u{1b}[H").count() >= 2 && text.contains("12 files, 6 folders: all fresh")
    });
}

#[test]
fn long_output_goes_through_the_pager_and_short_output_does_not() {
    let (home, repo) = (Home::new(), Repo::package());
    home.run(&["index", &repo.at("")]).expect(0);
    let paged = |rows: u16, pager: &str| {
        let size = (80, rows);
        let more = [("PAGER", pager)];
        let (code, text) = Screen::open(&home, &repo.root(), size, "tree", &more).end();
        assert_eq!(code, Some(0), "{text}");
        text
    };
    assert!(paged(5, "sed s/^/paged:/").contains("paged:"));
    let whole = paged(60, "sed s/^/paged:/");
    assert!(
        !whole.contains("paged:") && whole.contains("shop/"),
        "{whole}"
    );
    // A pager that is not there loses nothing.
    assert!(paged(5, "no-such-pager").contains("shop/"));
    assert!(paged(5, "cat").contains("shop/"));
    let mut piped = home.command(&["tree", &repo.at("")]);
    let piped = piped
        .env("PAGER", "sed s/^/paged:/")
        .output_alone()
        .unwrap();
    assert!(!String::from_utf8_lossy(&piped.stdout).contains("paged:"));
}

/// An endpoint with a list of models; returns its address and the bodies of its requests.
fn endpoint() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!(
        "http://127.0.0.1:{}/v1",
        listener.local_addr().unwrap().port()
    );
    let requests: Arc<Mutex<Vec<String>>> = Arc::default();
    let book = Arc::clone(&requests);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let book = Arc::clone(&book);
            std::thread::spawn(move || serve(stream, &book));
        }
    });
    (url, requests)
}

fn serve(mut stream: TcpStream, book: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let answer = match head.split(' ').nth(1) {
        Some("/v1/models") => {
            r#"{"object":"list","data":[{"id":"nomic-embed-text"},{"id":"tiny:1b"}]}"#
        }
        Some("/v1/chat/completions") => {
            book.lock()
                .unwrap()
                .push(format!("{head}{}", String::from_utf8_lossy(&body)));
            r#"{"id":"1","object":"chat.completion","created":1,"model":"tiny:1b","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"Prints a greeting."}}],"usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14}}"#
        }
        _ => "{}",
    };
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{answer}",
        answer.len()
    );
}

#[test]
fn init_tries_a_request_and_writes_what_was_chosen() {
    let (repo, (url, requests)) = (Repo::package(), endpoint());
    for (chosen, variable, model) in [
        ("ollama", "OLLAMA_HOST", "tiny:1b"),
        ("openai", "OPENAI_BASE_URL", "gpt-4o-mini"),
    ] {
        let home = Home::new();
        let address = url.trim_end_matches("/v1");
        let value = if variable == "OLLAMA_HOST" {
            address
        } else {
            &url
        };
        let more = [(variable, value)];
        let mut screen = Screen::open(&home, &repo.root(), (80, 24), "init", &more);
        screen.until("the question", |text| text.contains("Which one?"));
        screen.type_line("7");
        screen.until("a hint", |text| {
            text.contains("please answer with a number")
        });
        screen.type_line(chosen);
        let (code, text) = screen.end();
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains(&format!("{chosen} responded in")), "{text}");
        let config = fs::read_to_string(home.config()).unwrap();
        assert!(config.contains(&url) && config.contains(model), "{config}");
        let sent = std::mem::take(&mut *requests.lock().unwrap());
        assert_eq!(sent.len(), 1, "one trial request: {sent:?}");
        // Nothing of the repository is in it.
        assert!(
            sent[0].contains("hello") && !sent[0].contains("cart"),
            "{sent:?}"
        );
        let has_key = sent[0].to_ascii_lowercase().contains("authorization");
        assert_eq!(has_key, chosen == "openai", "{sent:?}");
    }
    // An endpoint that is not there is said, and nothing is written.
    let home = Home::new();
    let dead = [("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")];
    let screen = Screen::open(
        &home,
        &repo.root(),
        (80, 24),
        "init --provider openai",
        &dead,
    );
    let (code, text) = screen.end();
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("nothing was written"), "{text}");
    assert!(!home.config().exists());
}

/// What bash offers for a line, with the printed script.
fn offered(home: &Home, folder: &Path, words: &[&str]) -> Vec<String> {
    let script = home.temp().join("completions.bash");
    fs::write(&script, home.run(&["completions", "bash"]).expect(0).stdout).unwrap();
    let line = words.join(" ");
    // bash breaks words at colons.
    let broken = line.replace(':', " : ");
    let body = format!(
        "epitome() {{ {} \"$@\"; }}; . {}; COMP_LINE='{line}'; COMP_POINT={}; COMP_WORDS=({broken}); \
         COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _epitome_dynamic epitome \"${{COMP_WORDS[-1]}}\" x; \
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        env!("CARGO_BIN_EXE_epitome"),
        script.display(),
        line.len()
    );
    let mut command = home.command_by(&["bash", "-c", &body], &[]);
    let done = crate::harness::finish(command.current_dir(folder)).expect(0);
    assert_eq!(done.stderr, "");
    done.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn completions_offer_definitions_and_repositories_quietly() {
    let (home, repo) = (Home::new(), Repo::package());
    let root = repo.root();
    let offers = |words: &[&str]| offered(&home, &root, words);
    // Without a daemon: what the file defines.
    let add = ["Cart.add".to_owned()];
    assert_eq!(offers(&["epitome", "show", "src/shop/cart.py:Cart.a"]), add);
    assert_eq!(offers(&["epitome", "show", "src/shop/cart.py:No"]), [""]);
    assert_eq!(offers(&["epitome", "show", "Ca"]), [""]);
    assert_eq!(offers(&["epitome", "unwatch", "/"]), [""]);
    assert!(offers(&["epitome", "wat"]).contains(&"watch".to_owned()));
    assert!(!home.socket().exists(), "no daemon is started");
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    assert_eq!(offers(&["epitome", "unwatch", "/"]), [repo.at("")]);
    let symbols = offers(&["epitome", "show", "Cart"]);
    assert!(symbols.contains(&add[0]), "{symbols:?}");
}
