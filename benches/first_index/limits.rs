//! How well the limits of an endpoint are used, and how rarely a request exceeds them.

use std::time::Duration;

use crate::Options;
use crate::model::{Behavior, Model};
use crate::shape::Shape;
use crate::user::User;

/// One limit to measure.
struct Case {
    name: &'static str,
    behavior: Behavior,
    /// Limits set in the configuration.
    more: &'static str,
    /// Files in each of the fifty folders.
    files: usize,
}

/// Ten times the limit of small accounts, with responses fifty times as fast as a real model's: ten unlimited workers
/// would send three times as many requests as the limit allows.
const REQUESTS_PER_MINUTE: f64 = 3_000.0;
/// The same for tokens: about half of what unlimited workers would use.
const TOKENS_PER_MINUTE: f64 = 3_500_000.0;

/// Measures all limits and prints a table.
pub fn run(options: &Options) -> std::io::Result<()> {
    let quick = Behavior {
        file: Duration::from_millis(60),
        directory: Duration::from_millis(40),
        states_limits: true,
        // One second's allowance as a burst.
        burst: 1.0 / 60.0,
        ..Behavior::default()
    };
    let cases = [
        Case {
            name: "300 requests/min",
            behavior: Behavior {
                requests_per_minute: 300.0,
                ..quick
            },
            more: "",
            // The first ten requests are sent before the limit is known, and five of them exceed it.
            files: 10,
        },
        Case {
            name: "3,000 requests/min",
            behavior: Behavior {
                requests_per_minute: REQUESTS_PER_MINUTE,
                ..quick
            },
            more: "",
            files: 12,
        },
        Case {
            name: "3,000 requests/min, configured",
            behavior: Behavior {
                requests_per_minute: REQUESTS_PER_MINUTE,
                states_limits: false,
                ..quick
            },
            more: "requests_per_minute = 3000",
            files: 12,
        },
        Case {
            name: "3,500,000 tokens/min",
            behavior: Behavior {
                tokens_per_minute: TOKENS_PER_MINUTE,
                ..quick
            },
            more: "",
            files: 12,
        },
        Case {
            name: "two at once, no headers",
            behavior: Behavior {
                concurrent: 2,
                states_limits: false,
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
    for case in cases.iter().filter(|case| options.selects(case.name)) {
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
    let model = Model::start(case.behavior)?;
    let user = User::of(&model, case.more)?;
    shape.write(&user.repo())?;
    let (begun, ended, _) = user.index()?;
    let took = ended - begun;
    let seen = model.seen();
    let nodes = shape.files() + shape.directories.len();
    let Behavior {
        requests_per_minute,
        tokens_per_minute,
        burst,
        concurrent,
        ..
    } = case.behavior;
    let paced = |amount: f64, limit: f64| match limit > 0.0 {
        true => (amount - limit * burst) / limit * 60.0,
        false => 0.0,
    };
    let own = if concurrent > 0 {
        let all = shape.files() as f64 * case.behavior.file.as_secs_f64()
            + shape.directories.len() as f64 * case.behavior.directory.as_secs_f64();
        all / concurrent as f64
    } else {
        paced(nodes as f64, requests_per_minute).max(paced(seen.tokens, tokens_per_minute))
            + case.behavior.directory.as_secs_f64()
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
