//! `install_packages`: programs in the agent's image.

use schemas::action::Action;

use super::{
    given::{Field, Kind},
    spec::{After, Does, Spec, asks},
};

pub(super) const SPEC: Spec = Spec {
    name: "install_packages",
    about: "Asks for Debian or npm packages on your machine, for good. You have no network and \
            cannot install them yourself. A person agrees first; then your machine is built anew \
            and you are started again on it.",
    fields: &[
        Field::may("apt", Kind::Texts, "names of Debian packages"),
        Field::may("npm", Kind::Texts, "names of npm packages, each with @version or without"),
        Field::may("reason", Kind::Text, "why, for the person who decides"),
    ],
    example: r#"{"apt": ["poppler-utils"], "reason": "To read PDF files."}"#,
    does: Does::Post(
        |given| {
            let (apt, npm) = (given.texts("apt"), given.texts("npm"));
            if apt.is_empty() && npm.is_empty() {
                return Err("name at least one package in \"apt\" or \"npm\"".to_owned());
            }
            Ok(asks(Action::InstallPackages { apt, npm, reason: given.text("reason") }))
        },
        After::Request,
    ),
};
