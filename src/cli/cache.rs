//! `epitome cache`: figures, clean-up and verification of the store. Through the daemon if one runs, because it has the
//! store open; else directly.

use super::failure::Failure;
use super::terminal::Terminal;
use super::text::{clean, count, number, size};
use super::{Context, output};
use crate::client::{Client, ConnectError};
use crate::wire::access::Access;
use crate::wire::cache::{CacheStatistics, CollectRequest, Collected, Verified};
use crate::wire::shared::{Exchange, ExchangeRequest, Exchanged};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print what the store contains and how much of it is used
    Stats(Output),
    /// Remove what no watched repository uses, the longest unused first; with --shared, old summaries of the shared store
    Gc(Collect),
    /// Read and check everything; exit code 1 if something was lost
    Verify(Output),
    /// Write the summaries that the shared store lacks
    Push(Move),
    /// Fetch the summaries that only the shared store has
    Pull(Move),
}

#[derive(Debug, clap::Args)]
struct Output {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Move {
    /// Only count them
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
struct Collect {
    /// Remove summaries that were written to the shared store more than --max-age days ago, for the whole team
    #[arg(long, requires = "max_age", conflicts_with = "max_bytes")]
    shared: bool,
    /// With --shared: only count them
    #[arg(long, requires = "shared")]
    dry_run: bool,
    /// Remove what was unused for this many days; 0: everything unused [default: store.max_age_days]
    #[arg(long, value_name = "DAYS")]
    max_age: Option<u64>,
    /// Remove the longest unused until the store is at most this large on disk [default: store.max_bytes]
    #[arg(long, value_name = "BYTES")]
    max_bytes: Option<u64>,
    #[command(flatten)]
    output: Output,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    match Client::connect(&context.places.socket).await {
        Ok(client) => execute(&client, &arguments.command).await,
        Err(ConnectError::NoDaemon) => {
            let config = context.config()?;
            let local = crate::daemon::cache::open_cache(&config, &context.places).await?;
            let outcome = execute(&local, &arguments.command).await;
            local.stop().await;
            outcome
        }
        Err(error) => Err(error.into()),
    }
}

async fn execute<A: Access>(access: &A, command: &Command) -> Result<(), Failure> {
    match command {
        Command::Stats(options) => {
            let statistics = access.cache().await?;
            match options.json {
                true => output::print_json(&statistics),
                false => output::print(&Terminal::of_stdout().fold(&figures(&statistics))),
            }
        }
        Command::Push(options) => {
            moved(
                access,
                Exchange::Push,
                options.dry_run,
                None,
                &options.output,
            )
            .await
        }
        Command::Pull(options) => {
            moved(
                access,
                Exchange::Pull,
                options.dry_run,
                None,
                &options.output,
            )
            .await
        }
        Command::Gc(options) if options.shared => {
            moved(
                access,
                Exchange::Gc,
                options.dry_run,
                options.max_age,
                &options.output,
            )
            .await
        }
        Command::Gc(options) => {
            let request = CollectRequest {
                max_age_days: options.max_age,
                max_bytes: options.max_bytes,
            };
            let collected = access.collect(request).await?;
            match options.output.json {
                true => output::print_json(&collected),
                false => output::print(&Terminal::of_stdout().fold(&removed(&collected))),
            }
        }
        Command::Verify(options) => {
            let verified = access.verify().await?;
            match options.json {
                true => output::print_json(&verified)?,
                false => output::print(&Terminal::of_stdout().fold(&findings(&verified)))?,
            }
            match verified.lost {
                0 => Ok(()),
                1 => Err(Failure::Failed("1 summary was lost".to_owned())),
                many => Err(Failure::Failed(format!("{many} summaries were lost"))),
            }
        }
    }
}

async fn moved<A: Access>(
    access: &A,
    action: Exchange,
    dry_run: bool,
    max_age_days: Option<u64>,
    output: &Output,
) -> Result<(), Failure> {
    let request = ExchangeRequest {
        action,
        dry_run,
        max_age_days,
    };
    let exchanged = access.exchange(request).await?;
    match output.json {
        true => output::print_json(&exchanged),
        false => output::print(&outcome(&exchanged, &request)),
    }
}

fn outcome(exchanged: &Exchanged, request: &ExchangeRequest) -> String {
    let verb = match (request.action, request.dry_run) {
        (Exchange::Push, true) => "to write",
        (Exchange::Push, false) => "written",
        (Exchange::Pull, true) => "to fetch",
        (Exchange::Pull, false) => "fetched",
        (Exchange::Gc, true) => "to remove",
        (Exchange::Gc, false) => "removed",
    };
    let many = if request.dry_run {
        exchanged.chosen
    } else {
        exchanged.done
    };
    let mut text = format!(
        "{}: {}; the store here has {}\n{} {verb}\n",
        clean(&exchanged.url),
        count(exchanged.there, "summary"),
        number(exchanged.here),
        count(many, "summary"),
    );
    if exchanged.packs > 0 {
        text += &format!("{} {verb}\n", count(exchanged.packs, "pack"));
    }
    if exchanged.rejected > 0 {
        text += &format!(
            "{} not used: damaged, of another format or model, or without a valid signature\n",
            count(exchanged.rejected, "value")
        );
    }
    text
}

fn figures(statistics: &CacheStatistics) -> String {
    let CacheStatistics {
        summaries,
        used,
        paid,
        free,
        outlines,
        records,
        unwatched,
        journal_bytes,
        cache_bytes,
        live_bytes,
        oldest,
    } = statistics;
    let unused = summaries.saturating_sub(*used);
    let since = oldest
        .as_deref()
        .map(|day| format!(" (the longest since {})", clean(day)));
    let mut text = format!(
        "{}: {} paid, {} free\n",
        count(*summaries, "summary"),
        number(*paid),
        number(*free)
    );
    text += &format!(
        "used      {} by watched repositories; {} unused{}\n",
        number(*used),
        number(unused),
        since.unwrap_or_default()
    );
    text += &format!(
        "also      {}, {}\n",
        count(*outlines, "outline"),
        count(*records, "record")
    );
    if *unwatched > 0 {
        let many = count(*unwatched, "repository");
        text += &format!("          {many} indexed earlier and not watched now\n");
    }
    text + &format!(
        "on disk   {}: {} journal, {} cache; {} of it in use\n",
        size(journal_bytes + cache_bytes),
        size(*journal_bytes),
        size(*cache_bytes),
        size(*live_bytes)
    )
}

fn removed(collected: &Collected) -> String {
    let mut text = format!(
        "removed {}, {} and {}\non disk {}, before {}\n",
        count(collected.summaries, "summary"),
        count(collected.outlines, "outline"),
        count(collected.records, "record"),
        size(collected.bytes_after),
        size(collected.bytes_before)
    );
    if collected.withheld > 0 {
        text += &format!(
            "{} that were paid for stay, because the cache was lost and it is unknown whether they are used; try again \
             with a running daemon, after `epitome wait`\n",
            count(collected.withheld, "summary")
        );
    }
    text
}

fn findings(verified: &Verified) -> String {
    let mut text = format!(
        "{}, {} and {} checked\n",
        count(verified.summaries, "summary"),
        count(verified.outlines, "outline"),
        count(verified.records, "record")
    );
    for line in &verified.damaged {
        text += &format!("damaged: {}\n", clean(line));
    }
    if verified.restored > 0 {
        text += &format!("{} restored\n", count(verified.restored, "summary"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::fake::{self, Fake};

    #[test]
    fn figures_are_readable() {
        let statistics = CacheStatistics {
            summaries: 1_200,
            used: 1_199,
            paid: 1_000,
            free: 200,
            outlines: 1,
            records: 1_300,
            unwatched: 1,
            journal_bytes: 1_048_576,
            cache_bytes: 3 * 1_048_576,
            live_bytes: 2_048,
            oldest: Some("2025-01-31\x1b[2J".to_owned()),
        };
        assert_eq!(
            figures(&statistics),
            "1,200 summaries: 1,000 paid, 200 free\n\
             used      1,199 by watched repositories; 1 unused (the longest since 2025-01-31\\u{1b}[2J)\n\
             also      1 outline, 1,300 records\n\
             \x20         1 repository indexed earlier and not watched now\n\
             on disk   4.0 MiB: 1.0 MiB journal, 3.0 MiB cache; 2.0 KiB of it in use\n"
        );
        let collected = Collected {
            summaries: 1,
            withheld: 2,
            bytes_before: 2_048,
            ..Collected::default()
        };
        let text = removed(&collected);
        assert!(text.starts_with("removed 1 summary, 0 outlines and 0 records\non disk 0 bytes, before 2.0 KiB\n2 summaries that were paid for stay"), "{text}");
    }

    #[test]
    fn what_was_moved_is_said_with_what_there_is() {
        let exchanged = Exchanged {
            url: "s3://team".to_owned(),
            here: 3_000,
            there: 5,
            chosen: 2,
            done: 1,
            rejected: 1,
            packs: 0,
        };
        let request = |dry_run| ExchangeRequest {
            action: Exchange::Pull,
            dry_run,
            max_age_days: None,
        };
        assert_eq!(
            outcome(&exchanged, &request(false)),
            "s3://team: 5 summaries; the store here has 3,000\n1 summary fetched\n\
             1 value not used: damaged, of another format or model, or without a valid signature\n"
        );
        assert!(outcome(&exchanged, &request(true)).contains("2 summaries to fetch"));
    }

    #[tokio::test]
    async fn lost_summaries_are_a_failure() {
        let fake = Fake::new("/repo", fake::tree());
        let command = Command::Verify(Output { json: true });
        let failure = execute(&fake, &command).await;
        assert_eq!(
            failure,
            Err(Failure::Failed("1 summary was lost".to_owned()))
        );
    }
}
