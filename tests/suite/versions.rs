//! Different versions of the program: with one store, and at both ends of one socket.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};

use xxhash_rust::xxh3::xxh3_64;

use crate::harness::{Agent, FakeModel, Home, Repo};

#[test]
fn the_store_of_a_newer_version_is_refused_and_not_touched() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    home.run(&["index", &repo.at("")]).expect(0);
    let (format, journal) = (
        home.data().join("format"),
        home.data().join("answers.journal"),
    );
    let (mark, before) = (fs::read(&format).unwrap(), fs::read(&journal).unwrap());
    let newer = format!("epitome store {}", 99);
    let newer = format!("{newer} {:016x}\n", xxh3_64(newer.as_bytes()));
    fs::write(&format, &newer).unwrap();
    for arguments in [
        &["index", &repo.at("")][..],
        &["daemon"],
        &["cache", "stats"],
        &["cache", "gc", "--max-age", "0"],
        &["watch", &repo.at("")],
    ] {
        let done = home.run(arguments);
        assert_ne!(done.code, Some(0), "{done:?}");
        assert_eq!(done.stderr.lines().count(), 1, "{done:?}");
        assert!(done.stderr.contains("newer version"), "{done:?}");
    }
    let doctor = home.run(&["doctor"]);
    assert!(doctor.stdout.contains("has format 99"), "{doctor:?}");
    assert_eq!(fs::read_to_string(&format).unwrap(), newer);
    assert_eq!(fs::read(&journal).unwrap(), before);
    // A damaged version mark does not count as a newer version.
    for damaged in [&b""[..], b"epitome store 99\n", &mark[..mark.len() - 3]] {
        fs::write(&format, damaged).unwrap();
        let count = model.count();
        home.run(&["index", &repo.at("")]).expect(0);
        assert_eq!(
            (model.count(), fs::read(&format).unwrap()),
            (count, mark.clone())
        );
    }
}

#[test]
fn a_cache_of_an_earlier_version_is_built_anew_without_a_request() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    let tree = |home: &Home| {
        home.run(&["index", &repo.at(""), "--json"])
            .expect(0)
            .stdout
    };
    let before = tree(&home);
    let count = model.count();
    let folder = home.data().join("cache-1");
    {
        let cache = sled::open(&folder).unwrap();
        for name in cache.tree_names() {
            let name = String::from_utf8(name.to_vec()).unwrap();
            if name != "__sled__default" {
                cache.drop_tree(&name).unwrap();
                let earlier = name.split('.').next().unwrap().to_owned() + ".0";
                let earlier = cache.open_tree(earlier).unwrap();
                earlier.insert([7; 16], vec![9; 99]).unwrap();
            }
        }
        cache.flush().unwrap();
    }
    assert_eq!(tree(&home), before);
    assert_eq!(model.count(), count);
    let verified = home.json(&["cache", "verify", "--json"]);
    assert_eq!(verified["sound"], true, "{verified}");
    let cache = sled::open(&folder).unwrap();
    let names: Vec<_> = cache.tree_names().into_iter().collect();
    assert!(names.iter().all(|name| !name.ends_with(b".0")), "{names:?}");
}

/// A fake daemon that sends the same response to each request until the test ends.
fn fake_daemon(home: &Home, answer: &'static str) {
    let _ = fs::remove_file(home.socket());
    let listener = UnixListener::bind(home.socket()).unwrap();
    std::thread::spawn(move || {
        // A connection check sends no request.
        for mut stream in listener.incoming().flatten() {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read > 0)
            {
                head.push(byte[0]);
            }
            let _ = stream.write_all(answer.as_bytes());
        }
    });
}

#[test]
fn a_daemon_of_another_version_is_reported_in_one_line() {
    let home = Home::new();
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: 16\r\n\r\n{\"shape\":\"other\"}",
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 4\r\n\r\nwhat",
        "HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 505 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
    ] {
        fake_daemon(&home, answer);
        for arguments in [&["status"][..], &["tree", "/tmp"], &["cache", "stats"]] {
            let done = home.run(arguments).expect(1);
            assert_eq!(done.stderr.lines().count(), 1, "{answer}: {done:?}");
            assert!(
                done.stderr.contains("of another version"),
                "{answer}: {done:?}"
            );
        }
    }
}

#[test]
fn an_earlier_client_works_and_a_later_one_gets_a_clear_error() {
    let (home, repo) = (Home::new(), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    // It knows fewer fields.
    let body = format!("{{\"path\": \"{}\"}}", repo.at(""));
    home.http("POST", "/v1/wait", &body).expect(200);
    home.http("GET", &format!("/v1/node?path={}", repo.at("")), "")
        .expect(200);
    // It knows more routes.
    for (method, target) in [
        ("GET", "/v2/status"),
        ("GET", "/v1/weather"),
        ("POST", "/v1/weather"),
    ] {
        let answer = home.http(method, target, "").expect(404);
        assert!(
            answer
                .header("content-type")
                .unwrap()
                .contains("problem+json")
        );
        let problem = answer.json();
        assert_eq!(problem["status"], 404);
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|text| text.len() > 10),
            "{problem}"
        );
    }
}

/// A proxy between a client and the daemon that makes the daemon look like an earlier version.
fn earlier_daemon(home: &Home, socket: &std::path::Path) {
    let listener = UnixListener::bind(socket).unwrap();
    let real = home.socket();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(daemon) = UnixStream::connect(&real) else {
                continue;
            };
            let (mut from, mut to) = (client.try_clone().unwrap(), daemon.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            let (mut from, mut to) = (daemon, client);
            std::thread::spawn(move || {
                let mut bytes = vec![0; 1 << 20];
                while let Ok(read @ 1..) = from.read(&mut bytes) {
                    let text = String::from_utf8_lossy(&bytes[..read]);
                    let own = format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION"));
                    let text = text.replace(&own, "\"version\":\"0.0.1\"");
                    if to.write_all(text.as_bytes()).is_err() {
                        break;
                    }
                }
                let _ = to.shutdown(std::net::Shutdown::Both);
            });
        }
    });
}

#[test]
fn every_verb_that_reads_notices_a_daemon_of_another_version() {
    let (home, repo) = (Home::new(), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let socket = home.temp().join("earlier.sock");
    earlier_daemon(&home, &socket);
    let place = ["--socket", socket.to_str().unwrap()];
    let root = repo.at("");
    for verb in [
        &["status"][..],
        &["show", &root],
        &["tree", &root],
        &["search", "cart", "--path", &root],
        &["wait", &root],
        &["watch", &root],
    ] {
        let done = home.run(&[&place, verb].concat()).expect(0);
        let message = "the daemon is version 0.0.1, this program ";
        assert_eq!(done.stderr.matches(message).count(), 1, "{done:?}");
        assert!(done.stderr.contains("epitome restart"), "{done:?}");
    }
    let doctor = home.run(&[&place, &["doctor"][..]].concat());
    assert!(doctor.stdout.contains("is version 0.0.1"), "{doctor:?}");
    let mut command = home.command(&[&place, &["mcp"][..]].concat());
    command.current_dir(&root);
    let mut agent = Agent::run(command, None);
    let text = agent.good("get_status", serde_json::json!({}));
    assert!(text.contains("note: the daemon is version 0.0.1"), "{text}");
}
