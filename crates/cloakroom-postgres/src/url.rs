//! The connection string.

use std::fmt;

use tokio_postgres::Config;

use crate::error::{PostgresError, PostgresErrorKind};

/// A URL or a `key=value` string, whose `Debug` output shows no password.
#[derive(Clone)]
pub(crate) struct Url(String);

impl Url {
    pub(crate) const fn new(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn parse(&self) -> Result<Config, PostgresError> {
        let hint = match self.option("sslmode") {
            // The certificate and the host name are always verified.
            Some("verify-full") => {
                let text = self.0.replacen("sslmode=verify-full", "sslmode=require", 1);
                return Self(text).parse();
            }
            Some(mode @ ("verify-ca" | "allow")) => Some(format!(
                "`sslmode={mode}` is not available: write `require` or `verify-full`, which both \
                 verify the certificate and the host name"
            )),
            _ => None,
        };
        if let Some(hint) = hint {
            return Err(PostgresError::caused(PostgresErrorKind::Url, "parse the URL", hint));
        }
        self.0.parse().map_err(|error| PostgresError::driver("parse the URL", error))
    }

    pub(crate) fn has_option(&self, name: &str) -> bool {
        self.option(name).is_some()
    }

    /// The value of an option, unless it is quoted or encoded.
    fn option(&self, name: &str) -> Option<&str> {
        let is_separator = |c: char| c == '?' || c == '&' || c.is_whitespace();
        self.0.split(is_separator).find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A password can be before the `@`, after the `?`, or anywhere in a `key=value` string.
        let shown = self.0.rsplit('@').next().unwrap_or_default();
        f.write_str("..@")?;
        f.write_str(shown.split('?').next().filter(|_| self.0.contains("://")).unwrap_or(".."))
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use tokio_postgres::config::SslMode;

    use super::*;

    #[test]
    fn full_verification_can_be_written_as_libpq_does_and_less_has_a_hint() {
        let parse = |text: &str| Url::new(text.to_owned()).parse();
        for text in ["postgres://u@h/d?a=b&sslmode=verify-full", "host=h sslmode=verify-full"] {
            let text = text.replace("a=b", "application_name=b");
            assert_eq!(parse(&text).unwrap().get_ssl_mode(), SslMode::Require, "{text}");
        }
        for mode in ["verify-ca", "allow"] {
            let error = parse(&format!("postgres://u@h/d?sslmode={mode}")).unwrap_err();
            assert_eq!(error.kind(), PostgresErrorKind::Url);
            assert!(error.source().unwrap().to_string().contains("`verify-full`"), "{error:?}");
        }
        assert!(!Url::new("postgres://u@sslmode=x/d".to_owned()).has_option("sslmode"));
    }
}
