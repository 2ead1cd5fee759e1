//! `list_destinations`: whom the agent can reach by name.

use schemas::message::{Destination, DestinationTarget};

use super::spec::{Does, Spec};

pub(super) const SPEC: Spec = Spec {
    name: "list_destinations",
    about: "Tells to whom you can send by name: rooms and other agents. The names go into \"to\" \
            of the other tools. Names may come and go while you work. You need none to answer \
            where the current message came from.",
    fields: &[],
    example: "{}",
    does: Does::Look(|_, seat| {
        let book = seat.sink.destinations();
        book.map(|book| shown(&book)).map_err(|error| {
            format!("the address book cannot be read just now ({error}); try again")
        })
    }),
};

/// The address book as a model reads it.
pub(super) fn shown(book: &[Destination]) -> String {
    if book.is_empty() {
        return "There are no destinations: you can only answer where a message came from. \
                request_destination asks a person for one."
            .to_owned();
    }
    let line = |entry: &Destination| {
        let shown = entry.display_name.as_deref().filter(|shown| *shown != entry.name);
        let shown = shown.map(|shown| format!(" ({shown})")).unwrap_or_default();
        let leads = match &entry.target {
            DestinationTarget::Channel(place) => {
                format!("a room on {}", place.channel_type)
            }
            DestinationTarget::Agent(_) => "an agent".to_owned(),
        };
        format!("{}{shown}: {leads}", entry.name)
    };
    book.iter().map(line).collect::<Vec<_>>().join("\n")
}
