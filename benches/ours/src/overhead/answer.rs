//! What a contender answers, and what it should answer: a broken server is fast.

use std::future::Future;
use std::pin::Pin;

use http::HeaderValue;

use super::case::{COOKIE_NAME, Case, cookies};
use super::contender::SetsCookie;
use crate::Failure;

/// A server that can be asked, in process or over a connection.
pub trait Ask {
    fn ask(&self, path: &'static str, cookies: Option<&HeaderValue>) -> Asking<'_>;
}

pub type Asking<'a> = Pin<Box<dyn Future<Output = Result<Answer, Failure>> + 'a>>;

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// The session cookie's new value, if the response sets one.
    pub key: Option<String>,
    /// Sorted lines, with the key replaced by `KEY`.
    pub headers: Vec<String>,
    pub body: String,
}

impl Answer {
    pub fn new<'a>(
        status: u16,
        headers: impl Iterator<Item = (&'a str, &'a [u8])>,
        body: &[u8],
    ) -> Result<Self, Failure> {
        let mut answer = Self { status, key: None, headers: Vec::new(), body: String::new() };
        answer.body = String::from_utf8(body.to_vec())?;
        for (name, value) in headers {
            let name = name.to_ascii_lowercase();
            let value = std::str::from_utf8(value)?;
            let pair = value.split(';').next().and_then(|pair| pair.split_once('='));
            // A contender can remove other cookies: `axum_session` does with every response.
            if let ("set-cookie", Some((COOKIE_NAME, key))) = (&*name, pair) {
                answer.key = Some(key).filter(|key| !key.is_empty()).map(str::to_owned);
            }
            answer.headers.push(format!("{name}: {value}"));
        }
        if let Some(key) = &answer.key {
            answer.headers.iter_mut().for_each(|line| *line = line.replace(key, "KEY"));
        }
        answer.headers.sort();
        Ok(answer)
    }

    fn expect(self, body: &str) -> Result<Self, Failure> {
        if self.status == 200 && self.body == body {
            return Ok(self);
        }
        Err(format!("{} `{}` instead of `{body}`", self.status, self.body).into())
    }
}

/// Begins a session; the `Cookie` header of its browser. Without sessions, one of the same length.
pub async fn begin(server: &dyn Ask, keeps: bool, number: usize) -> Result<HeaderValue, Failure> {
    if !keeps {
        return cookies(&format!("{number:0>43}"));
    }
    let answer = server.ask("/seed", None).await?.expect("")?;
    cookies(&answer.key.ok_or("`/seed` sets no cookie")?)
}

/// Fails unless the server answers every case as it should.
pub async fn verify(server: &dyn Ask, keeps: bool, sets: SetsCookie) -> Result<(), Failure> {
    for case in Case::ALL {
        let outcome = verify_case(server, case, keeps, sets).await;
        outcome.map_err(|wrong| format!("broken in `{case}`: {wrong}"))?;
    }
    Ok(())
}

async fn verify_case(
    server: &dyn Ask,
    case: Case,
    keeps: bool,
    sets: SetsCookie,
) -> Result<(), Failure> {
    let (browser, other) = (begin(server, keeps, 1).await?, begin(server, keeps, 2).await?);
    let bodies = match case {
        Case::Bot | Case::Anonymous | Case::Untouched => ["ignored", "ignored"],
        Case::Read => ["0", "0"],
        Case::ReadWrite if keeps => ["1", "2"],
        Case::ReadWrite | Case::New => ["1", "1"],
    };
    for body in bodies {
        let cookies_sent = case.cookies(&browser);
        let answer = server.ask(case.path(), cookies_sent.as_ref()).await?.expect(body)?;
        if answer.key.is_some() != sets.in_case(case) {
            return Err(format!("the cookie is {:?}", answer.key).into());
        }
        if let Some(key) = answer.key {
            let kept = if body == "ignored" { "0" } else { body };
            server.ask("/read", Some(&cookies(&key)?)).await?.expect(kept)?;
        }
    }
    if case == Case::ReadWrite && keeps {
        server.ask("/read", Some(&browser)).await?.expect("2")?;
        server.ask("/read", Some(&other)).await?.expect("0")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(set_cookie: &[&str]) -> Answer {
        let headers = set_cookie.iter().map(|value| ("Set-Cookie", value.as_bytes()));
        Answer::new(200, headers, b"body").unwrap()
    }

    #[test]
    fn the_key_is_the_new_value_of_the_session_cookie() {
        let found = answer(&["store=; Max-Age=0", "__Host-id=s%3Aabc; Path=/"]);
        assert_eq!(found.key.as_deref(), Some("s%3Aabc"));
        assert_eq!(found.headers[0], "set-cookie: __Host-id=KEY; Path=/");
        assert!(found.clone().expect("body").is_ok() && found.expect("other").is_err());
        assert_eq!(answer(&["__Host-id=; Max-Age=0"]).key, None);
    }
}
