//! Who waits for which request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chaperone_model::ApprovalId;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Everybody who waits. Bounded; a request that nobody waits for takes no room.
#[derive(Debug)]
pub(super) struct Waiting {
    rooms: Mutex<Rooms>,
    limit: usize,
}

#[derive(Debug, Default)]
struct Rooms {
    by_id: HashMap<ApprovalId, Arc<Notify>>,
    people: usize,
}

/// One who waits. Dropping it leaves.
#[derive(Debug)]
pub(super) struct Ticket<'a> {
    waiting: &'a Waiting,
    id: ApprovalId,
    room: Arc<Notify>,
}

impl Waiting {
    /// Nobody yet, and never more than `limit`.
    pub(super) fn new(limit: usize) -> Self {
        Self { rooms: Mutex::default(), limit }
    }

    /// Joins those who wait for `id`; none where there is no room.
    pub(super) fn join(&self, id: &ApprovalId) -> Option<Ticket<'_>> {
        let mut rooms = self.rooms();
        if rooms.people >= self.limit {
            return None;
        }
        rooms.people = rooms.people.saturating_add(1);
        let room = Arc::clone(rooms.by_id.entry(id.clone()).or_default());
        Some(Ticket { waiting: self, id: id.clone(), room })
    }

    /// Wakes all who wait for `id`.
    pub(super) fn wake(&self, id: &ApprovalId) {
        if let Some(room) = self.rooms().by_id.get(id) {
            room.notify_waiters();
        }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.rooms().people
    }

    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket<'_> {
    /// Completes when the request changes after this was enabled or polled.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.room.notified()
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut rooms = self.waiting.rooms();
        rooms.people = rooms.people.saturating_sub(1);
        // The map and this ticket hold the room; any third holder is another ticket.
        if Arc::strong_count(&self.room) <= 2 {
            rooms.by_id.remove(&self.id);
        }
    }
}
