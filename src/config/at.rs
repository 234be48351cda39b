//! A value together with where it stands in the file.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use crate::diagnostic::Place;

/// A value and its place, so that a check made later can point at it.
///
/// Two are equal when their values are: the same configuration written on other lines is the same configuration.
#[derive(Clone, Copy)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it stands; `None` for a default that is not written in the file.
    pub place: Option<Place>,
}

impl<T> At<T> {
    /// A value with its place.
    pub fn new(value: T, place: Place) -> Self {
        Self {
            value,
            place: Some(place),
        }
    }

    /// The value without its place.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> From<T> for At<T> {
    fn from(value: T) -> Self {
        Self { value, place: None }
    }
}

impl<T> Deref for At<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for At<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for At<T> {}

impl<T: Hash> Hash for At<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}

/// Lets a table keyed by `At<K>` be searched by a plain `K`.
impl<T> Borrow<T> for At<T> {
    fn borrow(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for At<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T: fmt::Display> fmt::Display for At<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}
