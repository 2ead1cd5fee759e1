//! Codex, by its app server.
//!
//! One process for many turns of one conversation (a *thread* of its own). What holds:
//!
//! - **It asks about every tool**, a command, a patch or a call of an MCP server, and is answered
//!   once it is written down that the tool acts. What it does not ask about is written down when
//!   it shows.
//! - **A model and instructions may change from turn to turn**, in the same process; another working
//!   folder is another process with the same conversation.
//! - **The same run is told once.** Codex itself takes the same words twice. Each turn carries its
//!   run's id into the transcript, so a run that comes again is looked up there: what was answered
//!   is answered alike, what broke before a tool acted is taken out and said anew. What broke after
//!   one acted stays, so that the model knows.
//! - **A stop ends the turn in place**, with every command that it had started; the process stays.
//!   What it left running on purpose at the end of a turn goes on until a stop or the process's end.
//! - **Nothing that lies in the working folder changes how it runs**: see [`launch`]. Neither
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
    health: Health,
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
            health: Health::Down,
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

    /// The number of its process, while one runs and no turn is at work.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        self.server.as_ref().map(Server::pid)
    }

    fn program(&self, launch: &Launch) -> Result<Program, Fault> {
        let Some(models) = &self.around.models else {
            return Err(Fault::new(Class::Missing, "no way leads to a model from here"));
        };
        let home = self.around.dir.home();
        let own = home.join(".codex");
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

    async fn work(&mut self, server: &mut Server, (turn, sink): (&Turn, &Sink)) -> Worked {
        sink.say(ProviderEvent::Session(server.thread.clone())).await;
        if let Again::Answered(answer) = self.again(server, &turn.run).await? {
            if let Some(answer) = answer {
                sink.say(ProviderEvent::Final(answer)).await;
            }
            return Ok(TurnEnd::Done);
        }
        let model = self.launch.model.clone().unwrap_or_else(|| server.model.clone());
        let mut input = vec![launch::words(&written(turn))];
        input.extend(self.pictures(turn).iter().map(|path| launch::picture(path)));
        let run = turn.run.as_str();
        let params = launch::turn(&server.thread, run, &input, (&self.launch, &model));
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
        let pictures = files.filter(|file| {
            let kind = file.mime.as_deref().unwrap_or_default();
            ["image/png", "image/jpeg", "image/gif", "image/webp"].contains(&kind)
        });
        let paths = pictures.filter_map(|file| file.local_path.as_deref());
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
        match &self.server {
            Some(server) if !server.is_alive() => Health::Down,
            Some(_) | None => self.health,
        }
    }

    async fn open(&mut self, launch: &Launch, resume: Option<&str>) -> Result<Opened, Fault> {
        if let Some(server) = self.server.take() {
            if server.is_alive() && server.work_dir == launch.work_dir {
                self.launch = launch.clone();
                self.server = Some(server);
                self.health = Health::Ready;
                return Ok(Opened::Warm);
            }
            server.close().await;
        }
        self.health = Health::Down;
        let program = self.program(launch)?;
        self.health = Health::Starting;
        let going_on = resume.or(self.thread.as_deref());
        let started = Server::start(&program, launch, going_on).await;
        let (server, opened) = started.inspect_err(|_| self.health = Health::Down)?;
        self.thread = Some(server.thread.clone());
        self.launch = launch.clone();
        self.server = Some(server);
        self.health = Health::Ready;
        Ok(opened)
    }

    async fn turn(&mut self, turn: &Turn, sink: &Sink) -> TurnEnd {
        // Out of this, so that dropping the turn drops the process with all of its tools.
        let Some(mut server) = self.server.take() else {
            return TurnEnd::Broke(Fault::new(Class::Exited, "it was not opened"));
        };
        self.health = Health::Busy;
        let worked = self.work(&mut server, (turn, sink)).await;
        match worked {
            Ok(end) => {
                self.server = Some(server);
                self.health = Health::Ready;
                end
            }
            Err(fault) => {
                self.health = Health::Down;
                TurnEnd::Broke(fault)
            }
        }
    }

    async fn close(&mut self) {
        self.health = Health::Down;
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
