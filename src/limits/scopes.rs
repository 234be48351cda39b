//! Names of scopes and their numbers. They come from the file only, and a number is never given twice.
//!
//! ```ignore
//! assert_eq!(scopes.id("kind icws"), scopes.id("kind icws"));
//! ```

use std::sync::{Mutex, PoisonError};

use indexmap::IndexSet;

use super::rules::ScopeId;

/// Every scope that a file has had since the process began.
#[derive(Debug, Default)]
pub(super) struct Scopes(Mutex<IndexSet<Box<str>>>);

impl Scopes {
    pub(super) fn id(&self, name: &str) -> ScopeId {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let position = match names.get_index_of(name) {
            Some(position) => position,
            None => names.insert_full(name.into()).0,
        };
        // 0 is the whole process. Four billion names do not fit into a file.
        ScopeId(u32::try_from(position).unwrap_or(u32::MAX - 1) + 1)
    }

    pub(super) fn name(&self, scope: ScopeId) -> Option<String> {
        let position = scope.0.checked_sub(1)? as usize;
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.get_index(position).map(|name| name.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_number_and_the_process_has_none() {
        let scopes = Scopes::default();
        let (a, b) = (scopes.id("kind icws"), scopes.id("route x/"));
        assert_ne!(a, b);
        assert_ne!(a, ScopeId::PROCESS);
        assert_eq!(scopes.id("kind icws"), a);
        assert_eq!(scopes.name(b).as_deref(), Some("route x/"));
        assert_eq!(scopes.name(ScopeId::PROCESS), None);
    }
}
