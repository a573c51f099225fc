//! Asking Baton: in this process, or at the server that owns the data folder already.

use std::path::{Path, PathBuf};

use baton_api::places::samples_dir;
use baton_api::runs::{RunGet, RunList, RunListed, RunView};
use baton_api::{ApiError, App, AppConfig, Code, dispatch};
use baton_server::Client;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::trouble::Trouble;

/// The database in a data folder.
pub(crate) const DATABASE: &str = "baton.db";

/// Whom to ask.
pub(crate) enum Session {
    /// This process owns the data folder, or looks into it.
    Own(Box<App>),
    /// A server owns it.
    Other(Client),
}

impl Session {
    /// To change something: takes the data folder, or asks the server that has it.
    pub(crate) async fn open(data: Option<&Path>) -> Result<Self, Trouble> {
        let config = config(data)?;
        let data_dir = config.data_dir.clone();
        match App::open(config).await {
            Ok(app) => Ok(Self::Own(Box::new(app))),
            Err(error) if error.code == Code::Store => match Client::find(&data_dir).await {
                Some(client) => Ok(Self::Other(client)),
                None => Err(error.into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// To look only: works beside whoever owns the folder, and changes nothing.
    pub(crate) async fn look(data: Option<&Path>) -> Result<Self, Trouble> {
        let config = AppConfig {
            read_only: true,
            ..config(data)?
        };
        if !config.data_dir.join(DATABASE).exists() {
            let message = format!("there are no runs in `{}` yet", config.data_dir.display());
            let hint = "run a workflow first, or name another folder with `--data`";
            return Err(ApiError::new(Code::NotFound, message).hint(hint).into());
        }
        Ok(Self::Own(Box::new(App::open(config).await?)))
    }

    /// Carries out a command.
    pub(crate) async fn call<Q: Serialize, A: DeserializeOwned>(
        &self,
        name: &str,
        request: &Q,
    ) -> Result<A, ApiError> {
        let internal = |error: serde_json::Error| ApiError::new(Code::Internal, error.to_string());
        let request = serde_json::to_value(request).map_err(internal)?;
        let answer = match self {
            Self::Own(app) => dispatch(app, name, request).await?,
            Self::Other(client) => client.call(name, &request).await?,
        };
        serde_json::from_value(answer).map_err(internal)
    }

    /// The run that a person means by a number (`12`, `#12`), an id, or the beginning of an id.
    pub(crate) async fn find_run(&self, named: &str) -> Result<RunView, ApiError> {
        let named = named.trim_start_matches('#');
        if named.is_empty() {
            // Every id begins with nothing.
            return Err(ApiError::new(Code::NotFound, "a run is needed")
                .hint("name it by its number: `baton runs list` shows it"));
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
                            .hint("use its number: `baton runs list` shows it"));
                    }
                    (None, None, _) => named.to_owned(),
                }
            }
            Err(error) => return Err(error),
        };
        self.call("run_get", &RunGet { run: id, seq: None }).await
    }

    /// Gives the data folder back.
    pub(crate) async fn close(self) {
        if let Self::Own(app) = self {
            app.shutdown().await;
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
        ..AppConfig::default()
    })
}

/// The data folder.
pub(crate) fn data_dir(data: Option<&Path>) -> Result<PathBuf, Trouble> {
    let folder = data.map_or_else(baton_api::places::data_dir, Path::to_owned);
    crate::source::absolute(&folder)
}
