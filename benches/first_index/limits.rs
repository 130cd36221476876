//! How well the limits of an endpoint are used, and how seldom they are run into.

use std::time::Duration;

use crate::Wishes;
use crate::model::{Model, RequestForm};
use crate::shape::Shape;
use crate::user::User;

/// A limit, and what is to be seen.
struct Case {
    name: &'static str,
    manner: RequestForm,
    /// The configuration's own limits.
    more: &'static str,
    /// Files in each of the fifty folders.
    files: usize,
}

/// Ten times what small accounts have, against answers fifty times as quick as a real model's: ten workers alone would
/// ask three times as much as the limit allows.
const REQUESTS_PER_MINUTE: f64 = 3_000.0;
/// The same for tokens: about half of what would be used.
const TOKENS_PER_MINUTE: f64 = 3_500_000.0;

/// Measures and prints.
pub fn run(wishes: &Wishes) -> std::io::Result<()> {
    let quick = RequestForm {
        file: Duration::from_millis(60),
        directory: Duration::from_millis(40),
        tells: true,
        // A second's worth may come at once.
        burst: 1.0 / 60.0,
        ..RequestForm::default()
    };
    let cases = [
        Case {
            name: "300 requests/min",
            manner: RequestForm {
                requests_per_minute: 300.0,
                ..quick
            },
            more: "",
            // The first ten come before anything is known, and five of them are too many.
            files: 10,
        },
        Case {
            name: "3,000 requests/min",
            manner: RequestForm {
                requests_per_minute: REQUESTS_PER_MINUTE,
                ..quick
            },
            more: "",
            files: 12,
        },
        Case {
            name: "3,000 requests/min, configured",
            manner: RequestForm {
                requests_per_minute: REQUESTS_PER_MINUTE,
                tells: false,
                ..quick
            },
            more: "requests_per_minute = 3000",
            files: 12,
        },
        Case {
            name: "3,500,000 tokens/min",
            manner: RequestForm {
                tokens_per_minute: TOKENS_PER_MINUTE,
                ..quick
            },
            more: "",
            files: 12,
        },
        Case {
            name: "two at once, no headers",
            manner: RequestForm {
                at_once: 2,
                tells: false,
                ..quick
            },
            more: "",
            files: 3,
        },
    ];
    println!(
        "\n{:32} {:>6} {:>9} {:>8} {:>8} {:>8} {:>9}",
        "limit", "nodes", "requests", "limit's", "took", "/limit's", "refused"
    );
    for case in cases.iter().filter(|case| wishes.want(case.name)) {
        limited(case)?;
    }
    Ok(())
}

fn limited(case: &Case) -> std::io::Result<()> {
    let folders = (0..50).map(|number| (format!("d{number}"), case.files));
    let shape = Shape {
        name: case.name,
        directories: [(String::new(), 0)].into_iter().chain(folders).collect(),
    };
    let model = Model::start(case.manner)?;
    let user = User::of(&model, case.more)?;
    shape.write(&user.repo())?;
    let (begun, ended, _) = user.index()?;
    let took = ended - begun;
    let seen = model.seen();
    let nodes = shape.files() + shape.directories.len();
    let RequestForm {
        requests_per_minute,
        tokens_per_minute,
        burst,
        at_once,
        ..
    } = case.manner;
    let paced = |amount: f64, limit: f64| match limit > 0.0 {
        true => (amount - limit * burst) / limit * 60.0,
        false => 0.0,
    };
    let own = if at_once > 0 {
        let all = shape.files() as f64 * case.manner.file.as_secs_f64()
            + shape.directories.len() as f64 * case.manner.directory.as_secs_f64();
        all / at_once as f64
    } else {
        paced(nodes as f64, requests_per_minute).max(paced(seen.tokens, tokens_per_minute))
            + case.manner.directory.as_secs_f64()
    };
    println!(
        "{:32} {nodes:>6} {:>9} {own:>7.2}s {:>7.2}s {:>8.3} {:>8.2}%",
        case.name,
        seen.requests,
        took.as_secs_f64(),
        took.as_secs_f64() / own,
        seen.refused as f64 / seen.requests.max(1) as f64 * 100.0
    );
    Ok(())
}
