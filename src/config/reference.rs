//! The reference of all keys as a Markdown table.

use super::Config;
use super::decode::Decode;

/// Every key with its type, its default and its meaning.
pub fn reference() -> String {
    let mut rows = Vec::new();
    Config::shape().rows("", &mut rows);
    let mut table = String::from("| key | value | default | meaning |\n|---|---|---|---|\n");
    for [key, value, default, meaning] in rows {
        table.push_str(&format!(
            "| `{key}` | {value} | {default} | {} |\n",
            meaning.replace('|', "\\|")
        ));
    }
    table
}
