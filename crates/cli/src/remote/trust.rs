//! Certificates: which are trusted, and why a server was not.

use std::error::Error;
use std::io;
use std::path::Path;

use reqwest::Certificate;
use rustls::CertificateError;

use crate::trouble::Trouble;

use super::unusable;

/// The certificates in a file.
pub(crate) fn certificates(path: &Path) -> Result<Vec<Certificate>, Trouble> {
    let name = path.display();
    let hint = "name a file with `-----BEGIN CERTIFICATE-----`: that of the authority, or of the server itself";
    let bytes = std::fs::read(path).map_err(|error| {
        unusable(
            "ca-file",
            &format!("`{name}` cannot be read: {error}"),
            hint,
        )
    })?;
    match Certificate::from_pem_bundle(&bytes) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(unusable(
            "ca-file",
            &format!("`{name}` holds no certificate"),
            hint,
        )),
        Err(error) => Err(unusable(
            "ca-file",
            &format!("`{name}` holds no certificate: {error}"),
            hint,
        )),
    }
}

/// Why a server did not answer: code, message, way out.
pub(crate) fn why(error: &reqwest::Error, url: &str) -> (&'static str, String, &'static str) {
    if let Some(refused) = certificate_error(error) {
        let (why, hint) = match refused {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
                "has expired".to_owned(),
                "whoever runs the server has to renew it; look at the clock of this machine as well",
            ),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
                "is not valid yet".to_owned(),
                "look at the clock of this machine",
            ),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                (
                    "is for another name".to_owned(),
                    "use the name that the certificate is for",
                )
            }
            CertificateError::UnknownIssuer => (
                "is not vouched for by anyone this machine trusts".to_owned(),
                "name the certificate of its authority with `--ca FILE`",
            ),
            other => (
                format!("is not trusted: {other}"),
                "name the certificate of its authority with `--ca FILE`",
            ),
        };
        return (
            "certificate",
            format!("the certificate of `{url}` {why}"),
            hint,
        );
    }
    let mut message = format!("`{url}` cannot be reached: {error}");
    if error.is_timeout() {
        message = format!("`{url}` did not answer in time");
    } else if let Some(cause) = causes(error).last() {
        message = format!("`{url}` cannot be reached: {cause}");
    }
    (
        "server-unreachable",
        message,
        "look whether the server runs, and whether address and port are right",
    )
}

fn causes<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}

/// What was wrong with the certificate, if that was it. An error of the system hides what it was made of from `source`.
fn certificate_error(error: &reqwest::Error) -> Option<CertificateError> {
    causes(error).find_map(|cause| {
        let of = |error: &rustls::Error| match error {
            rustls::Error::InvalidCertificate(why) => Some(why.clone()),
            _ => None,
        };
        let mut inner = cause.downcast_ref::<io::Error>();
        while let Some(io) = inner {
            let hidden = io.get_ref()?;
            if let Some(found) = hidden.downcast_ref::<rustls::Error>() {
                return of(found);
            }
            inner = hidden.downcast_ref::<io::Error>();
        }
        cause.downcast_ref::<rustls::Error>().and_then(of)
    })
}
