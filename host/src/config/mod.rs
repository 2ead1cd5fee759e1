//! What this process was told: flags, environment, `<home>/lazaret.toml`.
//!
//! The only reader of the environment. Everything else in the host is handed a [`Config`], which
//! is plain data. Reading (`load`) is apart from deciding (`resolve`), so that the rules are
//! tested as tables.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use schemas::{CONTRACT_VERSION, ids::InstallId};

use crate::{
    broker::Route,
    engine::{docker::DockerSettings, endpoint::Places, facts::HostIdentity},
    error::{ErrorKind, HostError, Result},
    limits, text,
};

mod file;
mod models;
mod origin;
mod places;

use file::File;
pub use file::{LogFormat, length_in_days, length_of_time};
pub use origin::{Setting, effective};

/// The settings' file in the home.
pub const FILE_NAME: &str = "lazaret.toml";

/// The guest program's name, looked for beside our own executable.
pub const GUEST_NAME: &str = "lazaret-guest";

/// Everything that this process was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where everything durable lies; canonical, yet it need not exist.
    pub home: PathBuf,
    /// Where the sockets lie: short, since a socket's path ends at 107 bytes.
    pub run_dir: PathBuf,
    /// Where a client keeps what only it needs, such as the lines typed at `chat`.
    pub state_dir: PathBuf,
    /// Where what is thrown away again may lie.
    pub scratch: PathBuf,
    /// Where the engine may listen.
    pub engine: Places,
    /// The guest program, when one was found.
    pub guest: Option<PathBuf>,
    /// The image of agents that bring none; `None` is the built-in one.
    pub image: Option<String>,
    /// How long a container without work is kept.
    pub idle_timeout: Duration,
    /// How many containers may run at once.
    pub max_containers: usize,
    /// Days that is kept what agents say nothing about; `None` is forever.
    pub keep_days: Option<u32>,
    /// Where models are asked.
    pub models: Vec<Route>,
    /// Where the keys of secrets lie, outside of any home; `None` where no place is known.
    pub keys: Option<PathBuf>,
    /// What is logged, in the notation of `tracing`; `None` is each command's own choice.
    pub log: Option<String>,
    /// How it is logged.
    pub log_format: LogFormat,
    /// The IANA name of the host's time zone.
    pub time_zone: String,
    /// Whether agents run in containers. `false` only by `up --no-isolation`.
    pub isolated: bool,
    /// Whether the host takes its containers with it when it ends. Only for `demo`.
    pub ephemeral: bool,
}

/// The environment variables that are read, and no others.
const VARIABLES: [&str; 15] = [
    "LAZARET_HOME",
    "LAZARET_RUN_DIR",
    "LAZARET_ENGINE",
    "LAZARET_GUEST",
    "LAZARET_LOG",
    "LAZARET_LOG_FORMAT",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "XDG_RUNTIME_DIR",
    "TMPDIR",
];

/// What the machine says, beside flags and file.
#[derive(Debug, Clone, Default)]
struct Surroundings {
    env: BTreeMap<&'static str, OsString>,
    uid: u32,
    /// The guest beside our executable, when it is there.
    guest_beside: Option<PathBuf>,
    /// Whether `/run/user/<uid>` is there.
    has_user_run: bool,
    time_zone: Option<String>,
}

impl Config {
    /// Reads everything; `home` is the flag.
    ///
    /// # Errors
    /// When no home can be found, or the file is not what it should be.
    pub fn load(home: Option<&Path>) -> Result<Self> {
        let around = Surroundings::read();
        let home = places::canonical(&places::home(home, &around)?)?;
        let file = File::read(&home.join(FILE_NAME))?;
        resolve(home, file, &around)
    }

    /// The host's own socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.run_dir.join("host.sock")
    }

    /// The guest program.
    ///
    /// # Errors
    /// When there is none.
    pub fn guest(&self) -> Result<&Path> {
        self.guest.as_deref().ok_or_else(|| {
            HostError::new(ErrorKind::Invalid, text::NO_GUEST).hint(text::NO_GUEST_HINT)
        })
    }

    /// What the engine is made from, for the containers of an installation.
    ///
    /// # Errors
    /// When there is no guest program.
    pub fn docker(&self, install: InstallId) -> Result<DockerSettings> {
        Ok(DockerSettings {
            places: self.engine.clone(),
            install,
            contract_version: CONTRACT_VERSION,
            guest: self.guest()?.to_owned(),
            engine_dir: self.run_dir.join("engine"),
            runtime: None,
            host: HostIdentity {
                uid: nix::unistd::geteuid().as_raw(),
                gid: nix::unistd::getegid().as_raw(),
            },
        })
    }
}

impl Surroundings {
    #[expect(clippy::disallowed_methods, reason = "this module is the reader of the environment")]
    fn read() -> Self {
        let env = VARIABLES
            .into_iter()
            .filter_map(|name| std::env::var_os(name).map(|value| (name, value)))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let uid = nix::unistd::geteuid().as_raw();
        let beside = std::env::current_exe().ok().map(|path| path.with_file_name(GUEST_NAME));
        Self {
            env,
            uid,
            guest_beside: beside.filter(|path| path.is_file()),
            has_user_run: Path::new(&format!("/run/user/{uid}")).is_dir(),
            time_zone: jiff::tz::TimeZone::system().iana_name().map(str::to_owned),
        }
    }

    fn text(&self, name: &'static str) -> Option<String> {
        self.env.get(name).map(|value| value.to_string_lossy().into_owned())
    }

    fn path(&self, name: &'static str) -> Option<PathBuf> {
        self.env.get(name).map(PathBuf::from)
    }

    /// A path that must be absolute, as the XDG rules say; others are as if not set.
    fn absolute(&self, name: &'static str) -> Option<PathBuf> {
        self.path(name).filter(|path| path.is_absolute())
    }
}

/// The environment beats the file, and the file beats the defaults.
fn resolve(home: PathBuf, file: File, around: &Surroundings) -> Result<Config> {
    let run_dir = places::run_dir(&home, around)?;
    let log_format = match around.text("LAZARET_LOG_FORMAT") {
        Some(word) => LogFormat::parse(&word)?,
        None => file.log_format.unwrap_or_default(),
    };
    Ok(Config {
        run_dir,
        state_dir: places::state_dir(&home, around),
        scratch: around.absolute("TMPDIR").unwrap_or_else(|| PathBuf::from("/tmp")),
        engine: Places {
            docker_host: around
                .text("LAZARET_ENGINE")
                .or_else(|| around.text("DOCKER_HOST"))
                .or(file.engine),
            docker_config: around
                .path("DOCKER_CONFIG")
                .or_else(|| around.path("HOME").map(|home| home.join(".docker"))),
            docker_context: around.text("DOCKER_CONTEXT"),
            runtime_dir: around.absolute("XDG_RUNTIME_DIR"),
            home: around.path("HOME"),
        },
        guest: around
            .path("LAZARET_GUEST")
            .or_else(|| around.guest_beside.clone())
            .or_else(|| file.guest.map(|path| home.join(path))),
        image: file.image,
        idle_timeout: file.idle_timeout.unwrap_or(limits::IDLE_TIMEOUT),
        max_containers: file.max_containers.unwrap_or(limits::MAX_CONTAINERS),
        keep_days: file.keep.filter(|days| *days > 0),
        models: if file.models.is_empty() { Route::built_in() } else { file.models },
        keys: places::keys(around),
        log: around.text("LAZARET_LOG").or(file.log),
        log_format,
        time_zone: file
            .time_zone
            .or_else(|| around.time_zone.clone())
            .unwrap_or_else(|| "UTC".to_owned()),
        isolated: true,
        ephemeral: false,
        home,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(env: &[(&'static str, &str)]) -> Surroundings {
        let env = env.iter().map(|(name, value)| (*name, OsString::from(value))).collect();
        Surroundings { env, uid: 1000, ..Surroundings::default() }
    }

    fn resolved(toml: &str, env: &[(&'static str, &str)]) -> Config {
        let file = File::parse(toml).unwrap();
        resolve(PathBuf::from("/srv/home"), file, &around(env)).unwrap()
    }

    #[test]
    fn without_a_word_from_anyone_the_defaults_hold() {
        let config = resolved("", &[]);
        assert_eq!(config.idle_timeout, limits::IDLE_TIMEOUT);
        assert_eq!(config.engine, Places::default());
        assert_eq!((config.image, config.guest), (None, None));
        assert_eq!(config.time_zone, "UTC");
        assert!(config.isolated);
    }

    #[test]
    fn the_environment_beats_the_file() {
        let toml = "engine = 'unix:///file.sock'\nlog = 'warn'\nlog_format = 'json'";
        let env = [
            ("LAZARET_ENGINE", "unix:///ours.sock"),
            ("DOCKER_HOST", "unix:///docker.sock"),
            ("LAZARET_LOG", "debug"),
            ("LAZARET_LOG_FORMAT", "pretty"),
        ];
        let config = resolved(toml, &env);
        assert_eq!(config.engine.docker_host.as_deref(), Some("unix:///ours.sock"));
        assert_eq!(config.log.as_deref(), Some("debug"));
        assert_eq!(config.log_format, LogFormat::Pretty);
        assert_eq!(
            resolved(toml, &env[1..2]).engine.docker_host.as_deref(),
            Some("unix:///docker.sock")
        );
        assert_eq!(resolved(toml, &[]).engine.docker_host.as_deref(), Some("unix:///file.sock"));
    }

    #[test]
    fn the_guest_is_the_one_named_in_the_environment_then_beside_us_then_in_the_file() {
        let file = || File::parse("guest = 'bin/guest'").unwrap();
        let home = || PathBuf::from("/srv/home");
        let mut around = around(&[("LAZARET_GUEST", "/env/guest")]);
        around.guest_beside = Some(PathBuf::from("/beside/lazaret-guest"));
        let guest = |around: &Surroundings| resolve(home(), file(), around).unwrap().guest.unwrap();
        assert_eq!(guest(&around), Path::new("/env/guest"));
        around.env.clear();
        assert_eq!(guest(&around), Path::new("/beside/lazaret-guest"));
        around.guest_beside = None;
        assert_eq!(guest(&around), Path::new("/srv/home/bin/guest"));
    }
}
