//! Diagnostics as text for people: place, line, carets, remedy.

use std::fmt;

use super::{Diagnostic, Place, Source, secret};

/// Diagnostics printed at most; the rest is a count.
const MAX_PRINTED: usize = 100;
/// Characters of a source line printed at most.
const MAX_LINE: usize = 120;
/// Characters kept to the left of the marked place when a line is cut.
const LEFT_CONTEXT: usize = 40;
/// Columns that a tab is printed as.
const TAB: &str = "    ";

/// All mistakes of one file, sorted by place, together with the file they are in. `Display` prints them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    source: Source,
    diagnostics: Vec<Diagnostic>,
}

impl Report {
    /// Sorts the diagnostics by place, what concerns the whole file first.
    pub fn new(source: Source, mut diagnostics: Vec<Diagnostic>) -> Self {
        diagnostics.sort_by_key(|diagnostic| diagnostic.place);
        conceal(&source, &mut diagnostics);
        Self {
            source,
            diagnostics,
        }
    }

    /// The name of the file, as the operator gave it.
    pub fn name(&self) -> &str {
        self.source.name()
    }

    /// The mistakes, sorted by place.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }
}

impl std::error::Error for Report {}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // PERF: the lines are found once; `lines().nth()` for each of 100 diagnostics would read a large file 100 times.
        let mut lines: Vec<&str> = self.source.text().lines().collect();
        // SECURITY: reports go to the log on a reload; a line that may hold a secret is shown by none of its diagnostics.
        for line in lines.iter_mut().filter(|line| secret::on(line).is_some()) {
            *line = "";
        }
        for place in self
            .diagnostics
            .iter()
            .filter(|found| found.sensitive)
            .filter_map(|found| found.place)
        {
            let index = (place.line as usize).checked_sub(1);
            if let Some(line) = index.and_then(|index| lines.get_mut(index)) {
                *line = "";
            }
        }
        for diagnostic in self.diagnostics.iter().take(MAX_PRINTED) {
            self.print(f, &lines, diagnostic)?;
            writeln!(f)?;
        }
        let total = self.diagnostics.len();
        if total > MAX_PRINTED {
            writeln!(f, "... and {} more", total - MAX_PRINTED)?;
        }
        let plural = if total == 1 { "" } else { "s" };
        writeln!(f, "{}: {total} error{plural}", self.source.name())
    }
}

impl Report {
    fn print(
        &self,
        f: &mut fmt::Formatter<'_>,
        lines: &[&str],
        diagnostic: &Diagnostic,
    ) -> fmt::Result {
        let Diagnostic {
            place,
            message,
            remedy,
            related,
            sensitive: _,
        } = diagnostic;
        let name = self.source.name();
        let last_line = related
            .iter()
            .map(|(place, _)| place.line)
            .chain(place.map(|p| p.line));
        let margin = " ".repeat(last_line.max().unwrap_or(0).to_string().len());
        match place {
            None => writeln!(f, "{name}: error: {message}")?,
            Some(at) => {
                writeln!(f, "{name}:{}:{}: error: {message}", at.line, at.column)?;
                snippet(f, lines, *at, &margin)?;
            }
        }
        for (at, note) in related {
            writeln!(
                f,
                "{margin} = note: {note}: {name}:{}:{}",
                at.line, at.column
            )?;
            snippet(f, lines, *at, &margin)?;
        }
        match remedy {
            Some(remedy) => writeln!(f, "{margin} = help: {remedy}"),
            None => Ok(()),
        }
    }
}

/// SECURITY: messages repeat what they are about. On a line that may hold a secret that can be the secret, whoever wrote the message.
fn conceal(source: &Source, diagnostics: &mut [Diagnostic]) {
    let mut all = diagnostics.iter_mut().peekable();
    for (number, line) in (1_u32..).zip(source.text().lines()) {
        if all.peek().is_none() {
            break;
        }
        let secret = secret::on(line);
        let here = |found: &&mut Diagnostic| found.place.is_none_or(|place| place.line <= number);
        while let Some(found) = all.next_if(here) {
            if let (Some(secret), Some(_)) = (secret, found.place) {
                found.message = secret::without(secret, &found.message);
                found.remedy = found
                    .remedy
                    .take()
                    .map(|text| secret::without(secret, &text));
            }
        }
    }
}

/// The line of `place` with carets below the place.
fn snippet(f: &mut fmt::Formatter<'_>, lines: &[&str], place: Place, margin: &str) -> fmt::Result {
    let line = (place.line as usize)
        .checked_sub(1)
        .and_then(|index| lines.get(index));
    // An empty line shows nothing; a sensitive one has been emptied.
    let Some(line) = line.filter(|line| !line.is_empty()) else {
        return Ok(());
    };
    let number = place.line.to_string();
    let (text, indent, carets) = window(line, place);
    writeln!(f, "{margin} |")?;
    writeln!(f, "{number:>width$} | {text}", width = margin.len())?;
    writeln!(f, "{margin} | {}{}", " ".repeat(indent), "^".repeat(carets))
}

/// The part of a line that is printed, the columns before the carets, and how many carets there are.
fn window(line: &str, place: Place) -> (String, usize, usize) {
    let start = (place.column as usize).saturating_sub(1);
    let total = line.chars().count();
    let from = if total <= MAX_LINE {
        0
    } else {
        start.saturating_sub(LEFT_CONTEXT)
    };
    let mut text = String::new();
    let (mut indent, mut carets) = (0, 0);
    if from > 0 {
        text.push_str("...");
        indent = 3;
    }
    for (index, character) in line.chars().enumerate().skip(from).take(MAX_LINE) {
        let columns = push_printable(&mut text, character);
        if index < start {
            indent += columns;
        } else if index < start + place.length as usize {
            carets += columns;
        }
    }
    if from + MAX_LINE < total {
        text.push_str("...");
    }
    (text.trim_end().to_owned(), indent, carets.max(1))
}

/// Appends a character so that its width on a terminal is known, and returns that width in columns.
fn push_printable(text: &mut String, character: char) -> usize {
    match character {
        '\t' => {
            text.push_str(TAB);
            TAB.len()
        }
        // SECURITY: escape sequences from the file must not reach the operator's terminal.
        character if character.is_control() => {
            text.push('\u{fffd}');
            1
        }
        character => {
            text.push(character);
            unicode_width::UnicodeWidthChar::width(character).unwrap_or(0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(line: u32, column: u32, length: u32) -> Place {
        Place {
            line,
            column,
            length,
        }
    }

    fn print(text: &str, diagnostics: Vec<Diagnostic>) -> String {
        Report::new(Source::new("p.yaml", "", text), diagnostics).to_string()
    }

    #[test]
    fn a_diagnostic_shows_its_line_carets_and_remedy() {
        let found = Diagnostic::new(place(2, 6, 2), "no unit").remedy("write `10s`");
        let expected = "\
p.yaml:2:6: error: no unit
  |
2 | idle: 10
  |      ^^
  = help: write `10s`

p.yaml: 1 error
";
        assert_eq!(print("a: 1\nidle: 10\n", vec![found]), expected);
    }

    #[test]
    fn carets_stand_under_the_place_after_tabs_and_wide_characters() {
        let report = print(
            "\t\u{65e5}\u{672c}: x",
            vec![Diagnostic::new(place(1, 6, 1), "m")],
        );
        assert!(
            report.contains("1 |     \u{65e5}\u{672c}: x\n  |           ^\n"),
            "{report}"
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let line = format!("{}BAD{}", "a".repeat(500), "b".repeat(500));
        let report = print(&line, vec![Diagnostic::new(place(1, 501, 3), "m")]);
        let shown = report.lines().find(|line| line.contains("BAD")).unwrap();
        assert!(shown.len() < 140, "{shown}");
        let carets = report.lines().find(|line| line.contains("^^^")).unwrap();
        assert_eq!(shown.find("BAD"), carets.find("^^^"));
    }

    #[test]
    fn control_characters_never_reach_the_terminal() {
        let report = print("a: \u{1b}[31m", vec![Diagnostic::new(place(1, 1, 1), "m")]);
        assert!(!report.contains('\u{1b}'));
    }

    #[test]
    fn a_place_outside_the_text_prints_no_snippet() {
        for at in [place(0, 0, 0), place(9, 1, 1), place(1, 900, 5)] {
            assert!(print("a", vec![Diagnostic::new(at, "m")]).contains("error: m"));
        }
    }

    #[test]
    fn a_line_that_may_hold_a_secret_is_shown_by_no_diagnostic() {
        let text = "{ url: hunter2, other: 1 }";
        let report = print(
            text,
            vec![
                Diagnostic::new(place(1, 8, 7), "m").sensitive(),
                Diagnostic::new(place(1, 17, 5), "other"),
            ],
        );
        assert!(
            report.contains("p.yaml:1:17: error: other") && !report.contains("hunter2"),
            "{report}"
        );
    }

    #[test]
    fn a_password_in_a_url_is_not_shown_even_when_the_file_is_not_yaml() {
        let report = print(
            "url: https://u:hunter2@a: [",
            vec![Diagnostic::new(place(1, 1, 3), "m")],
        );
        assert!(!report.contains("hunter2"), "{report}");
    }

    #[test]
    fn many_diagnostics_end_in_a_count() {
        let all = (1..=250).map(|line| Diagnostic::new(place(line, 1, 1), "m"));
        let report = print("", all.collect());
        assert!(report.contains("... and 150 more"));
        assert!(report.ends_with("p.yaml: 250 errors\n"));
    }
}
