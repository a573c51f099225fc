//! The certificate of a server that others than this machine reach, and how a new one takes its place.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// The files of a certificate, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, followed by those that vouch for it.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file of the certificate holds none.
    #[error("`{}` holds no certificate in PEM form: {detail}", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
        /// What it holds.
        detail: String,
    },
    /// The file of the key holds none.
    #[error("`{}` holds no private key in PEM form: {detail}", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
        /// What it holds.
        detail: String,
    },
    /// Certificate and key do not belong together.
    #[error("the key in `{}` does not fit the certificate in `{}`", key.display(), cert.display())]
    Misfit {
        /// The file of the certificate.
        cert: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// The time of the certificate is over.
    #[error("the certificate in `{}` expired {}", path.display(), ago(*seconds))]
    Expired {
        /// The file.
        path: PathBuf,
        /// Since how many seconds.
        seconds: u64,
    },
    /// The time of the certificate has not come.
    #[error("the certificate in `{}` is not valid yet: it begins to be in {}", path.display(), span(*seconds))]
    NotYet {
        /// The file.
        path: PathBuf,
        /// In how many seconds.
        seconds: u64,
    },
    /// The library does not take it.
    #[error("the certificate in `{}` cannot be used: {detail}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        detail: String,
    },
}

impl TlsError {
    /// Stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "tls-unreadable",
            Self::NoCertificate { .. } => "tls-no-certificate",
            Self::NoKey { .. } => "tls-no-key",
            Self::Misfit { .. } => "tls-misfit",
            Self::Expired { .. } => "tls-expired",
            Self::NotYet { .. } => "tls-not-yet",
            Self::Unusable { .. } => "tls-unusable",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => {
                "let the account that Baton runs in read it, or name another file"
            }
            Self::NoCertificate { .. } => {
                "`--tls-cert` wants the certificate and the chain after it: `-----BEGIN CERTIFICATE-----`"
            }
            Self::NoKey { .. } => {
                "`--tls-key` wants the private key without a passphrase: `-----BEGIN PRIVATE KEY-----`"
            }
            Self::Misfit { .. } => "name the key that the certificate was made for",
            Self::Expired { .. } => {
                "renew it; a running server takes the new one as soon as it is there"
            }
            Self::NotYet { .. } => "look at the clock of this machine, or wait",
            Self::Unusable { .. } => "let your certificate authority issue another one",
        }
    }
}

fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn ago(seconds: u64) -> String {
    format!("{} ago", span(seconds))
}

/// A certificate in use.
#[derive(Debug)]
pub(crate) struct Tls {
    files: TlsFiles,
    current: RwLock<Arc<ServerConfig>>,
    /// What the files looked like when they were last tried.
    tried: Mutex<Looks>,
}

/// Size and time of change of both files; `None`: not there.
type Looks = [Option<(u64, Option<SystemTime>)>; 2];

impl Tls {
    /// Reads the files.
    pub(crate) fn open(files: TlsFiles, hosts: &[String]) -> Result<Self, TlsError> {
        let tried = looks(&files);
        let config = read(&files, SystemTime::now(), hosts)?;
        Ok(Self {
            files,
            current: RwLock::new(Arc::new(config)),
            tried: Mutex::new(tried),
        })
    }

    /// What the next connection gets.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes what the files hold now; the old certificate stays in use if that is no good.
    pub(crate) fn reload(&self, hosts: &[String]) -> Result<(), TlsError> {
        let looks = looks(&self.files);
        *self.tried.lock().unwrap_or_else(PoisonError::into_inner) = looks;
        let config = read(&self.files, SystemTime::now(), hosts)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        Ok(())
    }

    /// Whether the files were changed since they were last tried.
    pub(crate) fn has_changed(&self) -> bool {
        let tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        *tried != looks(&self.files)
    }
}

fn looks(files: &TlsFiles) -> Looks {
    [&files.cert, &files.key].map(|path| {
        let about = std::fs::metadata(path).ok()?;
        Some((about.len(), about.modified().ok()))
    })
}

fn read(files: &TlsFiles, now: SystemTime, hosts: &[String]) -> Result<ServerConfig, TlsError> {
    let TlsFiles { cert, key } = files;
    let chain = chain(cert)?;
    let key_bytes = bytes(key)?;
    let private = PrivateKeyDer::from_pem_slice(&key_bytes).map_err(|error| TlsError::NoKey {
        path: key.clone(),
        detail: error.to_string(),
    })?;
    let Some(own) = chain.first() else {
        return Err(TlsError::NoCertificate {
            path: cert.clone(),
            detail: "it is empty".to_owned(),
        });
    };
    check_time(cert, own, now)?;
    tell_about_names(cert, own, hosts);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let unusable = |error: rustls::Error| match error {
        rustls::Error::InconsistentKeys(_) => TlsError::Misfit {
            cert: cert.clone(),
            key: key.clone(),
        },
        error => TlsError::Unusable {
            path: cert.clone(),
            detail: error.to_string(),
        },
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn bytes(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Unreadable {
        path: path.to_path_buf(),
        source,
    })
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = bytes(path)?;
    let none = |detail: String| TlsError::NoCertificate {
        path: path.to_path_buf(),
        detail,
    };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| none(error.to_string()))?;
    if chain.is_empty() {
        return Err(none("there is none in it".to_owned()));
    }
    Ok(chain)
}

fn check_time(path: &Path, own: &CertificateDer<'_>, now: SystemTime) -> Result<(), TlsError> {
    let certificate = Certificate::from_der(own).map_err(|error| TlsError::NoCertificate {
        path: path.to_path_buf(),
        detail: error.to_string(),
    })?;
    let validity = certificate.tbs_certificate.validity;
    let now = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (begins, ends) = (
        validity.not_before.to_unix_duration(),
        validity.not_after.to_unix_duration(),
    );
    let path = path.to_path_buf();
    if now > ends {
        let seconds = (now - ends).as_secs();
        return Err(TlsError::Expired { path, seconds });
    }
    if now < begins {
        let seconds = (begins - now).as_secs();
        return Err(TlsError::NotYet { path, seconds });
    }
    let left = ends - now;
    if left < Duration::from_secs(14 * 86_400) {
        tracing::warn!(path = %path.display(), "the certificate expires in {}", span(left.as_secs()));
    }
    Ok(())
}

/// A certificate for other names works for nobody who checks it: said, but a name may be known to a proxy alone.
fn tell_about_names(path: &Path, own: &CertificateDer<'_>, hosts: &[String]) {
    let Ok(parsed) = rustls::server::ParsedCertificate::try_from(own) else {
        return;
    };
    for host in hosts {
        let name = host
            .rsplit_once(':')
            .map_or(host.as_str(), |(name, _)| name);
        let fits = ServerName::try_from(name.trim_matches(['[', ']']))
            .is_ok_and(|name| rustls::client::verify_server_name(&parsed, &name).is_ok());
        if !fits {
            tracing::warn!(path = %path.display(), host, "the certificate is not for this name");
        }
    }
}
