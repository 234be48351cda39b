//! Every way in which a server could read a path: seven steps, in any order, with at most two of them decoding.
//!
//! `/a/%252e%252e;x/b` reads, among others, `/a/%2e%2e;x/b` (decoded), `/a/..;x/b` (decoded twice), `/a/../b` (and
//! without parameters) and `/b` (and with dot segments resolved). Orders matter: Tomcat drops parameters before it
//! decodes and resolves dots after, others resolve first. All orders are tried, and each distinct text is visited once.

mod steps;

use steps::Outcome;
pub use steps::Step;

use super::refusal::LeadsTo;

/// Most readings that are followed; a path with more is refused. Honest paths have fewer than ten.
pub const MAX_READINGS: usize = 192;

/// Most bytes that all readings of one path may have together: bounds the work that one request can cause.
pub const MAX_READING_BYTES: usize = 64 * 1024;

/// What a server could make of a path, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    text: String,
    steps: Vec<Step>,
    decoded: usize,
}

/// What no reading of a path may contain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A control character once decoded, NUL included.
    #[error("decoded, the path contains the control character U+{:04X}", u32::from(*.0))]
    Control(char),
    /// Bytes that are not UTF-8 once decoded; overlong forms are among them.
    #[error("decoded, the path is not UTF-8")]
    NotUtf8,
    /// `%uXXXX`, which only IIS decodes.
    #[error("decoded, the path contains a `%u` escape, which servers read in different ways")]
    PercentU,
}

/// Why the walk over the readings ended early.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// No server should get such a path.
    Unreadable(Unreadable),
    /// This reading leads where it must not.
    Astray { reading: Reading, why: LeadsTo },
}

impl Reading {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// How it came about; empty for the path as it is.
    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }
}

/// Shows `visit` every reading of `path`, beginning with the path as it is and shortest ways first.
/// `path` begins with a slash. Errors: the first place it must not lead to, or what makes it unreadable.
pub(super) fn every_reading(
    path: &str,
    mut visit: impl FnMut(&Reading) -> Result<(), LeadsTo>,
) -> Result<(), Stop> {
    let mut bytes = path.len();
    let mut readings = vec![Reading {
        text: path.to_owned(),
        steps: Vec::new(),
        decoded: 0,
    }];
    let mut next = 0;
    while let Some(reading) = readings.get(next).cloned() {
        next += 1;
        check(&reading.text).map_err(Stop::Unreadable)?;
        let verdict = match reading.text.split('/').any(is_odd_dots) {
            true => Err(LeadsTo::OddDots),
            false => visit(&reading),
        };
        if let Err(why) = verdict {
            return Err(Stop::Astray { reading, why });
        }
        for step in Step::ALL {
            let decoded = reading.decoded + usize::from(step == Step::Decoded);
            if decoded > 2 {
                continue;
            }
            let text = match step.apply(&reading.text) {
                Outcome::Changed(text) => text,
                Outcome::Same => continue,
                Outcome::NotUtf8 => return Err(Stop::Unreadable(Unreadable::NotUtf8)),
                Outcome::AboveRoot => {
                    let why = LeadsTo::AboveRoot;
                    return Err(Stop::Astray { reading, why });
                }
            };
            // A text already reached with as few decodings can become nothing new.
            if readings
                .iter()
                .any(|r| r.decoded <= decoded && r.text == text)
            {
                continue;
            }
            bytes += text.len();
            // SECURITY: without this bound a few kilobytes of tricks would cost far more than they do to send.
            if readings.len() >= MAX_READINGS || bytes > MAX_READING_BYTES {
                let why = LeadsTo::TooManyReadings;
                return Err(Stop::Astray { reading, why });
            }
            let mut steps = reading.steps.clone();
            steps.push(step);
            readings.push(Reading {
                text,
                steps,
                decoded,
            });
        }
    }
    Ok(())
}

fn check(text: &str) -> Result<(), Unreadable> {
    if let Some(control) = text.chars().find(|c| c.is_control()) {
        return Err(Unreadable::Control(control));
    }
    let percent_u = |at: usize| {
        let after = text.as_bytes().get(at + 1..at + 6).unwrap_or_default();
        matches!(after, [b'u' | b'U', hex @ ..] if hex.iter().all(u8::is_ascii_hexdigit))
    };
    if text.match_indices('%').any(|(at, _)| percent_u(at)) {
        return Err(Unreadable::PercentU);
    }
    Ok(())
}

/// A segment that Windows may take for `.` or `..`, because it ignores dots and spaces at the end of a name.
fn is_odd_dots(segment: &str) -> bool {
    !matches!(segment, "." | "..")
        && segment.contains('.')
        && segment.bytes().all(|b| matches!(b, b'.' | b' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(path: &str) -> Result<Vec<String>, Stop> {
        let mut all = Vec::new();
        every_reading(path, |reading| {
            all.push(reading.text().to_owned());
            Ok(())
        })?;
        Ok(all)
    }

    #[test]
    fn the_readings_of_some_paths_are_exactly_these() {
        for (path, expected) in [
            ("/a/b", &["/a/b"][..]),
            ("/a%2fb", &["/a%2fb", "/a/b"]),
            ("/a%252fb", &["/a%252fb", "/a%2fb", "/a/b"]),
            ("/a%25252fb", &["/a%25252fb", "/a%252fb", "/a%2fb"]),
            ("/a/../b", &["/a/../b", "/b"]),
            ("/a/./b/.", &["/a/./b/.", "/a/b/"]),
            ("/a//../b", &["/a//../b", "/a/b", "/a/../b", "/b"]),
            ("/a;x/b;y", &["/a;x/b;y", "/a/b"]),
            ("/a\\b", &["/a\\b", "/a/b"]),
            ("/100%25", &["/100%25", "/100%"]),
            ("/a%3fb", &["/a%3fb", "/a?b", "/a"]),
            ("/a%EF%BC%8Fb", &["/a%EF%BC%8Fb", "/a\u{ff0f}b", "/a/b"]),
        ] {
            assert_eq!(all(path).unwrap(), expected, "{path}");
        }
    }

    #[test]
    fn what_no_reading_may_contain_is_refused() {
        for (path, why) in [
            ("/a%00", Unreadable::Control('\0')),
            ("/a%2500", Unreadable::Control('\0')),
            ("/a%0d%0ab", Unreadable::Control('\r')),
            ("/a%C2%85b", Unreadable::Control('\u{85}')),
            ("/a%EF%BC%8500", Unreadable::Control('\0')),
            ("/a%c0%ae", Unreadable::NotUtf8),
            ("/a%25c0%25ae", Unreadable::NotUtf8),
            ("/a%ff", Unreadable::NotUtf8),
            ("/a%ed%a0%80", Unreadable::NotUtf8),
            ("/a%25u002e", Unreadable::PercentU),
        ] {
            assert_eq!(all(path), Err(Stop::Unreadable(why)), "{path}");
        }
    }

    #[test]
    fn readings_that_no_route_could_settle_end_the_walk() {
        for (path, expected) in [
            ("/../a", LeadsTo::AboveRoot),
            ("/a/..%2f../b", LeadsTo::AboveRoot),
            ("/a/.../b", LeadsTo::OddDots),
            ("/a/..%20/b", LeadsTo::OddDots),
            ("/a/%E2%80%A6/b", LeadsTo::OddDots),
            (&nasty(), LeadsTo::TooManyReadings),
        ] {
            let Err(Stop::Astray { why, .. }) = all(path) else {
                panic!("{path} passes")
            };
            assert_eq!(why, expected, "{path}");
        }
    }

    fn nasty() -> String {
        "/a%25252f;x%255c%2f/.\\\\;/%EF%BC%8E%3b%3f/;/%252e/./b//".repeat(100)
    }

    #[test]
    fn an_honest_path_of_full_length_stays_well_inside_the_bounds() {
        let long = "/%C3%A9%20a;b".repeat(600);
        assert!(all(&long).unwrap().len() <= 4);
    }
}
