//! `epitome completions`: prints a completion script for a shell.
//!
//! The scripts complete commands and options by themselves, and call `epitome complete` for definitions and watched
//! repositories.

use clap::CommandFactory;
use clap_complete::Shell;

use super::failure::Failure;
use super::{Cli, output};

/// bash: its words end at colons, so that a candidate is cut to what follows the last one.
const BASH: &str = r#"
_epitome_dynamic() {
    _epitome "$@"
    local word="${COMP_LINE:0:COMP_POINT}"
    word="${word##*[[:space:]]}"
    case "${COMP_WORDS[1]} $word" in
        *" -"*) return ;;
        "show "* | "unwatch "*) ;;
        *) return ;;
    esac
    local IFS=$'\n' prefix=""
    [[ "$COMP_WORDBREAKS" == *:* ]] && prefix="${word%"${word##*:}"}"
    local found
    found=($(epitome complete "${COMP_WORDS[1]}" "$word" 2>/dev/null))
    COMPREPLY+=("${found[@]#"$prefix"}")
}
complete -F _epitome_dynamic -o bashdefault -o default epitome
"#;

/// zsh: candidates beside those of the function that clap generates.
const ZSH: &str = r#"
_epitome_dynamic() {
    if [[ ( $words[2] == show || $words[2] == unwatch ) && $PREFIX != -* ]]; then
        local -a found
        found=(${(f)"$(epitome complete $words[2] "$PREFIX" 2>/dev/null)"})
        (( $#found )) && compadd -Q -- $found
    fi
    _epitome "$@"
}
"#;

const FISH: &str = r#"
for verb in show unwatch
    complete -c epitome -n "__fish_epitome_using_subcommand $verb" -a "(epitome complete $verb (commandline -ct) 2>/dev/null)"
end
"#;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The shell
    shell: Shell,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    // Into memory first: the generator panics if its writer fails, as with `| head`.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "epitome", &mut script);
    let script = String::from_utf8_lossy(&script);
    output::print(&match arguments.shell {
        Shell::Bash => format!("{script}{BASH}"),
        Shell::Fish => format!("{script}{FISH}"),
        Shell::Zsh => in_zsh(&script),
        _ => script.into_owned(),
    })
}

/// The script ends by calling or registering its function: the dynamic one takes its place.
fn in_zsh(script: &str) -> String {
    match script.rfind("\nif [ \"$funcstack[1]\"") {
        Some(end) => {
            let (functions, start) = script.split_at(end);
            let start = start
                .replace("    _epitome \"$@\"", "    _epitome_dynamic \"$@\"")
                .replace("compdef _epitome ", "compdef _epitome_dynamic ");
            format!("{functions}{ZSH}{start}")
        }
        None => script.to_owned(),
    }
}
