//! Which targets are kept: in the settings of the data folder, without their secrets.

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::files;
use crate::remote;

use super::secrets::{Known, Secrets};
use super::{TargetLine, TargetPlace};

/// The setting that holds them.
const SETTING: &str = "targets";
/// The longest name, in characters.
const LONGEST: usize = 64;
/// So many are kept.
const MOST: usize = 100;

/// A target as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) place: TargetPlace,
}

/// All of them, by name.
pub(crate) async fn all(app: &App) -> Result<Vec<Kept>, ApiError> {
    let Some(kept) = app.store().setting(SETTING).await? else {
        return Ok(Vec::new());
    };
    serde_json::from_value(kept).map_err(|error| {
        let message = format!("the targets that are kept cannot be understood: {error}");
        ApiError::new(Code::Store, message)
            .hint("a newer Baton may have kept them: use that one, or remove them with it")
    })
}

/// The one with this id.
pub(crate) async fn find(app: &App, id: &str) -> Result<Kept, ApiError> {
    let mut kept = all(app).await?.into_iter();
    kept.find(|target| target.id == id).ok_or_else(|| none(id))
}

pub(crate) fn none(id: &str) -> ApiError {
    ApiError::new(Code::NotFound, format!("there is no target `{id}`"))
        .hint("`baton targets list` shows those that are kept")
}

/// Keeps them.
pub(crate) async fn put(app: &App, mut kept: Vec<Kept>) -> Result<(), ApiError> {
    kept.sort_by(|a, b| (a.name.to_lowercase(), &a.id).cmp(&(b.name.to_lowercase(), &b.id)));
    let value = serde_json::to_value(kept)
        .map_err(|error| ApiError::new(Code::Internal, error.to_string()))?;
    app.store().setting_put(SETTING, &value).await?;
    Ok(())
}

/// The secret that goes to the target, if one is kept.
pub(crate) fn secret(app: &App, target: &Kept) -> Result<Option<String>, ApiError> {
    let secrets = Secrets::open(&app.config().data_dir)?;
    match secrets.of(&target.id, &host(&target.place)) {
        Known::Secret(secret) => Ok(Some(secret)),
        Known::Elsewhere(_) | Known::None => Ok(None),
    }
}

/// As it is shown.
pub(crate) fn line(target: Kept, secrets: &Secrets) -> TargetLine {
    TargetLine {
        has_secret: secrets.has(&target.id, &host(&target.place)),
        id: target.id,
        name: target.name,
        place: target.place,
    }
}

/// Whom a secret for this place is for.
pub(crate) fn host(place: &TargetPlace) -> String {
    match place {
        TargetPlace::Server { url, .. } => match remote::address(url) {
            Ok(url) => url.origin().ascii_serialization(),
            Err(_) => url.clone(),
        },
        TargetPlace::Temporal { address, tls, .. } => {
            let scheme = if *tls { "temporal+tls" } else { "temporal" };
            format!("{scheme}://{}", address.to_ascii_lowercase())
        }
    }
}

/// A name that people can say and type.
pub(crate) fn checked_name(name: &str) -> Result<String, ApiError> {
    let name = name.trim();
    let wrong = |why: &str| {
        let message = format!("`{name}` cannot be the name of a target: {why}");
        ApiError::new(Code::BadRequest, message).hint(format!(
            "take a few words, at most {LONGEST} characters: `Production`"
        ))
    };
    if name.is_empty() {
        return Err(wrong("it is empty"));
    }
    if name.chars().count() > LONGEST {
        return Err(wrong("it is too long"));
    }
    if name.chars().any(char::is_control) {
        return Err(wrong("it holds characters that cannot be seen"));
    }
    if name.contains("://") {
        return Err(wrong("it looks like an address"));
    }
    Ok(name.to_owned())
}

/// Refuses one too many.
pub(crate) fn require_room(kept: &[Kept]) -> Result<(), ApiError> {
    if kept.len() < MOST {
        return Ok(());
    }
    let message = format!("{MOST} targets are kept, and no more can be");
    Err(ApiError::new(Code::Conflict, message).hint("remove one that is not used any more"))
}

/// An id for a new target, from its name: letters, digits and `-`.
pub(crate) fn new_id(name: &str, kept: &[Kept]) -> String {
    let mut id = String::new();
    for letter in name.to_lowercase().chars() {
        if letter.is_ascii_alphanumeric() {
            id.push(letter);
        } else if !id.is_empty() && !id.ends_with('-') {
            id.push('-');
        }
    }
    let id = id.trim_end_matches('-');
    let id = if id.is_empty() { "target" } else { id };
    let is_free = |id: &str| kept.iter().all(|target| target.id != id);
    if is_free(id) {
        return id.to_owned();
    }
    let numbered = (2..).map(|number: u32| format!("{id}-{number}"));
    numbered
        .into_iter()
        .find(|id| is_free(id))
        .unwrap_or_default()
}

/// A place that can be used: addresses whole, files absolute, nothing secret on an open line.
pub(crate) fn checked_place(app: &App, place: TargetPlace) -> Result<TargetPlace, ApiError> {
    let file = |path: Option<String>| -> Result<Option<String>, ApiError> {
        let path = path.filter(|path| !path.trim().is_empty());
        let whole = path.map(|path| files::resolve(app, &path)).transpose()?;
        Ok(whole.map(|path| path.display().to_string()))
    };
    Ok(match place {
        TargetPlace::Server { url, ca } => {
            let url = remote::address(&url).map_err(|wrong| *wrong.error)?;
            TargetPlace::Server {
                url: url.as_str().trim_end_matches('/').to_owned(),
                ca: file(ca)?,
            }
        }
        TargetPlace::Temporal {
            address,
            namespace,
            task_queue,
            blobs,
            keys,
            tls,
            tls_ca,
            tls_cert,
            tls_key,
        } => {
            let address = checked_address(&address)?;
            let (tls_cert, tls_key) = (file(tls_cert)?, file(tls_key)?);
            if tls_cert.is_some() != tls_key.is_some() {
                let message = "a certificate needs its key, and a key its certificate";
                return Err(ApiError::new(Code::BadRequest, message).hint("give both, or neither"));
            }
            let tls_ca = file(tls_ca)?;
            TargetPlace::Temporal {
                address,
                namespace: word("namespace", &namespace)?,
                task_queue: word("task queue", &task_queue)?,
                blobs: file(blobs)?,
                keys: file(keys)?,
                // Certificates mean encryption.
                tls: tls || tls_ca.is_some() || tls_cert.is_some(),
                tls_ca,
                tls_cert,
                tls_key,
            }
        }
    })
}

/// `HOST:PORT` of a cluster.
fn checked_address(text: &str) -> Result<String, ApiError> {
    let address = text.trim();
    let is_whole = address.rsplit_once(':').is_some_and(|(host, port)| {
        let is_letter = |letter: char| letter.is_ascii_graphic() && !"/@?#\\`'\"".contains(letter);
        !host.is_empty() && host.chars().all(is_letter) && port.parse::<u16>().is_ok()
    });
    if is_whole {
        return Ok(address.to_owned());
    }
    let message = format!("`{text}` is not the address of a cluster");
    Err(ApiError::new(Code::BadRequest, message).hint("write it as `HOST:PORT`: `localhost:7233`"))
}

/// A part of the address of a cluster.
fn word(what: &str, text: &str) -> Result<String, ApiError> {
    let text = text.trim();
    if !text.is_empty() && !text.contains(|letter: char| letter == '/' || letter.is_control()) {
        return Ok(text.to_owned());
    }
    let message = format!("`{text}` cannot be a {what}");
    Err(ApiError::new(Code::BadRequest, message)
        .hint(format!("give the {what} of the cluster, without `/`")))
}

/// The secret that was given, looked at: `None` if it is empty.
pub(crate) fn checked_secret(
    place: &TargetPlace,
    secret: &str,
) -> Result<Option<String>, ApiError> {
    let secret = secret.trim();
    match place {
        TargetPlace::Server { .. } => Ok(Some(given(secret, "the token of a user")?)),
        TargetPlace::Temporal { .. } if secret.is_empty() => Ok(None),
        TargetPlace::Temporal { address, tls, .. } => {
            let host = address.rsplit_once(':').map_or("", |(host, _)| host);
            if !tls && !remote::is_here(host) {
                let message = format!("`{address}` is not encrypted: others could read the key");
                return Err(ApiError::new(Code::BadRequest, message)
                    .hint("turn TLS on, or leave the key out on a network that you trust"));
            }
            Ok(Some(given(secret, "the key of the cluster")?))
        }
    }
}

fn given(secret: &str, what: &str) -> Result<String, ApiError> {
    remote::token(secret).map_err(|_| {
        ApiError::new(Code::BadRequest, format!("{what} is needed, on one line"))
            .hint("an administrator of the server makes tokens with `baton users token NAME`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(ids: &[&str]) -> Vec<Kept> {
        let place = TargetPlace::Server {
            url: "https://a".to_owned(),
            ca: None,
        };
        let kept = |id: &&str| Kept {
            id: (*id).to_owned(),
            name: (*id).to_owned(),
            place: place.clone(),
        };
        ids.iter().map(kept).collect()
    }

    #[test]
    fn an_id_is_made_of_the_name_and_no_two_are_equal() {
        assert_eq!(new_id("Production (EU)", &[]), "production-eu");
        assert_eq!(new_id("  ", &[]), "target");
        assert_eq!(new_id("東京", &kept(&["target"])), "target-2");
        assert_eq!(new_id("a", &kept(&["a", "a-2"])), "a-3");
    }

    #[test]
    fn names_are_words_for_people() {
        assert_eq!(checked_name(" Prod ").unwrap(), "Prod");
        for wrong in ["", "  ", "a\nb", "https://a", &"x".repeat(65)] {
            let error = checked_name(wrong).unwrap_err();
            assert_eq!(error.code, Code::BadRequest, "{wrong}");
            assert!(error.hint.is_some());
        }
    }

    #[test]
    fn a_secret_is_for_scheme_host_and_port() {
        let server = |url: &str| {
            host(&TargetPlace::Server {
                url: url.to_owned(),
                ca: None,
            })
        };
        assert_eq!(server("https://a"), server("https://A:443/x"));
        assert_ne!(server("https://a"), server("https://a:8443"));
        assert_ne!(server("https://localhost"), server("http://localhost"));
    }

    #[test]
    fn the_address_of_a_cluster_has_host_and_port() {
        for good in ["localhost:7233", "[::1]:7233", "a.b-c.example:1"] {
            assert!(checked_address(good).is_ok(), "{good}");
        }
        for wrong in [
            "",
            "localhost",
            ":1",
            "a:99999",
            "http://a:1",
            "a b:1",
            "a/b:1",
        ] {
            assert!(checked_address(wrong).is_err(), "{wrong}");
        }
    }
}
