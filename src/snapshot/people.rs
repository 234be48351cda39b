//! The `people` section, compiled, and what each server's people are called.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::Config;
use crate::kinds::interaction::Wire;
use crate::people::{Idle, Kind};
use crate::upstream::Upstream;

/// What the file says about people.
#[derive(Default)]
pub struct People {
    /// How long they may be silent.
    pub idle: Idle,
    /// Every server of the file with each kind of people that it can have.
    pub places: Vec<(Kind, Arc<str>)>,
    visitors: HashMap<Arc<str>, Kind>,
}

impl People {
    /// What holds for a request to its end.
    pub(super) fn without_places(&self) -> People {
        People {
            idle: self.idle,
            ..People::default()
        }
    }

    /// By which protocol the visitors of a server come. Of a server that is no longer in the file some may still be there.
    pub fn visitors_of(&self, server: &str) -> Kind {
        self.visitors.get(server).copied().unwrap_or(Kind::Webtools)
    }
}

pub(super) fn compile<'a>(
    config: &Config,
    upstreams: impl Iterator<Item = &'a Arc<Upstream>>,
) -> People {
    let (mut places, mut visitors) = (Vec::new(), HashMap::new());
    for upstream in upstreams {
        let (name, kind) = (&upstream.facts.name, upstream.facts.kind);
        if let Some(sessions) = kind.sessions() {
            places.push((sessions.kind(), Arc::clone(name)));
        }
        if let Some(wire) = kind.interactions() {
            let visitor = match wire {
                Wire::Webtools => Kind::Webtools,
                Wire::Icws => Kind::Webchat,
            };
            places.push((visitor, Arc::clone(name)));
            visitors.insert(Arc::clone(name), visitor);
        }
    }
    People {
        idle: Idle {
            icws: config.people.idle.icws.get(),
            webtools: config.people.idle.webtools.get(),
        },
        places,
        visitors,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Source;

    #[test]
    fn what_is_not_written_is_the_default_of_the_registry() {
        let text =
            "listeners: [{ listen: 127.0.0.1:0 }]\nhosts: { a.example.com: { files: www } }\n";
        let config = crate::config::parse(&Source::new("p.yaml", "/", text)).expect("a file");
        assert_eq!(compile(&config, [].iter()).idle, Idle::default());
    }
}
