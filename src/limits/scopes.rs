//! What a rule counts together: the whole process, a kind or a route. Names become numbers that stay theirs over every reload.
//!
//! ```ignore
//! assert_eq!(scopes.id("kind icws"), scopes.id("kind icws"));
//! ```

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::rules::ScopeId;

/// Names that are remembered: several times those of the largest configuration.
const MOST: usize = 1 << 20;

/// The names of scopes. One for the life of the process: a reload that asks for a name finds its counts again.
///
/// Bounded: when a million names are known, the half that was asked for longest ago is forgotten. Every reload asks for all of its
/// names, so those are names of configurations long gone. A number is never given twice.
#[derive(Debug)]
pub(super) struct Scopes {
    most: usize,
    names: RwLock<Names>,
}

#[derive(Debug, Default)]
struct Names {
    by_name: HashMap<Arc<str>, Known>,
    by_id: HashMap<ScopeId, Arc<str>>,
    last: u32,
    /// Counts the calls of `id`.
    asked: u64,
}

#[derive(Debug)]
struct Known {
    id: ScopeId,
    asked: u64,
}

impl Scopes {
    fn bounded(most: usize) -> Self {
        Scopes {
            most,
            names: RwLock::default(),
        }
    }

    /// The scope with this name. For the compilation of a configuration, not for requests: it locks.
    pub(super) fn id(&self, name: &str) -> ScopeId {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        names.asked += 1;
        let asked = names.asked;
        if let Some(known) = names.by_name.get_mut(name) {
            known.asked = asked;
            return known.id;
        }
        if names.by_name.len() >= self.most {
            names.forget_half();
        }
        // After four billion names the last number is shared: stricter than written, but never without a limit.
        names.last = names.last.saturating_add(1);
        let id = ScopeId(names.last);
        let name: Arc<str> = name.into();
        names.by_name.insert(name.clone(), Known { id, asked });
        names.by_id.insert(id, name);
        id
    }

    /// The name of a scope, for people; `None` for the process.
    pub(super) fn name(&self, id: ScopeId) -> Option<String> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        names.by_id.get(&id).map(|name| name.to_string())
    }
}

impl Default for Scopes {
    fn default() -> Self {
        Scopes::bounded(MOST)
    }
}

impl Names {
    fn forget_half(&mut self) {
        let mut asked: Vec<u64> = self.by_name.values().map(|known| known.asked).collect();
        let middle = asked.len() / 2;
        if middle == 0 {
            return;
        }
        let (_, median, _) = asked.select_nth_unstable(middle);
        self.by_name.retain(|_, known| known.asked >= *median);
        let by_name = &self.by_name;
        self.by_id.retain(|_, name| by_name.contains_key(name));
    }
}
