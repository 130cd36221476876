//! Many changes at once: a checkout of a branch with 300 changed files, and back.

use crate::harness::{FakeModel, Home, Repo, first_not_fresh, paths};

/// A repository with 330 files in 45 folders on `main`, and a branch that changes 300 of them, removes some and adds
/// others.
fn repository() -> Repo {
    let repo = Repo::new();
    repo.init();
    for number in 0..330 {
        repo.write(
            &path(number),
            format!("\"\"\"Part {number}.\"\"\"\n\nVALUE = {number}\n"),
        );
    }
    repo.commit("main");
    repo.git(&["checkout", "-q", "-b", "branch"]);
    for number in 0..280 {
        repo.append(&path(number), "\n\ndef changed():\n    return True\n");
    }
    for number in 280..290 {
        repo.remove(&path(number));
        repo.write(&format!("added/{number}.py"), format!("ADDED = {number}\n"));
    }
    repo.rename("group3", "moved/group3");
    repo.commit("branch");
    repo.git(&["checkout", "-q", "main"]);
    repo
}

fn path(number: usize) -> String {
    format!("group{}/sub{}/file{number}.py", number % 11, number % 3)
}

/// The tree of a fresh index.
fn new_index(repo: &Repo) -> String {
    Home::new()
        .run(&["index", &repo.at(""), "--json"])
        .expect(0)
        .stdout
}

#[test]
fn after_a_checkout_and_back_the_tree_equals_a_new_index() {
    let (home, repo) = (Home::new(), repository());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let tree = || home.run(&["tree", &repo.at(""), "--json"]).expect(0).stdout;
    let main = tree();
    assert_eq!(main, new_index(&repo));
    repo.git(&["checkout", "-q", "branch"]);
    home.wait(&repo);
    let branch = tree();
    assert_ne!(main, branch);
    assert_eq!(branch, new_index(&repo));
    repo.git(&["checkout", "-q", "main"]);
    home.wait(&repo);
    assert_eq!(tree(), main);
    // Both branches in quick succession: no change may be lost.
    for name in ["branch", "main", "branch"] {
        repo.git(&["checkout", "-q", name]);
    }
    home.wait(&repo);
    assert_eq!(tree(), branch);
}

#[test]
fn the_checkout_back_requests_nothing() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, "max_workers = 16"), repository());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let main = home.json(&["tree", &repo.at(""), "--json"]);
    let first = model.count();
    assert_eq!(first, paths(&main).len());
    repo.git(&["checkout", "-q", "branch"]);
    home.wait(&repo);
    let branch = home.json(&["tree", &repo.at(""), "--json"]);
    assert_eq!(first_not_fresh(&branch), None);
    // 280 changed, 10 new; moved files without changes cost nothing.
    let (files, directories) = model.since(first);
    assert_eq!(files, 290);
    assert!(
        directories <= branch["directories"].as_u64().unwrap() as usize + 1,
        "{directories}"
    );
    let there = model.count();
    repo.git(&["checkout", "-q", "main"]);
    home.wait(&repo);
    assert_eq!(model.count(), there);
    assert_eq!(home.json(&["tree", &repo.at(""), "--json"]), main);
}

#[test]
fn after_a_thousand_files_came_and_went_during_scans_the_tree_is_correct() {
    let home = Home::with("[watch]\nsettle_ms = 10\n");
    let repo = Repo::package();
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let mut random = fastrand::Rng::with_seed(7);
    for step in 0..1_000 {
        let path = format!(
            "d{}/e{}/f{}.py",
            random.u8(..6),
            random.u8(..4),
            random.u8(..8)
        );
        match random.u8(..10) {
            0 => {
                let folder = repo.root().join(format!("d{}", random.u8(..6)));
                let _ = std::fs::remove_dir_all(folder);
            }
            1 => {
                let (from, to) = (random.u8(..6), random.u8(..6));
                let at = |number| repo.root().join(format!("d{number}"));
                let _ = std::fs::rename(at(from), at(to));
            }
            2..4 => {
                let _ = std::fs::remove_file(repo.root().join(path));
            }
            _ => repo.write(&path, format!("STEP = {step}\n")),
        }
    }
    home.wait(&repo);
    let served = home.run(&["tree", &repo.at(""), "--json"]).expect(0).stdout;
    assert_eq!(served, new_index(&repo));
}
