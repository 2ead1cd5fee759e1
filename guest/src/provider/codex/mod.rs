//! Codex, by its app server.
//!
//! One process for many turns of one conversation (a *thread* of its own). What holds:
//!
//! - **It asks about every tool**, a command, a patch or a call of an MCP server, and is answered
//!   once it is written down that the tool acts. What it does not ask about is written down when
//!   it shows.
//! - **A model and a prompt may change from turn to turn**, in the same process; another working
//!   folder is another process with the same conversation. Of a change of its prompt it is told in
//!   the conversation.
//! - **The same run is told once.** Codex itself takes the same words twice. Each turn carries its
//!   run's id into the transcript, so a run that comes again is looked up there: what was answered
//!   is answered alike, what broke before a tool acted is taken out and said anew. What broke after
//!   one acted stays, so that the model knows.
//! - **A stop ends the turn in place**, with every command that it had started; the process stays.
//!   What it left running on purpose at the end of a turn goes on until a stop or the process's end.
//! - **Nothing that lies in the working folder changes how it runs**: see `launch`. Neither
//!   `AGENTS.md` nor skills are read there.
//!
//! It waits for nobody: it never tries again by itself, and never looks for news.

use std::{
    fs,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use schemas::ids::RunId;
use serde_json::{Value, json};

use super::{
    Class, Fault, Health, Launch, Opened, Provider, Sink, Surroundings, TurnEnd,
    child::{Program, base_env},
};
use crate::{limits, prompt::Turn, turn::ProviderEvent, written::written};

mod course;
mod item;
mod launch;
mod server;
mod spent;
mod told;
mod trouble;
mod wire;
mod work;

use server::Server;
use work::Work;

/// The word in `session.json`.
pub const NAME: &str = "codex";

/// See the module's text.
#[derive(Debug)]
pub struct Codex {
    around: Surroundings,
    program: PathBuf,
    tools: Option<Vec<String>>,
    server: Option<Server>,
    launch: Launch,
    /// The conversation, once there is one.
    thread: Option<String>,
    mark: Option<Mark>,
}

/// The run that was told last.
#[derive(Debug)]
struct Mark {
    run: RunId,
    /// A tool has acted in it, as far as anybody knows.
    acted: bool,
}

/// What to do about a run that comes again.
enum Again {
    Tell,
    Answered(Option<String>),
}

impl Codex {
    /// Codex as it lies in the image; `tools` is the command that serves our tools over stdio.
    #[must_use]
    pub fn new(around: Surroundings, tools: Option<Vec<String>>) -> Self {
        Self {
            around,
            program: NAME.into(),
            tools,
            server: None,
            launch: Launch::default(),
            thread: None,
            mark: None,
        }
    }

    /// The same, with a program that lies elsewhere.
    #[must_use]
    pub fn at(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = program.into();
        self
    }

    /// Its own home.
    fn own(&self) -> PathBuf {
        self.around.dir.home().join(".codex")
    }

    fn program(&self, launch: &Launch) -> Result<Program, Fault> {
        let Some(models) = &self.around.models else {
            return Err(Fault::new(Class::Missing, "no way leads to a model from here"));
        };
        let (home, own) = (self.around.dir.home(), self.own());
        let made = fs::create_dir_all(&own).and_then(|()| sweep(&own));
        made.map_err(|error| {
            Fault::new(Class::Missing, format!("cannot make {}: {error}", own.display()))
        })?;
        let untrusted = names(&launch.work_dir);
        let tools = self.tools.as_deref();
        let setting = launch::Setting { models, untrusted: &untrusted, tools };
        let mut env = base_env(&home);
        env.push(("CODEX_HOME".into(), own.into()));
        env.push((launch::KEY_VARIABLE.into(), "added-by-the-host".into()));
        Ok(Program {
            program: self.program.clone(),
            args: launch::arguments(&setting),
            dir: launch.work_dir.clone(),
            env,
        })
    }

    /// What the transcript knows of a run that comes again.
    async fn again(&self, server: &mut Server, run: &RunId) -> Result<Again, Fault> {
        let Some(mark) = self.mark.as_ref().filter(|mark| mark.run == *run) else {
            return Ok(Again::Tell);
        };
        let params = json!({ "threadId": server.thread, "limit": 1, "itemsView": "full" });
        let listed = server.call("thread/turns/list", &params).await?.unwrap_or_default();
        let last = listed.pointer("/data/0").unwrap_or(&Value::Null);
        if !course::is_of_run(last, run.as_str()) {
            return Ok(Again::Tell);
        }
        if wire::text(last, "status") == "completed" {
            return Ok(Again::Answered(course::answered_by(last)));
        }
        if !mark.acted {
            let params =
                json!({ "threadId": server.thread, "beforeTurnId": wire::text(last, "id") });
            if let Err(why) = server.call("thread/revert", &params).await? {
                tracing::warn!(why, "what broke stays in the transcript");
            }
        }
        Ok(Again::Tell)
    }

    /// Tells it about itself, if that has changed since it was told.
    async fn tells(&self, server: &mut Server) -> Result<(), Fault> {
        let prompt = &self.launch.system_prompt;
        let told = server.told.take().or_else(|| told::last(&self.own(), &server.thread));
        if told.as_deref().unwrap_or_default() != prompt {
            let change = told::change(&server.thread, prompt);
            if let Err(why) = server.call("thread/inject_items", &change).await? {
                return Err(Fault::new(Class::Garbled, format!("it cannot be told: {why}")));
            }
            self.was_told(server);
        }
        server.told = Some(prompt.clone());
        Ok(())
    }

    fn was_told(&self, server: &Server) {
        let marked = told::mark(&self.own(), &server.thread, &self.launch.system_prompt);
        if let Err(error) = marked {
            tracing::warn!(%error, "what it was told cannot be remembered");
        }
    }

    async fn work(&mut self, server: &mut Server, (turn, sink): (&Turn, &Sink)) -> Worked {
        sink.say(ProviderEvent::Session(server.thread.clone())).await;
        if let Again::Answered(answer) = self.again(server, &turn.run).await? {
            if let Some(answer) = answer {
                sink.say(ProviderEvent::Final(answer)).await;
            }
            return Ok(TurnEnd::Done);
        }
        self.tells(server).await?;
        let mut input = vec![launch::words(&written(turn))];
        input.extend(self.pictures(turn).iter().map(|path| launch::picture(path)));
        let run = turn.run.as_str();
        let params = launch::turn(&server.thread, run, &input, &self.launch);
        // Whoever drops this in the middle knows no better.
        self.mark = Some(Mark { run: turn.run.clone(), acted: true });
        let mut work = Work::begin(server, sink, &params)?;
        let end = work.until_over().await;
        self.mark = Some(Mark { run: turn.run.clone(), acted: work.has_acted() });
        end
    }

    /// Pictures that the model is shown; each is named by its path as well.
    fn pictures(&self, turn: &Turn) -> Vec<PathBuf> {
        let files = turn.messages.iter().flat_map(|said| &said.attachments);
        let paths = files.filter_map(|file| {
            let path = file.local_path.as_deref()?;
            let known = file.mime.as_deref().and_then(|kind| kind.strip_prefix("image/"));
            let kind = known.or_else(|| Some(path.rsplit_once('.')?.1))?.to_lowercase();
            ["png", "jpeg", "jpg", "gif", "webp"].contains(&kind.as_str()).then_some(path)
        });
        let here = paths.filter_map(|path| self.around.dir.inbox_file(path));
        here.take(limits::PICTURES).collect()
    }
}

/// How a turn came out; an error is the end of the process, too.
type Worked = Result<TurnEnd, Fault>;

#[async_trait]
impl Provider for Codex {
    fn name(&self) -> &'static str {
        NAME
    }

    fn health(&self) -> Health {
        // Whoever can ask sees no turn at work: that one is dropped, and its process with it.
        let ready = self.server.as_ref().is_some_and(Server::is_alive);
        if ready { Health::Ready } else { Health::Down }
    }

    async fn open(&mut self, launch: &Launch, resume: Option<&str>) -> Result<Opened, Fault> {
        if let Some(server) = self.server.take() {
            if server.is_alive() && server.work_dir == launch.work_dir {
                self.launch = launch.clone();
                self.server = Some(server);
                return Ok(Opened::Warm);
            }
            server.close().await;
        }
        let program = self.program(launch)?;
        let going_on = resume.or(self.thread.as_deref());
        let started = Server::start(&program, launch, going_on).await;
        let (server, opened) = started?;
        self.thread = Some(server.thread.clone());
        self.launch = launch.clone();
        if opened == Opened::Fresh {
            self.was_told(&server);
        }
        self.server = Some(server);
        Ok(opened)
    }

    async fn turn(&mut self, turn: &Turn, sink: &Sink) -> TurnEnd {
        // Out of this, so that dropping the turn drops the process with all of its tools.
        let Some(mut server) = self.server.take() else {
            return TurnEnd::Broke(Fault::new(Class::Exited, "it was not opened"));
        };
        let worked = self.work(&mut server, (turn, sink)).await;
        match worked {
            Ok(end) => {
                self.server = Some(server);
                end
            }
            Err(fault) => TurnEnd::Broke(fault),
        }
    }

    async fn close(&mut self) {
        if let Some(server) = self.server.take() {
            server.close().await;
        }
    }
}

/// Takes out of its home what the agent may have put there to change how it runs.
fn sweep(own: &Path) -> std::io::Result<()> {
    for name in launch::SWEPT {
        let path = own.join(name);
        let gone = match fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_dir() => fs::remove_dir_all(&path),
            Ok(_) => fs::remove_file(&path),
            Err(error) => Err(error),
        };
        match gone {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// A folder, and where it truly lies.
fn names(folder: &Path) -> Vec<PathBuf> {
    let mut names = vec![folder.to_owned()];
    names.extend(fs::canonicalize(folder).ok().filter(|true_one| true_one != folder));
    names
}
