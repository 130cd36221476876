//! A clock that is wrong.

use std::fs::File;
use std::time::{Duration, SystemTime};

use super::is_fresh;
use crate::harness::{FakeModel, Home, Repo, paths};

/// A clock that was set back a day leaves files of tomorrow; the clock itself cannot be set here.
#[test]
fn files_of_tomorrow_are_seen_to_change() {
    let model = FakeModel::new();
    let (home, repo) = (Home::asking(&model, "quiet_ms = 0"), Repo::package());
    let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
    let date = |path: &str| {
        let file = File::options().write(true).open(repo.at(path)).unwrap();
        file.set_modified(tomorrow).unwrap();
    };
    let index = home.run(&["index", &repo.at(""), "--json"]);
    let tree = index.expect(0).json();
    let is_file = |path: &&str| repo.root().join(path).is_file();
    let all: Vec<&str> = paths(&tree).into_iter().filter(is_file).collect();
    assert_eq!(all.len(), 12);
    all.iter().for_each(|path| date(path));
    let count = model.count();
    let daemon = home.daemon(&[&repo.at("")]);
    is_fresh(&home, &repo);
    assert_eq!(model.count(), count, "the contents are the same");
    // As many bytes, and the same date.
    let rates = repo.read("src/shop/money/rates/table.py");
    repo.write("src/shop/money/rates/table.py", rates.replace("92", "93"));
    date("src/shop/money/rates/table.py");
    is_fresh(&home, &repo);
    assert_eq!(model.count() - count, 6, "the file and all above it");
    daemon.terminate();
    repo.write("src/shop/money/rates/table.py", rates.replace("92", "94"));
    date("src/shop/money/rates/table.py");
    let _daemon = home.daemon(&[&repo.at("")]);
    is_fresh(&home, &repo);
    assert_eq!(model.count() - count, 12);
}
