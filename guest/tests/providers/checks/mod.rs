//! What every provider must do.

pub(crate) mod faults;
pub(crate) mod inputs;
pub(crate) mod life;
pub(crate) mod stops;
pub(crate) mod tools;
