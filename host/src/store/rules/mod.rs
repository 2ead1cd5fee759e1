//! The operator's rules as rows: rooms, wirings and destinations, as they are made, changed and
//! deleted.
//!
//! Owns what an operator sees of them. What routing reads of a place is `store::rooms`; who may
//! change what was decided before anything comes here.

mod destinations;
mod rooms;
pub(super) mod wirings;

pub use destinations::{Entry, Leads, NewEntry};
pub use rooms::{NewRoom, Room, RoomUses};
pub use wirings::{Rules, Wiring};
