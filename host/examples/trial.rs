//! `lazaret` that is put to a test: the same program, which dies at one of its steps or whose
//! channel fails. `trial <step> <n> <one in> -- <arguments of lazaret>`: it kills itself when it
//! comes to that step for the n-th time (`-` and 0: never), and every so manieth post fails.
//!
//! Never installed; what people install cannot be armed.

use std::{
    ffi::OsString,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use host::{
    channels::{Capabilities, Channel, ChannelError, Found, Post, Posted, Remark, Resolution},
    serve::Trial,
    steps::{Step, Steps},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    let (program, mut word) = (args.next().unwrap_or_default(), || {
        args.next().and_then(|word| word.into_string().ok()).unwrap_or_default()
    });
    let (step, nth, one_in) = (Step::named(&word()), word().parse(), word().parse());
    if word() != "--" {
        return ExitCode::from(2);
    }
    let (left, one_in) = (AtomicU32::new(nth.unwrap_or(0)), one_in.unwrap_or(0));
    let steps = Steps::watched(move |reached| {
        if Some(reached) == step && left.fetch_sub(1, Ordering::SeqCst) == 1 {
            die();
        }
    });
    let door = move |channel| -> Arc<dyn Channel> {
        Arc::new(Unreliable { channel, one_in, posts: AtomicU32::new(0) })
    };
    let rest: Vec<OsString> = std::iter::once(program).chain(args).collect();
    host::cli::main_on_trial(rest, Trial { steps, door: Box::new(door) })
}

/// By a signal that nobody can hold back: nothing of this process comes after it.
fn die() -> ! {
    kill(Pid::this(), Signal::SIGKILL).ok();
    loop {
        std::thread::park();
    }
}

/// A channel that fails every so manieth post: before it, or after it was taken.
struct Unreliable {
    channel: Arc<dyn Channel>,
    one_in: u32,
    posts: AtomicU32,
}

#[async_trait]
impl Channel for Unreliable {
    fn channel_type(&self) -> &'static str {
        self.channel.channel_type()
    }

    fn threads(&self) -> bool {
        self.channel.threads()
    }

    fn resolution(&self) -> Resolution {
        self.channel.resolution()
    }

    fn capabilities(&self) -> Capabilities {
        self.channel.capabilities()
    }

    async fn post(&self, post: &Post) -> Result<Posted, ChannelError> {
        let n = self.posts.fetch_add(1, Ordering::Relaxed);
        let fails = n.checked_rem(self.one_in) == Some(self.one_in.saturating_sub(1));
        let after = fails && n.checked_div(self.one_in).unwrap_or_default() % 2 == 1;
        if fails && !after {
            return Err(ChannelError::Retry("refused on trial".to_owned()));
        }
        let posted = self.channel.post(post).await?;
        if after { Err(ChannelError::Retry("lost on trial".to_owned())) } else { Ok(posted) }
    }

    async fn find(&self, post: &Post) -> Result<Found, ChannelError> {
        self.channel.find(post).await
    }

    fn is_the_operators(&self) -> bool {
        self.channel.is_the_operators()
    }

    async fn tell(&self, remark: Remark<'_>) {
        self.channel.tell(remark).await;
    }
}
