//! Certificates: which are trusted, until when, and why a server was not.

use std::error::Error;
use std::io;
use std::path::Path;

use baton_core::Millis;
use reqwest::Certificate;
use rustls::CertificateError;
use x509_cert::der::Decode;

use super::RemoteError;

/// What to do when nobody answers.
pub(super) const LOOK: &str =
    "look whether the server runs, and whether address and port are right";

/// The certificates in a file.
pub(super) fn certificates(path: &Path) -> Result<Vec<Certificate>, RemoteError> {
    let name = path.display();
    let unusable = |message: String| {
        let hint = "name a file with `-----BEGIN CERTIFICATE-----`: that of the authority, or of the server itself";
        RemoteError::new("ca-file", message, hint)
    };
    let bytes = std::fs::read(path)
        .map_err(|error| unusable(format!("`{name}` cannot be read: {error}")))?;
    match Certificate::from_pem_bundle(&bytes) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(unusable(format!("`{name}` holds no certificate"))),
        Err(error) => Err(unusable(format!("`{name}` holds no certificate: {error}"))),
    }
}

/// Until when a certificate is good.
pub(super) fn until(der: &[u8]) -> Option<Millis> {
    let certificate = x509_cert::Certificate::from_der(der).ok()?;
    let until = certificate.tbs_certificate.validity.not_after;
    i64::try_from(until.to_unix_duration().as_millis()).ok()
}

/// Why a server did not answer: exact name, message, way out.
pub(super) fn why(error: &reqwest::Error, url: &str) -> (&'static str, String, &'static str) {
    if let Some(refused) = certificate_error(error) {
        let unknown = "name the certificate of its authority with `--ca FILE`";
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
                unknown,
            ),
            other => (format!("is not trusted: {other}"), unknown),
        };
        let message = format!("the certificate of `{url}` {why}");
        return ("certificate", message, hint);
    }
    let message = if error.is_timeout() {
        format!("`{url}` did not answer in time")
    } else {
        match causes(error).last() {
            Some(cause) => format!("`{url}` cannot be reached: {cause}"),
            None => format!("`{url}` cannot be reached: {error}"),
        }
    };
    ("server-unreachable", message, LOOK)
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
