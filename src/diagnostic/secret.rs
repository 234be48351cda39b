//! Lines of a file that may hold a secret. Nothing of it may reach a log, a terminal or the admin listener, whatever is wrong there.
//!
//! ```text
//! password: hunter2                     everything behind the colon
//! url: https://user:hunter2@host/       everything between // and @
//! ```

/// Words in the name of a key behind which there is a secret.
const WORDS: [&str; 8] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "authorization",
    "apikey",
];

/// What may be a secret on this line.
pub(super) fn on(line: &str) -> Option<&str> {
    behind_a_key(line).or_else(|| before_an_at(line))
}

/// The text with nothing of the secret in it.
pub(super) fn without(secret: &str, text: &str) -> String {
    let ends = |letter: char| letter.is_whitespace() || "\"'{}[],:@/*&!|>%`".contains(letter);
    let mut text = text.to_owned();
    for part in secret.split(ends).filter(|part| part.len() > 2) {
        text = text.replace(part, "...");
    }
    text
}

/// What a key says whose name is that of a secret; not where the secret is read from.
fn behind_a_key(line: &str) -> Option<&str> {
    let mut rest = line;
    while let Some((before, after)) = rest.split_once(':') {
        let is_of_key = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
        let before = before.trim_end_matches(['"', '\'', ' ']);
        let start = before.rfind(|letter| !is_of_key(letter));
        let key = start.map_or(before, |start| before.get(start + 1..).unwrap_or(before));
        if names_secret(key) && !after.trim_start().starts_with('{') && !after.trim().is_empty() {
            return Some(after);
        }
        rest = after;
    }
    None
}

fn names_secret(key: &str) -> bool {
    let letters = key.chars().filter(char::is_ascii_alphanumeric);
    let key: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    WORDS.iter().any(|word| key.contains(word))
}

/// The user, and so perhaps a password, of a URL.
fn before_an_at(line: &str) -> Option<&str> {
    let mut urls = line
        .split_whitespace()
        .filter_map(|word| word.split_once("://"));
    urls.find_map(|(_, rest)| rest.rsplit_once('@'))
        .map(|(user, _)| user)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_the_name_of_its_key() {
        for (line, secret) in [
            ("password: hunter2", Some(" hunter2")),
            (
                "  - { name: a, \"client-secret\": 'hunter2' }",
                Some(" 'hunter2' }"),
            ),
            ("api_key : hunter2", Some(" hunter2")),
            ("AccessToken:hunter2", Some("hunter2")),
            ("url: https://me:hunter2@a.example/x", Some("me:hunter2")),
            ("secret: { env: IDS_SECRET }", None),
            ("secret:", None),
            ("path: /secret/", None),
            ("url: https://a.example/x", None),
        ] {
            assert_eq!(on(line), secret, "{line}");
        }
    }

    #[test]
    fn nothing_of_it_is_left_in_a_message() {
        let told = without(
            " *hunter2 # mine",
            "`*hunter2` refers to an anchor `&hunter2`",
        );
        assert_eq!(told, "`*...` refers to an anchor `&...`");
    }
}
