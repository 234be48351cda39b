//! Writes the manual pages and the completions of bash, zsh and fish into a folder, from the commands as the program itself knows them.
//!
//! ```sh
//! cargo run --example pages -- target/pages
//! ```
//!
//! An example and not a command of the program: what ships is a page and a completion that the shell reads by itself, and the
//! gateway carries no code that would run once per installation.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::Command;
use clap_complete::aot::{Shell, generate_to};
use clap_mangen::Man;
use clap_mangen::roff::Roff;

/// What the commands do not say: files, signals, exit codes.
const MORE: &str = include_str!("more.roff");

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("usage: pages FOLDER");
        return ExitCode::from(2);
    };
    match write(Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pages: {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut portcullis::cli::command(), "portcullis", folder)?;
    }
    for (name, text) in manual()? {
        fs::write(folder.join(name), text)?;
    }
    Ok(())
}

/// The name and the text of each page: one for the program, one for each command.
fn manual() -> io::Result<Vec<(String, String)>> {
    let mut program = portcullis::cli::command();
    program.build();
    let mut pages = Vec::new();
    let mut left = vec![program];
    while let Some(command) = left.pop() {
        left.extend(command.get_subcommands().cloned());
        pages.push(page(command)?);
    }
    Ok(pages)
}

fn page(command: Command) -> io::Result<(String, String)> {
    let is_program = command.get_display_name().is_none();
    let page = Man::new(command).source("Portcullis").manual("Portcullis");
    let mut text = Vec::new();
    page.render(&mut text)?;
    if is_program {
        text.extend_from_slice(MORE.as_bytes());
    } else {
        let mut roff = Roff::new();
        roff.control("SH", ["SEE ALSO"]);
        roff.control("BR", ["portcullis", "(1)"]);
        roff.to_writer(&mut text)?;
    }
    let text = String::from_utf8(text).map_err(io::Error::other)?;
    Ok((page.get_filename(), text))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Every command with the words that lead to it.
    fn commands() -> Vec<Command> {
        let mut program = portcullis::cli::command();
        program.build();
        let mut found = vec![program];
        let mut next = 0;
        while let Some(command) = found.get(next) {
            let below: Vec<Command> = command.get_subcommands().cloned().collect();
            found.extend(below);
            next += 1;
        }
        found
    }

    /// As roff spells it: a hyphen that is a minus has a backslash.
    fn spelt(text: &str) -> String {
        text.replace('-', "\\-")
    }

    #[test]
    fn every_command_has_a_page_that_names_its_options_and_commands() {
        let pages: BTreeMap<String, String> = manual().unwrap().into_iter().collect();
        let commands = commands();
        assert_eq!(pages.len(), commands.len());
        assert!(pages.contains_key("portcullis-bans-add.1"), "{pages:?}");
        for command in commands {
            let name = command.get_display_name().unwrap_or("portcullis");
            let page = &pages[&format!("{name}.1")];
            for argument in command.get_arguments() {
                let long = argument.get_long().map(|long| format!("--{long}"));
                let short = argument.get_short().map(|short| format!("-{short}"));
                let value = argument.is_positional().then(|| argument.get_id().as_str());
                for word in long.iter().chain(&short) {
                    assert!(page.contains(&spelt(word)), "{name}: {word}\n{page}");
                }
                let named = value.is_none_or(|value| page.to_ascii_lowercase().contains(value));
                assert!(named, "{name}: {value:?}\n{page}");
                let help = argument.get_help().unwrap().to_string();
                let first = spelt(help.split(['\'', '`']).next().unwrap());
                assert!(page.contains(&first), "{name}: {first}\n{page}");
            }
            for below in command.get_subcommands() {
                let word = spelt(&format!("{name}-{}(1)", below.get_name()));
                assert!(page.contains(&word), "{name}: {word}\n{page}");
            }
        }
    }

    #[test]
    fn the_programs_page_has_its_files_signals_and_exit_codes() {
        let pages: BTreeMap<String, String> = manual().unwrap().into_iter().collect();
        let page = &pages["portcullis.1"];
        for word in ["SIGHUP", "SIGTERM", "/etc/portcullis/portcullis.yaml"] {
            assert!(page.contains(word), "{word}\n{page}");
        }
    }

    #[test]
    fn every_shell_is_told_of_every_command() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        for file in ["portcullis.bash", "_portcullis", "portcullis.fish"] {
            let text = fs::read_to_string(folder.path().join(file)).unwrap();
            for command in commands() {
                assert!(text.contains(command.get_name()), "{file}: {command}");
            }
        }
    }
}
