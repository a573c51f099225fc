//! Asking Baton: as the owner of the data folder, or the one that owns it already, or another one elsewhere.

use std::path::{Path, PathBuf};

use baton_api::places::samples_dir;
use baton_api::remote::Remote;
use baton_api::runs::{RunGet, RunList, RunListed, RunView};
use baton_api::{ApiError, App, AppConfig, Code, Member};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::trouble::Trouble;

/// The database in a data folder.
pub(crate) const DATABASE: &str = "baton.db";

/// Whom to ask.
pub(crate) enum Session {
    /// Whoever owns the data folder: this process, or another one.
    Member(Member),
    /// Nobody: this process looks into the folder.
    Look(Box<App>),
    /// A Baton that serves elsewhere.
    Away(Box<Remote>),
}

impl Session {
    /// To change something: takes the data folder, or becomes a client of the Baton that has it.
    pub(crate) async fn open(data: Option<&Path>) -> Result<Self, Trouble> {
        Ok(Self::Member(Member::join(config(data)?).await?))
    }

    /// For what goes on with a run.
    pub(crate) fn member(&self) -> Result<&Member, ApiError> {
        match self {
            Self::Member(member) => Ok(member),
            Self::Look(_) | Self::Away(_) => Err(ApiError::new(
                Code::Store,
                "the data folder was opened for looking only",
            )),
        }
    }

    /// To look only: works beside whoever owns the folder, and changes nothing.
    pub(crate) async fn look(data: Option<&Path>) -> Result<Self, Trouble> {
        Ok(Self::Look(Box::new(Self::look_into(data).await?)))
    }

    /// As [`Session::look`], for what is no command.
    pub(crate) async fn look_into(data: Option<&Path>) -> Result<App, Trouble> {
        let config = AppConfig {
            read_only: true,
            ..config(data)?
        };
        if !config.data_dir.join(DATABASE).exists() {
            let message = format!("there are no runs in `{}` yet", config.data_dir.display());
            let hint = "run a workflow first, or name another folder with `--data`";
            return Err(ApiError::new(Code::NotFound, message).hint(hint).into());
        }
        Ok(App::open(config).await?)
    }

    /// Carries out a command.
    pub(crate) async fn call<Q: Serialize, A: DeserializeOwned>(
        &self,
        name: &str,
        request: &Q,
    ) -> Result<A, Trouble> {
        let app = match self {
            Self::Member(member) => return Ok(member.ask(name, request).await?),
            Self::Away(remote) => return Ok(remote.call(name, request).await?),
            Self::Look(app) => app,
        };
        let internal = |error: serde_json::Error| ApiError::new(Code::Internal, error.to_string());
        let request = serde_json::to_value(request).map_err(internal)?;
        Ok(serde_json::from_value(app.call(name, request).await?).map_err(internal)?)
    }

    /// The run that a person means by a number (`12`, `#12`), an id, or the beginning of an id.
    pub(crate) async fn find_run(&self, named: &str) -> Result<RunView, Trouble> {
        let named = named.trim_start_matches('#');
        if named.is_empty() {
            // Every id begins with nothing.
            return Err(ApiError::new(Code::NotFound, "a run is needed")
                .hint("name it by its number: `baton runs list` shows it")
                .into());
        }
        let id = match self.call("run_list", &search(named)).await {
            Ok(RunListed { runs, .. }) => {
                let by_number = runs.iter().find(|run| run.number.to_string() == named);
                let mut by_id = runs.iter().filter(|run| run.id.starts_with(named));
                match (by_number, by_id.next(), by_id.next()) {
                    (Some(run), ..) | (None, Some(run), None) => run.id.clone(),
                    (None, Some(_), Some(_)) => {
                        let message = format!("more than one run begins with `{named}`");
                        return Err(ApiError::new(Code::NotFound, message)
                            .hint("use its number: `baton runs list` shows it")
                            .into());
                    }
                    (None, None, _) => named.to_owned(),
                }
            }
            Err(error) => return Err(error),
        };
        self.call(
            "run_get",
            &RunGet {
                run: id,
                seq: None,
                bodies: None,
            },
        )
        .await
    }

    /// Gives the data folder back.
    pub(crate) async fn close(self) {
        match self {
            Self::Member(member) => member.shutdown().await,
            Self::Look(app) => app.shutdown().await,
            Self::Away(_) => {}
        }
    }
}

fn search(words: &str) -> RunList {
    RunList {
        search: Some(words.to_owned()),
        limit: Some(500),
        ..RunList::default()
    }
}

/// The usual configuration for the folder where the command was typed.
pub(crate) fn config(data: Option<&Path>) -> Result<AppConfig, Trouble> {
    let here = std::env::current_dir().map_err(Trouble::io("the current folder cannot be used"))?;
    Ok(AppConfig {
        data_dir: data_dir(data)?,
        samples_dir: samples_dir().unwrap_or_else(|| here.join("workflows")),
        workspace_dir: here,
        program: program(),
        ..AppConfig::default()
    })
}

/// What others that use the data folder read about this process: `baton run`, `baton serve` …
fn program() -> String {
    let command = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    format!("baton {}", command.unwrap_or_default())
        .trim_end()
        .to_owned()
}

/// The data folder.
pub(crate) fn data_dir(data: Option<&Path>) -> Result<PathBuf, Trouble> {
    let folder = data.map_or_else(baton_api::places::data_dir, Path::to_owned);
    crate::source::absolute(&folder)
}
