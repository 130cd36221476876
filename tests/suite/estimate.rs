//! `index --dry-run`: what it says is what an index then costs, and where the money goes.

use serde_json::Value;

use crate::harness::{FakeModel, Home, Repo};

fn dry_run(home: &Home, root: &str) -> Value {
    home.run(&["index", "--dry-run", "--json", root])
        .expect(0)
        .json()
}

fn files(list: &Value, rule: &str) -> Option<u64> {
    let found = list.as_array()?.iter().find(|one| one["rule"] == rule)?;
    found["files"].as_u64()
}

/// Tokens as the estimate counts them.
fn sent_tokens(model: &FakeModel, from: usize) -> u64 {
    let of = |body: &Value, index: usize| {
        let text = body["messages"][index]["content"].as_str();
        text.map_or(0, str::len) as u64
    };
    let requests = model.requests();
    let bytes = requests[from..]
        .iter()
        .map(|one| of(&one.body, 0) + of(&one.body, 1));
    bytes.sum::<u64>() / 4
}

#[test]
fn equal_contents_count_once_and_the_estimate_holds() {
    let model = FakeModel::new();
    let home = Home::with_model(&model, "");
    let repo = Repo::package();
    let body: String = (0..20_000)
        .map(|number| format!("    total += {number}\n"))
        .collect();
    repo.write(
        "big.py",
        format!("def big():\n    total = 0\n{body}    return total\n"),
    );
    for copy in ["one", "two", "three"] {
        repo.write(
            &format!("copies/{copy}/a.py"),
            "def same():\n    return 'the same everywhere'\n",
        );
        repo.write(&format!("copies/{copy}/b.py"), "class Same:\n    pass\n");
    }
    for path in [
        "node_modules/left-pad/index.js",
        ".venv/pyvenv.cfg",
        ".venv/lib/a.py",
        "package-lock.json",
        "data/rows.csv",
        "main.py~",
    ] {
        repo.write(path, "x, y\n");
    }
    let root = repo.at("");
    let told = dry_run(&home, &root);
    assert_eq!(model.count(), 0);
    assert_eq!(told["upper_bound"], false, "{told}");
    assert_eq!(told["largest"][0]["path"], "big.py", "{told}");
    assert!(
        told["largest"][0]["requests"].as_u64().unwrap() >= 2,
        "{told}"
    );
    assert_eq!(told["largest"].as_array().unwrap().len(), 10, "{told}");
    assert_eq!(
        files(&told["excluded"], "virtual environment"),
        Some(2),
        "{told}"
    );
    assert_eq!(
        files(&told["excluded"], "installed packages"),
        Some(1),
        "{told}"
    );
    assert_eq!(files(&told["by_rule"], "Lock file"), Some(1), "{told}");
    assert_eq!(files(&told["by_rule"], "Data"), Some(1), "{told}");
    let shown = home.run(&["index", "--dry-run", &root]).expect(0).stdout;
    for text in [
        "most expensive:",
        "big.py (",
        "left out: ",
        "2 files (virtual environment)",
        "no request: ",
        "(Lock file)",
    ] {
        assert!(shown.contains(text), "{shown}");
    }
    let _daemon = home.watching(&repo);
    assert_eq!(told["requests"], model.count(), "{told}");
    let (told_tokens, sent) = (
        told["prompt_tokens"].as_u64().unwrap(),
        sent_tokens(&model, 0),
    );
    assert!(
        told_tokens.abs_diff(sent) * 10 <= sent,
        "{told_tokens} {sent}"
    );
    // What is indexed costs nothing, and an edit no more than it says.
    assert_eq!(dry_run(&home, &root)["requests"], 0);
}

#[test]
fn an_increment_is_an_upper_bound() {
    let model = FakeModel::new();
    let home = Home::with_model(&model, "");
    let repo = Repo::package();
    let root = repo.at("");
    home.run(&["index", &root]).expect(0);
    let before = model.count();
    repo.write("src/shop/money/amount.py", "def other():\n    return 2\n");
    let told = dry_run(&home, &root);
    assert_eq!(told["upper_bound"], true, "{told}");
    let shown = home.run(&["index", "--dry-run", &root]).expect(0).stdout;
    assert!(shown.contains("at most 5 requests"), "{shown}");
    home.run(&["index", &root]).expect(0);
    let (asked, most) = (model.count() - before, told["requests"].as_u64().unwrap());
    assert!(asked as u64 <= most, "{asked} {most}");
}

#[test]
fn a_day_has_a_budget_by_default() {
    let model = FakeModel::new();
    let home = Home::with_model(&model, "");
    let repo = Repo::package();
    let _daemon = home.watching(&repo);
    let status = home.status();
    assert_eq!(status["budget"]["max_requests"], 10_000, "{status}");
    let offline = Home::new();
    let _other = offline.daemon(&[]);
    assert_eq!(offline.status()["budget"], Value::Null);
}
