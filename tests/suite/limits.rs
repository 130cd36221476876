//! An endpoint's rate limits, through the real program: they are used and hardly ever exceeded. `benches/first_index`
//! measures how fully they are used.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::harness::{FakeModel, Home, Limits, Reply, Repo, first_not_fresh};

/// A repository with `files` files, ten in each folder.
fn repository(files: usize) -> Repo {
    let repo = Repo::new();
    for number in 0..files {
        let text = format!("\"\"\"Module {number}.\"\"\"\n\nVALUE = {number}\n");
        repo.write(&format!("d{}/m{number}.py", number / 10), text.repeat(4));
    }
    repo
}

/// Indexes a repository; everything has to be fresh. Returns the seconds it took.
#[track_caller]
fn index(home: &Home, repo: &Repo) -> f64 {
    let begun = Instant::now();
    let done = home.run(&["index", &repo.at(""), "--json"]).expect(0);
    assert_eq!(first_not_fresh(&done.json()), None, "{}", done.stderr);
    begun.elapsed().as_secs_f64()
}

#[test]
fn a_reported_limit_on_requests_is_kept() {
    let model = FakeModel::new();
    // 100 a second, where ten workers could send 300.
    model.latency(30).limit(Limits {
        requests: 6_000.0,
        burst: 1.0 / 120.0,
        reported: true,
        ..Limits::default()
    });
    let (home, repo) = (Home::with_model(&model, ""), repository(300));
    let took = index(&home, &repo);
    assert!(model.refused() <= 3, "{} refused", model.refused());
    // The limit alone takes 2.8 s.
    assert!((2.5..15.0).contains(&took), "{took}");
}

#[test]
fn a_reported_limit_on_tokens_is_kept() {
    let model = FakeModel::new();
    model.latency(30).limit(Limits {
        tokens: 6_000_000.0,
        burst: 1.0 / 60.0,
        reported: true,
        ..Limits::default()
    });
    let (home, repo) = (Home::with_model(&model, ""), repository(300));
    index(&home, &repo);
    assert!(model.refused() <= 3, "{} refused", model.refused());
}

#[test]
fn configured_limits_are_kept_without_reports() {
    let model = FakeModel::new();
    model.limit(Limits {
        requests: 6_000.0,
        burst: 1.0 / 60.0,
        ..Limits::default()
    });
    let home = Home::with_model(&model, "requests_per_minute = 6000");
    index(&home, &repository(200));
    assert_eq!(model.refused(), 0);
}

#[test]
fn an_unreported_limit_on_concurrency_is_found() {
    let model = FakeModel::new();
    model.latency(10).limit(Limits {
        at_once: 2,
        ..Limits::default()
    });
    let (home, repo) = (Home::with_model(&model, ""), repository(200));
    index(&home, &repo);
    let (refused, all) = (model.refused(), model.count());
    assert!(refused * 8 < all, "{refused} of {all} refused");
}

#[test]
fn a_requested_pause_applies_to_all_requests() {
    let model = FakeModel::new();
    // The first twenty at once, and then none for half a second, which no estimate could predict.
    model.latency(5).limit(Limits {
        requests: 120.0,
        burst: 20.0 / 120.0,
        reported: true,
        ..Limits::default()
    });
    let (home, repo) = (Home::with_model(&model, ""), repository(20));
    index(&home, &repo);
    assert_eq!(model.too_early(), 0);
    assert!(model.refused() <= 10, "{} refused", model.refused());
}

#[test]
fn refusals_use_up_no_attempts() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, "max_workers = 2"), repository(12));
    let soon = vec![("retry-after-ms", "20".to_owned())];
    // The same request, far more often than it has attempts.
    let refusal = Reply::Status(429, soon, "{}".to_owned());
    model.fail(9, refusal, |request| request.content.contains("Module 3."));
    index(&home, &repo);
    assert_eq!(model.since(0), (9 + 12, 3));
}

/// A pause is kept, in whatever form the endpoint requests it.
#[test]
fn each_form_of_a_pause_is_kept() {
    let header = |name, value: &str| (name, value.to_owned());
    let limit = "{\"error\":{\"message\":\"Rate limit reached\"}}";
    let soon = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(2);
    let forms = [
        (1_000, vec![header("retry-after", "1")], limit),
        (600, vec![header("retry-after", "0.6")], limit),
        (700, vec![header("retry-after-ms", "700")], limit),
        (
            1_000,
            vec![
                header("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
                header("retry-after", "Sun, 06 Nov 1994 08:49:38 GMT"),
            ],
            limit,
        ),
        (
            800,
            vec![
                header("x-ratelimit-remaining-requests", "0"),
                header("x-ratelimit-reset-requests", "800ms"),
            ],
            limit,
        ),
        (
            1_100,
            vec![
                header("x-ratelimit-remaining-tokens", "0"),
                header("x-ratelimit-reset-tokens", "0m1.1s"),
            ],
            limit,
        ),
        (
            900,
            vec![],
            "{\"error\":{\"message\":\"Please try again in 900ms. See the guide.\"}}",
        ),
        (
            // A moment, not a duration.
            0,
            vec![
                header("x-ratelimit-remaining", "0"),
                header("x-ratelimit-reset", &soon.as_millis().to_string()),
            ],
            limit,
        ),
    ];
    thread::scope(|scope| {
        for (least_ms, headers, body) in forms {
            scope.spawn(move || {
                let model = FakeModel::new();
                let form = format!("{headers:?} {body}");
                let refusal = Reply::Status(429, headers, body.to_owned());
                model.fail(1, refusal, |_| true);
                let (home, repo) = (Home::with_model(&model, ""), Repo::new());
                repo.write("a.py", "A = 1\n");
                index(&home, &repo);
                let requests = model.requests();
                assert_eq!(requests.len(), 3, "{form}");
                let pause = requests[1].at - requests[0].at;
                assert!(
                    pause >= Duration::from_millis(least_ms),
                    "{pause:?}: {form}"
                );
                let now = UNIX_EPOCH.elapsed().unwrap() - requests[1].at.elapsed();
                assert!(least_ms > 0 || now >= soon, "{form}");
            });
        }
    });
}
