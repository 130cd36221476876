//! Content too large for one request: it is sent in parts, nothing is left out, and no part is paid for twice.

use crate::harness::{FakeModel, Home, Reply, Repo, Request, first_not_fresh, until};

/// About half a million bytes of definitions; three parts.
fn large(functions: usize) -> String {
    (0..functions)
        .map(|number| {
            let body = format!("    return {number}  # {}\n", "é".repeat(40));
            format!("def function_{number}():\n{}\n\n", body.repeat(4))
        })
        .collect()
}

fn parts(model: &FakeModel) -> Vec<Request> {
    let is_part = |request: &Request| {
        let text = request.body["messages"][1]["content"].as_str();
        text.unwrap_or_default().contains("This is part ")
    };
    model.requests().into_iter().filter(is_part).collect()
}

#[test]
fn a_large_file_costs_its_parts_and_one_request_more() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::new());
    let text = large(1_000);
    repo.write("large.py", &text);
    let estimate = home
        .run(&["index", "--dry-run", "--json", &repo.at("")])
        .expect(0)
        .json();
    assert_eq!(model.count(), 0);
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    assert_eq!(first_not_fresh(&home.node(&repo.at(""), 99)), None);
    let found = parts(&model);
    let together: String = found
        .iter()
        .map(|part| part.content.clone() + "\n")
        .collect();
    assert_eq!(
        together.replace("\n\n\n\n", "\n\n\n"),
        text,
        "every line once"
    );
    for part in &found {
        assert!(part.content.starts_with("def function_"));
    }
    assert!((3..=4).contains(&found.len()), "{}", found.len());
    assert_eq!(model.since(0), (found.len() + 1, 1));
    assert_eq!(estimate["requests"], model.count(), "{estimate}");
    // The last request contains the summary of each part.
    let last = &model.requests()[found.len()];
    for part in &found {
        let summary = FakeModel::summary(part.kind, &part.content);
        assert!(last.content.contains(&summary), "{}", last.content);
    }
    assert_eq!(home.status()["requests"]["today"], model.count());
    // An edit costs one part and the last request.
    let before = model.count();
    repo.write("large.py", text.replace("return 1 ", "return 2 "));
    home.wait(&repo);
    assert_eq!(model.since(before), (2, 1));
}

#[test]
fn paid_parts_survive_kill_9() {
    let model = FakeModel::new();
    model.hold_after(2);
    let (home, repo) = (Home::with_model(&model, ""), Repo::new());
    repo.write("large.py", large(1_000));
    let daemon = home.daemon(&[&repo.at("")]);
    until("two parts, and a third in flight", || {
        model.responded() == 2 && model.in_flight() == 1
    });
    daemon.kill9();
    model.wait_idle();
    model.release();
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let found = parts(&model);
    let mut contents: Vec<String> = found.into_iter().map(|part| part.content).collect();
    let sent = contents.len();
    contents.sort();
    contents.dedup();
    assert_eq!(sent, contents.len() + 1, "only what was in flight");
}

#[test]
fn an_endpoint_with_a_smaller_window_gets_smaller_parts() {
    let model = FakeModel::new();
    let too_long = r#"{"error":{"message":"maximum context length is 8192 tokens","code":"context_length_exceeded"}}"#;
    let reply = Reply::Status(400, Vec::new(), too_long.to_owned());
    model.fail(usize::MAX, reply, |request| {
        request.body["messages"][1]["content"]
            .as_str()
            .unwrap_or_default()
            .len()
            > 30_000
    });
    let (home, repo) = (Home::with_model(&model, ""), Repo::new());
    repo.write("large.py", large(200));
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    assert_eq!(first_not_fresh(&home.node(&repo.at(""), 99)), None);
    assert!(parts(&model).len() > 3);
    // The window is remembered: the next large file goes in small parts at once.
    let refused = |model: &FakeModel| {
        let requests = model.requests();
        requests
            .iter()
            .filter(|one| one.status == Some(400))
            .count()
    };
    let before = refused(&model);
    assert!((1..=4).contains(&before), "{before}");
    repo.write("other.py", large(150).replace("function", "action"));
    home.wait(&repo);
    assert_eq!(first_not_fresh(&home.node(&repo.at(""), 99)), None);
    assert_eq!(refused(&model), before);
}

#[test]
fn a_large_directory_is_never_sampled() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::new());
    for number in 0..700 {
        let name = format!("{number:03}{}.txt", "n".repeat(220));
        repo.write(&name, format!("Text {number}.\n"));
    }
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    assert_eq!(first_not_fresh(&home.node(&repo.at(""), 99)), None);
    let found = parts(&model);
    assert_eq!(found.len(), 2);
    let together: String = found.iter().map(|part| part.content.as_str()).collect();
    for number in 0..700 {
        let name = format!("- {number:03}nnn");
        assert_eq!(together.matches(&name).count(), 1, "{number}");
    }
    assert_eq!(model.since(0), (700, 3));
}
