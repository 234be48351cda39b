//! Who listens: so many at the same time, and for one more the oldest goes, as with the connections themselves.
//!
//! ```ignore
//! let (place, is_first) = listeners.enter();
//! place.taken().await;        // somebody newer has it now
//! ```

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Pages that listen at the same time.
///
/// SECURITY: a bound of the memory and the work, and the oldest goes: whoever holds every place would else have blinded the operator.
pub(super) const MOST: usize = 16;

/// Places of those that listen.
#[derive(Default)]
pub(super) struct Listeners(Mutex<State>);

#[derive(Default)]
struct State {
    next: u64,
    /// The oldest first. A sender that is dropped says that the place is taken.
    places: VecDeque<(u64, oneshot::Sender<()>)>,
    /// Whether samples are made.
    produced: bool,
}

/// The place of one listener, free again when it is dropped.
pub(super) struct Place {
    id: u64,
    taken: oneshot::Receiver<()>,
    of: Arc<Listeners>,
}

impl Listeners {
    /// One more listens. True if samples have to be made from now on.
    pub fn enter(self: &Arc<Self>) -> (Place, bool) {
        let mut state = self.lock();
        if state.places.len() >= MOST {
            state.places.pop_front();
        }
        let (kept, taken) = oneshot::channel();
        let id = state.next;
        state.next += 1;
        state.places.push_back((id, kept));
        let is_first = !std::mem::replace(&mut state.produced, true);
        let place = Place {
            id,
            taken,
            of: Arc::clone(self),
        };
        (place, is_first)
    }

    /// Whether samples are still wanted. If not, the next one to enter is told to have them made.
    pub fn anybody(&self) -> bool {
        let mut state = self.lock();
        state.produced = !state.places.is_empty();
        state.produced
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Returns when somebody newer has it.
    pub async fn taken(&mut self) {
        // Nothing is ever sent: the other end is dropped.
        let _ = (&mut self.taken).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.of.lock().places.retain(|(id, _)| *id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_makes_room_for_the_newest() {
        let listeners = Arc::new(Listeners::default());
        let mut places: Vec<Place> = (0..MOST).map(|_| listeners.enter().0).collect();
        let (_newest, _) = listeners.enter();
        places[0].taken().await;
        assert!(
            places[1]
                .taken
                .try_recv()
                .is_err_and(|why| why == oneshot::error::TryRecvError::Empty)
        );
        assert_eq!(listeners.lock().places.len(), MOST);
    }

    #[test]
    fn samples_are_made_once_and_only_as_long_as_somebody_listens() {
        let listeners = Arc::new(Listeners::default());
        let (first, starts) = listeners.enter();
        let (second, starts_again) = listeners.enter();
        assert!(starts && !starts_again);
        drop(first);
        assert!(listeners.anybody());
        drop(second);
        // Whoever comes before the producer has looked is still served by it.
        let (third, starts) = listeners.enter();
        assert!(!starts && listeners.anybody());
        drop(third);
        assert!(!listeners.anybody());
        assert!(listeners.enter().1);
    }
}
