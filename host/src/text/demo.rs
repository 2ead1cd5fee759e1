//! What `lazaret demo` says.

/// What `demo` says before it installs an engine.
pub const INSTALLS: &str = "No container engine answers. This is Debian or Ubuntu and you are \
                                 root, so I install one now: apt-get install docker.io, some 70 \
                                 megabytes.";

/// What `demo` says where it cannot install an engine.
pub const NO_ENGINE: &str = "\
No container engine answers, and I cannot install one here. To get one:
  Debian, Ubuntu   sudo apt-get install docker.io
  Fedora           sudo dnf install moby-engine && sudo systemctl start docker
  elsewhere        as Docker's or Podman's own pages say
Your user must be allowed to use it (group docker), or it must run rootless.";

/// What `demo` says before it goes on without an engine.
pub const UNISOLATED: &str = "\
=====================================================================
  NOTHING IS ISOLATED from here on: the agent runs as a plain process
  of yours. It only echoes, so it does no harm. Run no real agent so.
=====================================================================";

/// What the demo's first message says.
pub const HELLO: &str = "Hello andy, please read the note.";

/// What stands in the file that goes with it.
pub const NOTE: &str = "A small text, made in memory, on its way into a container.\n";

/// What to type after the demo, as the program was called.
#[must_use]
pub fn next(program: &str) -> String {
    let [up, create, chat] =
        ["up", "agents create andy", "chat andy"].map(|args| format!("{program} {args}"));
    let wide = create.len();
    format!(
        "Now with a home that stays:\n  {up:wide$}   in one terminal\n  {create:wide$}   in another\n  \
         {chat}"
    )
}

/// Before the first message.
pub const COLD: &str = "\nA message with a file. Nothing runs for this agent yet:";

/// Before the second message.
pub const WARM: &str = "\nA second message. The agent is there and warm:";

/// Before what the sandbox says of itself.
pub const INSIDE: &str = "\nWhat the agent's sandbox looks like from inside:";

/// The same where there is none.
pub const INSIDE_UNISOLATED: &str = "\nWhat the agent sees, with no sandbox around it:";

/// The steps of a message's life that have no number in them.
pub const SENT: &str = "sent to the host's socket";

/// The second one, see [`SENT`].
pub const AWAKE: &str = "the session is awake and works on it";

/// The third one, see [`SENT`].
pub const DELIVERED: &str = "reply read from outbound.db and delivered";

/// At the end.
pub const ENDING: &str = "\nStopping the host; its containers and its home go with it.";
