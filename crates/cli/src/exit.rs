//! How the program ends: a promise to whoever scripts against it.

/// What `--help` says about exit codes.
pub(crate) const HELP: &str = "\
Exit codes:
  0    it went well: the run succeeded, no errors were found, the log is whole
  1    it did not: the run failed, errors were found, the log is damaged, the command was refused
  2    it could not begin: unusable input, a wrong argument, a data folder that cannot be used
  3    the run was cancelled
  4    the run waits for a person or an event, or stands still because a budget is used up
  130  interrupted twice: the run is left as it is, and goes on with `baton resume`

Environment:
  BATON_ALLOW_ANY_FOLDER  1: also a data folder on a network or a synced one
  BATON_DATA_DIR     database and artifacts, if `--data` is not given
  BATON_SAMPLES_DIR  the sample workflows
  BATON_UI_DIR       the built user interface, for `baton serve`
  BATON_SAFE_MODE    `on`: take no run up by itself; `off`: never go into safe mode
  BATON_LOG          what to log on standard error: `warn`, `baton_engine=debug` …
  BATON_TOKEN        the token of a user, for a server that is named by its address
  BATON_TEMPORAL_API_KEY  the key of a Temporal cluster that is named by its address
  NO_COLOR           no colours";

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It went well.
    Success,
    /// The run failed, errors were found, the command was refused.
    Failure,
    /// It could not begin.
    Unusable,
    /// The run was cancelled.
    Cancelled,
    /// The run waits for a person or an event.
    Waiting,
    /// Interrupted twice.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Unusable => 2,
            Self::Cancelled => 3,
            Self::Waiting => 4,
            Self::Interrupted => 130,
        }
    }
}
