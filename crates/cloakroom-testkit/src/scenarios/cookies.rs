//! Many and long cookie headers.

use cloakroom::Store;

use super::browser::Browser;
use super::connection::Reply;
use super::server::ScenarioServer;
use crate::CookieSeen;

/// The browser's own cookie comes last, in a header of its own.
pub fn a_good_key_is_found_behind_any_other_cookies(server: ScenarioServer<impl Store>) {
    let visitor = server.visitor();
    let planted = format!("__Host-id={}", "A".repeat(43));
    let garbage = vec!["__Host-id=no-key"; 100].join("; ");
    let table: [(&[&[u8]], bool); 4] = [
        (&[planted.as_bytes()], false),
        (&[garbage.as_bytes(), b"theme=dark; __Host-id", planted.as_bytes()], false),
        // Not ASCII: a server may refuse such a request.
        (&[b"lang=\xC3\xA9; __Host-id=\xFF"], true),
        (&[b"__Host-id=\x80; theme=dark", planted.as_bytes()], true),
    ];
    for (headers, is_refusable) in table {
        let headers: Vec<(&str, &[u8])> = headers.iter().map(|value| ("cookie", *value)).collect();
        if let Some(reply) = accepted(&visitor, &headers, is_refusable) {
            assert_eq!((reply.body.as_str(), reply.seen()), ("1", CookieSeen::None), "{headers:?}");
        }
    }
}

/// Some clients send quotes around a cookie's value.
pub fn a_quoted_cookie_is_the_visitors_own(server: ScenarioServer<impl Store>) {
    let visitor = server.visitor();
    let quoted = format!("__Host-id=\"{}\"", visitor.key().expose());
    let reply = visitor.with_cookie("/count", quoted.as_bytes()).expect("a response");
    assert_eq!((reply.body.as_str(), reply.seen()), ("2", CookieSeen::None));
}

/// It is read to its end, or the server refuses such requests; the next request is served.
pub fn a_very_long_cookie_header_breaks_nothing(server: ScenarioServer<impl Store>) {
    let visitor = server.visitor();
    for long in [format!("__Host-id={}", "A".repeat(60_000)), vec!["__Host-id=x"; 5_000].join("; ")]
    {
        if let Some(reply) = accepted(&visitor, &[("cookie", long.as_bytes())], true) {
            assert_eq!((reply.body.as_str(), reply.seen()), ("1", CookieSeen::None));
        }
        assert_eq!(visitor.clone().get("/read").body, "1");
    }
}

/// The response to a request with the visitor's own cookie and these headers. `None` if the server
/// itself refused a request that it may refuse.
fn accepted(visitor: &Browser, headers: &[(&str, &[u8])], is_refusable: bool) -> Option<Reply> {
    let reply = visitor.clone().request("GET", "/read", headers);
    let was_refused =
        reply.as_ref().is_none_or(|reply| [400, 413, 431].contains(&reply.status.as_u16()));
    assert!(is_refusable || !was_refused, "{reply:?}");
    reply.filter(|_| !was_refused)
}
