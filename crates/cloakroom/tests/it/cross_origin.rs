//! Requests that another origin started, refused without a session, a record or a token.

use std::sync::Arc;

use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::{Service, ServiceResponse};
use actix_web::test::{TestRequest, init_service, try_call_service};
use actix_web::{App, Error as ActixError, web};
use axum::response::IntoResponse as _;
use cloakroom::http::CrossOriginProtection;
use cloakroom::{Error, MemoryStore, Session, SessionMap, SessionMiddleware, Sessions, block_on};
use cloakroom_testkit::SpyStore;
use http::{HeaderMap, HeaderValue, Uri};
use http_body_util::BodyExt as _;

const FORM: &str = "<form method=post action=/transfer><button>Transfer</button></form>";

/// A page whose form is protected by headers.
async fn page(session: Session<SessionMap>) -> String {
    format!("{:?}{FORM}", session.principal())
}

/// A page whose form is protected by a token.
async fn page_with_token(mut session: Session<SessionMap>) -> Result<String, Error> {
    Ok(format!("{FORM}{}", session.csrf_token("transfer").await?))
}

async fn transfer(mut session: Session<SessionMap>) -> Result<&'static str, Error> {
    session.update(|map| map.insert("transferred", true)).await?.unwrap();
    Ok("done")
}

/// Status, whether the session's headers are there, and the body.
async fn answer<S, R, B>(app: &S, request: R) -> (u16, bool, String)
where
    S: Service<R, Response = ServiceResponse<B>, Error = ActixError>,
    B: MessageBody + 'static,
{
    let response = match try_call_service(app, request).await {
        Ok(response) => response.map_into_boxed_body().into_parts().1,
        Err(error) => error.error_response(),
    };
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = to_bytes(response.into_body()).await.ok().unwrap();
    (status, headers.contains_key("vary"), String::from_utf8(body.to_vec()).unwrap())
}

fn post(path: &str, site: &'static str) -> TestRequest {
    TestRequest::post().uri(path).insert_header(("sec-fetch-site", site))
}

#[actix_web::test]
async fn actix_web_refuses_a_foreign_form_before_the_session_is_opened() {
    let spy = SpyStore::new(MemoryStore::new());
    let sessions: Sessions<SessionMap> = Sessions::new(spy.clone()).unwrap();
    let session = sessions.generate(SessionMap::default()).await.unwrap();
    let cookie = format!("__Host-id={}", session.key().unwrap().expose());
    let protection = CrossOriginProtection::new()
        .trusted_origin("https://partner.example")
        .and_then(|it| it.exempt_path("/answer"))
        .unwrap();
    let app = App::new()
        .route("/transfer", web::post().to(transfer))
        .route("/answer", web::post().to(transfer))
        .wrap(SessionMiddleware::new(sessions))
        .wrap(protection);
    let app = init_service(app).await;
    let send = |path, site| post(path, site).insert_header(("cookie", cookie.clone()));

    spy.reset();
    for site in ["cross-site", "same-site"] {
        let (status, has_session_headers, body) =
            answer(&app, send("/transfer", site).to_request()).await;
        assert_eq!((status, has_session_headers), (403, false), "{site}");
        let message = format!(
            "cloakroom: another origin started `POST /transfer` (Sec-Fetch-Site `{site}`): if it \
             may, say `trusted_origin` for the origin or `exempt_path` for the path\n"
        );
        assert_eq!(body, if cfg!(debug_assertions) { message } else { String::new() });
    }
    assert!(spy.log().is_empty(), "{:?}", spy.log());

    let passes = [
        send("/transfer", "same-origin"),
        send("/transfer", "none"),
        send("/transfer", "cross-site").insert_header(("origin", "https://partner.example")),
        send("/answer", "cross-site"),
    ];
    for request in passes {
        assert_eq!(answer(&app, request.to_request()).await, (200, true, "done".into()));
    }
}

/// In a browser without `Sec-Fetch-Site`, over HTTP/1 and HTTP/2.
#[actix_web::test]
async fn actix_web_compares_the_origin_with_the_host() {
    let app = App::new()
        .route("/transfer", web::post().to(async || "done"))
        .wrap(CrossOriginProtection::new());
    let app = init_service(app).await;
    let from =
        |uri, origin: &'static str| TestRequest::post().uri(uri).insert_header(("origin", origin));
    for (host, expected) in [("https://shop.example", 200), ("https://evil.test", 403)] {
        let http2 = from("https://shop.example/transfer", host);
        assert_eq!(answer(&app, http2.to_request()).await.0, expected);
        let http1 = from("/transfer", host).insert_header(("host", "shop.example"));
        assert_eq!(answer(&app, http1.to_request()).await.0, expected);
    }
}

#[actix_web::test]
async fn a_thousand_robots_leave_no_record_on_pages_without_tokens() {
    let store = Arc::new(MemoryStore::new());
    let sessions: Sessions<SessionMap> = Sessions::new(Arc::clone(&store)).unwrap();
    let app = App::new()
        .route("/page", web::get().to(page))
        .route("/page-with-token", web::get().to(page_with_token))
        .route("/transfer", web::post().to(transfer))
        .wrap(SessionMiddleware::new(sessions))
        .wrap(CrossOriginProtection::new());
    let app = init_service(app).await;
    for _ in 0..500 {
        let (status, _, body) = answer(&app, TestRequest::get().uri("/page").to_request()).await;
        assert!(status == 200 && body.ends_with(FORM), "{body}");
        let refused = answer(&app, post("/transfer", "cross-site").to_request()).await;
        assert_eq!(refused.0, 403);
    }
    assert_eq!(store.len(), 0);

    // What it is compared with: a token belongs to a session, which has to exist.
    for _ in 0..10 {
        answer(&app, TestRequest::get().uri("/page-with-token").to_request()).await;
    }
    assert_eq!(store.len(), 10);
}

/// As in a server of one's own: one call before everything else.
#[test]
fn a_plain_server_answers_with_the_errors_status() {
    let protection = CrossOriginProtection::new();
    let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new()).unwrap();
    let serve = |site: &'static str| -> Result<HeaderMap, Error> {
        let mut request = HeaderMap::new();
        request.insert("sec-fetch-site", HeaderValue::from_static(site));
        protection.check("POST", &Uri::from_static("/transfer"), &request)?;
        let request_session = sessions.request_session().with_method("POST");
        let mut session = block_on(request_session.session(&request))?;
        block_on(session.update(|map| map.insert("transferred", true)))?.unwrap();
        let mut response = HeaderMap::new();
        request_session.finish(&mut response);
        Ok(response)
    };
    assert!(serve("same-origin").unwrap().contains_key("set-cookie"));
    let refused = serve("cross-site").unwrap_err();
    assert_eq!((refused.status().as_u16(), refused.header()), (403, None));
}

/// A handler of axum that checks the request itself.
#[tokio::test]
async fn an_error_response_explains_a_refusal_in_a_debug_build_only() {
    let request = [("sec-fetch-site", "cross-site")];
    let check = |uri| CrossOriginProtection::new().check("POST", &uri, &request);
    let response = check(Uri::from_static("/transfer")).unwrap_err().into_response();
    assert_eq!(response.status(), 403);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body.starts_with(b"cloakroom: another origin"), cfg!(debug_assertions));
}
