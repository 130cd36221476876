//! `epitome init`: guided setup. Finds local servers and keys, says what each choice costs for this repository, tries one
//! request, and writes the configuration.

mod choices;

use std::fs;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::failure::Failure;
use super::terminal::Terminal;
use super::text::{count, duration, money, tilde, tokens};
use super::{Context, output, paths, reader};
use crate::config::Config;
use crate::shell::openai::{Endpoint, Options, Prompt};
use crate::wire::estimate::Estimate;
use choices::{Choice, Kind};

/// How long the trial request may take; a local server may have to load the model first.
const TRIAL: Duration = Duration::from_secs(120);

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A folder of the repository [default: the current folder]
    path: Option<PathBuf>,
    /// Ask nothing: take --provider, else the offline provider
    #[arg(long)]
    yes: bool,
    /// Choose without asking: offline, or a name that `init` lists
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let path = paths::absolute(arguments.path.as_deref())?;
    reader::require_directory(&path)?;
    let root = reader::root_of(&path)?;
    // An invalid configuration is reported before questions are asked.
    context.config()?;
    let choices = choices::find().await;
    let files = estimate(context, &Config::default(), &root).await?;
    output::print(&format!(
        "{}: {}, {}\n\n",
        tilde(&root),
        count(files.files, "file"),
        count(files.directories.saturating_sub(1), "folder")
    ))?;
    for (at, choice) in choices.iter().enumerate() {
        let cost = cost(context, choice, &root).await?;
        let line = format!("  {}  {:<11}  {cost}\n", at + 1, choice.name);
        output::print(&Terminal::of_stdout().fold(&line))?;
    }
    output::print("\n")?;
    let choice = choose(arguments, &choices)?;
    if choice.kind != Kind::Offline {
        let seconds = trial(choice).await?;
        output::say(&format!("{} responded in {seconds:.1} s", choice.name));
        if choice.kind == Kind::Local {
            let config = choice.config();
            let requests = estimate(context, &config, &root).await?.requests;
            let all = duration(seconds * requests as f64);
            output::say(&format!(
                "{} take about {all} at this speed, one after another",
                count(requests, "request")
            ));
        }
    }
    write(&context.places.config, choice)?;
    output::print(&next(choice))
}

async fn estimate(context: &Context, config: &Config, root: &Path) -> Result<Estimate, Failure> {
    // The store of a running daemon is locked; what is stored there is not known to this estimate.
    match crate::client::Client::connect(&context.places.socket).await {
        Ok(_) => {
            let scratch = tempfile::tempdir()?;
            let mut places = context.places.clone();
            places.data = scratch.path().to_path_buf();
            Ok(crate::daemon::estimate(config, &places, root).await?)
        }
        Err(_) => Ok(crate::daemon::estimate(config, &context.places, root).await?),
    }
}

/// What a choice means for this repository.
async fn cost(context: &Context, choice: &Choice, root: &Path) -> Result<String, Failure> {
    if choice.kind == Kind::Offline {
        return Ok("free, nothing is sent: names, docstrings and comments".to_owned());
    }
    let estimate = estimate(context, &choice.config(), root).await?;
    let requests = count(estimate.requests, "request");
    let amount = tokens(estimate.prompt_tokens);
    Ok(match (choice.kind, estimate.price) {
        (Kind::Local, _) => format!(
            "free, nothing leaves this machine: {}, {requests}",
            choice.model
        ),
        (_, Some(price)) => format!(
            "≈ ${} with {}: {requests}, {amount} input tokens leave this machine",
            money(price),
            choice.model
        ),
        (_, None) => format!(
            "{}: {requests}, {amount} input tokens leave this machine",
            choice.model
        ),
    })
}

fn choose<'c>(arguments: &Arguments, choices: &'c [Choice]) -> Result<&'c Choice, Failure> {
    if let Some(name) = &arguments.provider {
        return choices
            .iter()
            .find(|choice| choice.name == *name)
            .ok_or_else(|| {
                let names: Vec<&str> = choices.iter().map(|choice| choice.name.as_str()).collect();
                Failure::Failed(format!(
                    "--provider {name}: not found here; found: {}",
                    names.join(", ")
                ))
            });
    }
    if arguments.yes {
        return Ok(&choices[0]);
    }
    if !std::io::stdin().is_terminal() {
        let reason =
            "no terminal to ask at: choose with --provider NAME, or take the first with --yes";
        return Err(Failure::Failed(reason.to_owned()));
    }
    loop {
        let _ = write!(std::io::stderr(), "Which one? [1] ");
        let mut line = String::new();
        if std::io::stdin().read_line(&mut line)? == 0 {
            return Err(Failure::Failed("nothing was chosen".to_owned()));
        }
        let line = line.trim();
        let at = if line.is_empty() {
            Ok(1)
        } else {
            line.parse::<usize>()
        };
        let by_number = at.ok().and_then(|at| choices.get(at.wrapping_sub(1)));
        if let Some(choice) = by_number.or_else(|| choices.iter().find(|one| one.name == line)) {
            return Ok(choice);
        }
        output::say(&format!(
            "please answer with a number from 1 to {}",
            choices.len()
        ));
    }
}

/// One small request; how many seconds it took.
async fn trial(choice: &Choice) -> Result<f64, Failure> {
    let failed =
        |reason: String| Failure::Failed(format!("{}: {reason}; nothing was written", choice.name));
    let config = choice.config();
    let key = config.openai.api_key().map_err(failed)?;
    let endpoint = Endpoint::new(Options {
        base_url: choice.base_url.clone(),
        model: choice.model.clone(),
        api_key: key,
        api_key_header: None,
        headers: Vec::new(),
        query: Vec::new(),
        extra_body: serde_json::Map::new(),
        reasoning_effort: None,
        timeout: TRIAL,
        max_output_tokens: 0,
        facts_file: None,
    });
    let endpoint = endpoint.map_err(|failure| failed(failure.to_line()))?;
    let prompt = Prompt {
        system: "Say in one sentence what the file is for.".to_owned(),
        user: "fn main() { println!(\"hello\"); }".to_owned(),
        json: false,
    };
    let started = Instant::now();
    match endpoint.complete(&prompt, 200).await {
        Ok(_) => Ok(started.elapsed().as_secs_f64()),
        Err((failure, _)) => Err(failed(failure.to_line())),
    }
}

/// Writes the configuration, unless there is one.
fn write(path: &Path, choice: &Choice) -> Result<(), Failure> {
    let text = choice.toml();
    if fs::read_to_string(path).is_ok_and(|known| !known.trim().is_empty()) {
        output::say(&format!(
            "{} exists and was not changed; the choice would be:",
            tilde(path)
        ));
        return output::print(&text);
    }
    let written = path
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, &text));
    written.map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))?;
    output::say(&format!("wrote {}", tilde(path)));
    Ok(())
}

fn next(choice: &Choice) -> String {
    let mut text = String::from("Next:\n");
    let mut steps = vec![
        ("epitome index", "index this repository once"),
        ("epitome watch", "or keep it current from now on"),
        ("epitome service install", "start the daemon with systemd"),
        ("epitome mcp --help", "connect a coding agent"),
    ];
    if choice.kind != Kind::Offline {
        steps.insert(0, ("epitome index --dry-run", "see the cost again"));
    }
    for (command, does) in steps {
        text += &format!("  {command:<24}  {does}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::config::Provider;

    #[test]
    fn what_is_written_is_what_was_chosen_and_an_existing_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("epitome/config.toml");
        let choice = choices::hosted_for_tests();
        write(&path, &choice).unwrap();
        let config = Config::load(&path, true).unwrap();
        assert_eq!(config.summaries.provider, Provider::Openai);
        assert_eq!(config.openai, choice.config().openai);
        fs::write(&path, "repos = []\n").unwrap();
        write(&path, &choice).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "repos = []\n");
        assert!(next(&choice).contains("--dry-run"));
    }
}
