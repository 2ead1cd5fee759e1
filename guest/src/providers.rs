//! The providers of one session, each kept alive from its first turn on.
//!
//! Owns which exist: one object for each word, made when it is first asked.

use std::collections::{BTreeMap, btree_map::Entry};

use crate::provider::{Class, Fault, Provider};

/// Makes a provider by its word; `None` where there is no such thing.
pub type MakeProvider = Box<dyn FnMut(&str) -> Option<Box<dyn Provider>> + Send>;

/// See the module's text.
pub(crate) struct Providers {
    make: MakeProvider,
    made: BTreeMap<String, Box<dyn Provider>>,
}

impl Providers {
    /// None was asked yet.
    pub(crate) fn new(make: MakeProvider) -> Self {
        Self { make, made: BTreeMap::new() }
    }

    /// The provider of that name.
    ///
    /// # Errors
    /// When this guest knows none of that name.
    pub(crate) fn named(&mut self, name: &str) -> Result<&mut dyn Provider, Fault> {
        match self.made.entry(name.to_owned()) {
            Entry::Occupied(made) => Ok(made.into_mut().as_mut()),
            Entry::Vacant(place) => {
                let provider = (self.make)(name).ok_or_else(|| {
                    Fault::new(Class::Missing, format!("there is no provider {name:?}"))
                })?;
                Ok(place.insert(provider).as_mut())
            }
        }
    }

    /// Whether any was asked since they were last closed.
    pub(crate) fn any(&self) -> bool {
        !self.made.is_empty()
    }

    /// Ends all of them in good order. Their conversations can be resumed.
    pub(crate) async fn close(&mut self) {
        for mut provider in std::mem::take(&mut self.made).into_values() {
            provider.close().await;
        }
    }
}
