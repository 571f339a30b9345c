//! The options after the `?` of a URL.

use std::time::Duration;

use percent_encoding::percent_decode_str;

use crate::error::OpenError;

/// The options of a URL. Each store takes out those it knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options(Vec<(String, String)>);

impl Options {
    /// Splits a URL into the part before the `?` and its options.
    pub(crate) fn split(url: &str) -> Result<(&str, Self), OpenError> {
        let Some((url, query)) = url.split_once('?') else { return Ok((url, Self::default())) };
        if query.contains('@') {
            // Most likely a password with a `?`: the message must not repeat it.
            return Err(OpenError::url(
                "the URL has an `@` after the first `?`: \
                 write `%3F` for `?` and `%40` for `@` in user names and passwords",
            ));
        }
        let mut options: Vec<(String, String)> = Vec::new();
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let Some((name, value)) = option.split_once('=') else {
                return Err(OpenError::url(format!(
                    "the option `{option}` has no value: write `{option}=..`"
                )));
            };
            if options.iter().any(|(known, _)| known == name) {
                return Err(OpenError::url(format!("the option `{name}` is given twice")));
            }
            let value = percent_decode_str(value).decode_utf8().map_err(|_| {
                OpenError::url(format!("the value of the option `{name}` is not UTF-8"))
            })?;
            options.push((name.to_owned(), value.into_owned()));
        }
        Ok((url, Self(options)))
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let index = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(index).1)
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn add(&mut self, name: &str, value: String) {
        self.0.push((name.to_owned(), value));
    }

    /// Takes a duration such as `500ms` or `5s`; at least one millisecond.
    pub(crate) fn take_duration(&mut self, name: &str) -> Result<Option<Duration>, OpenError> {
        let Some(text) = self.take(name) else { return Ok(None) };
        let duration = humantime::parse_duration(&text)
            .ok()
            .filter(|duration| *duration >= Duration::from_millis(1));
        let invalid = || {
            OpenError::url(format!(
                "`{name}={text}` is not a duration: write `{name}=5s` or `{name}=500ms`"
            ))
        };
        duration.ok_or_else(invalid).map(Some)
    }

    /// Fails if an option is left; `known` lists the ones that exist.
    pub(crate) fn expect_empty(self, known: &[&str]) -> Result<(), OpenError> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(OpenError::url(format!(
                "unknown option `{name}`: this store has {}",
                known.join(", ")
            ))),
        }
    }

    /// The options that are left, as a query string for the driver.
    #[cfg(feature = "postgres")]
    pub(crate) fn into_query(self) -> String {
        use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

        let pairs = self.0.iter().map(|(name, value)| {
            format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
        });
        let query: Vec<String> = pairs.collect();
        if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) }
    }
}
