//! The top-level help: the commands in groups, as people look for them.

use clap::Command;

use super::text::fold;

/// The groups, in their order; a test holds that each visible command is in one.
const GROUPS: [(&str, &[&str]); 4] = [
    (
        "Read",
        &[
            "show", "tree", "search", "diff", "log", "status", "events", "wait",
        ],
    ),
    (
        "Run",
        &[
            "init", "index", "watch", "unwatch", "daemon", "stop", "restart",
        ],
    ),
    ("Share", &["export", "ui", "check", "mcp"]),
    ("Maintain", &["doctor", "cache", "service", "completions"]),
];

/// The command with its help grouped.
pub fn grouped(command: Command) -> Command {
    let list = list(&command);
    command.help_template(format!(
        "{{about}}\n\n{{usage-heading}} {{usage}}\n{list}\nOptions:\n{{options}}{{after-help}}"
    ))
}

fn list(command: &Command) -> String {
    let mut text = String::new();
    let size = console::Term::stdout().size_checked();
    let columns = size.map_or(usize::MAX, |(_, columns)| usize::from(columns).max(20));
    let widest = GROUPS
        .iter()
        .flat_map(|(_, names)| names.iter())
        .map(|name| name.len())
        .max();
    let widest = widest.unwrap_or(0);
    for (group, names) in GROUPS {
        text += &format!("\n{group}:\n");
        for name in names {
            let found = command.find_subcommand(name);
            let about = found.and_then(Command::get_about).map(ToString::to_string);
            let line = format!("  {name:<widest$}  {}", about.unwrap_or_default());
            text += &fold(&line, columns);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn each_visible_command_is_in_one_group() {
        let command = crate::cli::Cli::command();
        let visible = command.get_subcommands().filter(|one| !one.is_hide_set());
        let mut visible: Vec<&str> = visible.map(Command::get_name).collect();
        let mut grouped: Vec<&str> = GROUPS
            .iter()
            .flat_map(|(_, names)| names.iter().copied())
            .collect();
        visible.sort_unstable();
        grouped.sort_unstable();
        assert_eq!(visible, grouped);
    }

    #[test]
    fn help_fits_into_80_columns() {
        let mut command = super::grouped(crate::cli::Cli::command());
        for line in command.render_help().to_string().lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
