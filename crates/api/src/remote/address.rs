//! Where a server is, and with which token: looked at before anything is sent.

use reqwest::Url;

use super::RemoteError;

/// Where the server is. A token goes nowhere unencrypted.
///
/// # Errors
///
/// `wrong-address` if it is none, `tls-needed` if others could read along.
pub fn address(text: &str) -> Result<Url, RemoteError> {
    let wrong = |why: &str| {
        let message = format!("`{text}` is not the address of a server: {why}");
        let hint = "write it like `https://baton.example.com:8443`";
        RemoteError::new("wrong-address", message, hint)
    };
    let mut url = Url::parse(text.trim()).map_err(|error| wrong(&error.to_string()))?;
    let host = url.host_str().unwrap_or_default();
    if host.is_empty() || !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("it names a host, and no user"));
    }
    match url.scheme() {
        "https" => {}
        "http" if is_here(host) => {}
        "http" => {
            let message = format!("`{text}` is not encrypted: others could read the token");
            let hint = "use `https://`, or `http://` on this machine alone";
            return Err(RemoteError::new("tls-needed", message, hint));
        }
        _ => return Err(wrong("it begins with `https://`")),
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

/// Whether a host is this machine, whatever the network says.
pub(crate) fn is_here(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "localhost" | "[::1]")
}

/// A token, without the line break of its file.
///
/// # Errors
///
/// `no-token` if it cannot be one.
pub fn token(text: &str) -> Result<String, RemoteError> {
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|letter| letter.is_ascii_graphic()) {
        let hint = "set `BATON_TOKEN`, or name a file with `--token-file`; an administrator makes tokens with `baton users token NAME`";
        return Err(RemoteError::new("no-token", "a token is needed", hint));
    }
    Ok(token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_encrypted_or_of_this_machine() {
        for good in [
            "https://baton.example.com",
            " https://baton.example.com:8443/ ",
            "http://127.0.0.1:80",
            "http://localhost:1",
            "http://[::1]:1",
        ] {
            assert!(address(good).is_ok(), "{good}");
        }
        for (text, name) in [
            ("", "wrong-address"),
            ("nonsense", "wrong-address"),
            ("ftp://a", "wrong-address"),
            ("https://mia@a", "wrong-address"),
            ("https://mia:x@a", "wrong-address"),
            ("https://", "wrong-address"),
            ("http://example.com", "tls-needed"),
            ("http://127.0.0.1.example.com", "tls-needed"),
        ] {
            let error = address(text).unwrap_err();
            assert_eq!(error.name, Some(name), "{text}");
            assert!(error.error.hint.is_some(), "{text}");
        }
        let url = address("https://a/b?c=d#e").unwrap();
        assert_eq!(url.as_str(), "https://a/b");
    }

    #[test]
    fn a_token_is_one_word() {
        assert_eq!(token(" baton_x\n").unwrap(), "baton_x");
        for wrong in ["", " ", "a b", "ä", "a\nb"] {
            assert_eq!(token(wrong).unwrap_err().name, Some("no-token"), "{wrong}");
        }
    }
}
