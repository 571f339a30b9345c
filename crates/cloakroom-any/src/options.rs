//! What comes after the `?` of a URL.

use std::time::Duration;

use percent_encoding::percent_decode_str;

use crate::error::OpenError;

/// Options, of which each is taken once by whom it concerns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options(Vec<(String, String)>);

impl Options {
    /// The URL without its options, and they.
    pub(crate) fn split(url: &str) -> Result<(&str, Self), OpenError> {
        let Some((url, text)) = url.split_once('?') else { return Ok((url, Self::default())) };
        if text.contains('@') {
            // A password, most likely: nothing of it is repeated.
            return Err(OpenError::url(
                "an `@` stands after the first `?`: in names and passwords, `?` is `%3F` and `@` is `%40`",
            ));
        }
        let mut options: Vec<(String, String)> = Vec::new();
        for option in text.split('&').filter(|option| !option.is_empty()) {
            let Some((name, value)) = option.split_once('=') else {
                return Err(OpenError::url(format!(
                    "the option `{option}` has no value: write `{option}=..`"
                )));
            };
            if options.iter().any(|(known, _)| known == name) {
                return Err(OpenError::url(format!("the option `{name}` is there twice")));
            }
            let value = percent_decode_str(value).decode_utf8();
            let value =
                value.map_err(|_| OpenError::url(format!("the option `{name}` is not UTF-8")))?;
            options.push((name.to_owned(), value.into_owned()));
        }
        Ok((url, Self(options)))
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    /// A span such as `500ms` or `5s`, of a millisecond at least.
    pub(crate) fn take_span(&mut self, name: &str) -> Result<Option<Duration>, OpenError> {
        let Some(text) = self.take(name) else { return Ok(None) };
        let span =
            humantime::parse_duration(&text).ok().filter(|span| *span >= Duration::from_millis(1));
        let mistake = || {
            OpenError::url(format!(
                "`{name}={text}` is no span of time: write `{name}=5s` or `{name}=500ms`"
            ))
        };
        span.ok_or_else(mistake).map(Some)
    }

    /// What nobody took is a mistake; `known` is what could have been meant.
    pub(crate) fn end(self, known: &[&str]) -> Result<(), OpenError> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(OpenError::url(format!(
                "there is no option `{name}` here, but {}",
                known.join(", ")
            ))),
        }
    }

    /// What nobody took, as it was, for the driver.
    #[cfg(feature = "postgres")]
    pub(crate) fn rest(self) -> String {
        use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

        let pairs = self.0.iter().map(|(name, value)| {
            format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
        });
        let text: Vec<String> = pairs.collect();
        if text.is_empty() { String::new() } else { format!("?{}", text.join("&")) }
    }
}
