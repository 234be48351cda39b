//! JSON into a [`Value`], with repeated names kept.
//!
//! `{"a": 1, "a": null}` has two fields; `JSON.parse` keeps the last, other readers the first.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::document::{Budget, Fields, Value};
use super::{Dialect, Unreadable};

/// Reads one JSON text.
pub(super) fn read(text: &str) -> Result<Value, Unreadable> {
    let budget = Budget::new();
    let one = One {
        budget: &budget,
        depth: 1,
    };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = one.deserialize(&mut deserializer);
    let value = value.and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|_| match budget.is_spent() {
        true => Unreadable::TooIntricate,
        false => Unreadable::Malformed(Dialect::Json),
    })
}

/// One value at some depth. serde_json's own limit (128) bounds the stack before ours does the nesting.
#[derive(Clone, Copy)]
struct One<'b> {
    budget: &'b Budget,
    depth: usize,
}

impl One<'_> {
    fn inner<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth + 1;
        match self.budget.pay(depth) {
            true => Ok(One { depth, ..self }),
            false => Err(E::custom("too intricate")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for One<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for One<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        let one = self.inner()?;
        while let Some(item) = list.next_element_seed(one)? {
            self.inner::<A::Error>()?;
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Fields::default();
        let one = self.inner()?;
        while let Some(name) = map.next_key::<String>()? {
            self.inner::<A::Error>()?;
            fields.named.push((name, map.next_value_seed(one)?));
        }
        Ok(Value::Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::interaction::{MAX_DEPTH, MAX_VALUES};

    #[test]
    fn repeated_names_are_kept_and_the_last_is_read_first() {
        let value = read(r#"{"a": "1", "b": 2, "a": "3", "A": "4", "n": null}"#).unwrap();
        assert_eq!(value.text_of("a"), Some("3"));
        assert_eq!(value.text_of("B"), Some("2"));
        assert_eq!(value.text_of("n"), None);
        let fields = value.fields().unwrap();
        assert!(fields.sole("a").is_err());
        assert!(fields.sole("B").is_err());
        assert_eq!(fields.sole("b").unwrap().unwrap().text(), Some("2"));
        assert!(fields.sole("c").unwrap().is_none());
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        let huge = "9".repeat(400);
        for text in [
            "",
            "{",
            "{}{}",
            "{\"a\":}",
            "[1,]",
            "nul",
            "{'a':1}",
            "1e999",
            &huge,
            "\"\\ud800\"",
            "\"\t\"",
        ] {
            assert_eq!(
                read(text),
                Err(Unreadable::Malformed(Dialect::Json)),
                "{text}"
            );
        }
    }

    #[test]
    fn numbers_and_truth_values_are_texts() {
        let value = read("[1, -2, 0.5, 18446744073709551615, true, false]").unwrap();
        let texts = ["1", "-2", "0.5", "18446744073709551615", "true", "false"];
        let texts = texts.map(|text| Value::Text(text.to_owned()));
        assert_eq!(value, Value::List(texts.to_vec()));
    }

    #[test]
    fn depth_and_number_of_values_are_bounded() {
        for (depth, is_read) in [(MAX_DEPTH - 1, true), (MAX_DEPTH, false), (100_000, false)] {
            let lists = "[".repeat(depth) + &"]".repeat(depth);
            assert_eq!(read(&lists).is_ok(), is_read, "{depth}");
            let objects = "{\"a\":".repeat(depth - 1) + "{}" + &"}".repeat(depth - 1);
            assert_eq!(read(&objects).is_ok(), is_read, "{depth}");
        }
        for (values, is_read) in [(MAX_VALUES - 1, true), (MAX_VALUES + 1, false)] {
            let list = format!("[{}1]", "1,".repeat(values - 1));
            assert_eq!(read(&list).is_ok(), is_read, "{values}");
            let object = format!("{{{}\"b\":1}}", "\"a\":1,".repeat(values - 1));
            assert_eq!(read(&object).is_ok(), is_read, "{values}");
        }
        let list = format!("[{}1]", "[],".repeat(MAX_VALUES));
        assert_eq!(read(&list), Err(Unreadable::TooIntricate));
    }
}
