//! What a contender answers, and what it should: a broken server is fast.

use actix_web::dev::ServiceResponse;
use axum::response::Response;

use crate::Failure;
use crate::case::{COOKIE_NAME, Case, cookies};
use crate::contender::Contender;

/// A framework's response.
pub(crate) enum Answer {
    Axum(Response),
    Actix(Result<ServiceResponse, String>),
}

impl Answer {
    fn is_ok(&self) -> bool {
        match self {
            Self::Axum(response) => response.status() == http::StatusCode::OK,
            Self::Actix(response) => {
                response.as_ref().is_ok_and(|response| response.status().as_u16() == 200)
            }
        }
    }

    /// The session cookie's value, if one is set.
    pub(crate) fn key(&self) -> Result<Option<String>, Failure> {
        let headers: Vec<&[u8]> = match self {
            Self::Axum(response) => {
                response.headers().get_all("set-cookie").iter().map(http::HeaderValue::as_bytes).collect()
            }
            Self::Actix(response) => {
                let headers = response.as_ref().map_err(String::as_str)?.headers();
                headers.get_all("set-cookie").map(actix_http::header::HeaderValue::as_bytes).collect()
            }
        };
        for header in headers {
            let pair = std::str::from_utf8(header)?.split(';').next().unwrap_or_default();
            if let Some((COOKIE_NAME, value)) = pair.split_once('=') {
                return if value.is_empty() {
                    Err("a cookie is taken away".into())
                } else {
                    Ok(Some(value.into()))
                };
            }
        }
        Ok(None)
    }

    async fn body(self) -> Result<String, Failure> {
        let bytes = match self {
            Self::Axum(response) => axum::body::to_bytes(response.into_body(), 1024).await?,
            Self::Actix(response) => {
                let body = actix_web::body::to_bytes(response?.into_body()).await;
                body.map_err(|error| error.to_string())?
            }
        };
        Ok(String::from_utf8(bytes.to_vec())?)
    }
}

/// Fails unless `contender` answers `case` as it should.
pub(crate) async fn verify(contender: Contender, case: Case) -> Result<(), Failure> {
    let server = contender.server(4).await?;
    let stateless = contender == contender.bare();
    let counts = match case {
        Case::Bot | Case::Anonymous | Case::Untouched => ["ignored", "ignored"],
        Case::Read => ["0", "0"],
        Case::ReadWrite if !stateless => ["1", "2"],
        Case::ReadWrite | Case::New => ["1", "1"],
    };
    let read = async |cookies: &http::HeaderValue| {
        let answer = server.request_of(Case::Read, cookies).await;
        expect(answer.is_ok(), || "a read fails".into())?;
        answer.body().await
    };
    for count in counts {
        let answer = server.request(case, 1).await;
        expect(answer.is_ok(), || "it fails".into())?;
        let key = answer.key()?;
        expect(key.is_some() == contender.sends_cookie(case), || {
            format!("a cookie is set: {}", key.is_some())
        })?;
        let body = answer.body().await?;
        expect(body == count, || format!("body `{body}` instead of `{count}`"))?;
        if let Some(key) = key {
            let kept = read(&cookies(&key)?).await?;
            let after = if count == "ignored" { "0" } else { count };
            expect(kept == after, || format!("the session sent keeps `{kept}` instead of `{after}`"))?;
        }
    }
    if case == Case::ReadWrite && !stateless {
        for (browser, visits) in [(1, "2"), (2, "0")] {
            let kept = server.request(Case::Read, browser).await.body().await?;
            expect(kept == visits, || format!("session {browser} has `{kept}`"))?;
        }
    }
    Ok(())
}

fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(otherwise().into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime;
    use crate::server::Mount;

    /// All headers, the key in the cookie left out.
    async fn headers(contender: Contender, case: Case) -> Vec<String> {
        let server = contender.server(1).await.unwrap();
        let answer = server.request(case, 0).await;
        let key = answer.key().unwrap().unwrap_or_else(|| "no key".into());
        let Answer::Axum(response) = answer else { panic!("not of axum") };
        let headers = response.headers().iter();
        let mut lines: Vec<_> = headers
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()).replace(&key, "KEY"))
            .collect();
        lines.sort();
        lines
    }

    #[test]
    fn the_limit_answers_with_the_same_headers_as_cloakroom() {
        runtime().unwrap().block_on(async {
            for case in Case::ALL {
                let ours = headers(Contender::Cloakroom(Mount::Inner), case).await;
                assert_eq!(headers(Contender::Limit(Mount::Outer), case).await, ours, "{case}");
            }
        });
    }
}
