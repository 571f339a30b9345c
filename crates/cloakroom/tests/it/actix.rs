//! What is specific to actix-web; the scenarios that run on every framework are elsewhere.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::{Next, from_fn};
use actix_web::test::{TestRequest, init_service, read_body, try_call_service};
use actix_web::{App, Error as ActixError, HttpRequest, error, guard, web};
use cloakroom::http::{AddressRule, ClientPolicy, SiteData};
use cloakroom::store::Page;
use cloakroom::{
    Error, ErrorKind, MemoryStore, Principal, RequestSession, Session, SessionExt, SessionKind,
    SessionMiddleware, Sessions,
};
use cloakroom_testkit::{Fault, FaultyStore, Operation, SpyStore};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Visitor {
    visits: u64,
}

struct Admin;
impl SessionKind for Admin {
    const NAME: &'static str = "admin";
}

async fn count(mut session: Session<Visitor>) -> Result<String, Error> {
    let visits = session.update(|visitor| {
        visitor.visits += 1;
        visitor.visits
    });
    Ok(visits.await?.to_string())
}

async fn login(mut session: Session<Visitor>) -> Result<&'static str, Error> {
    session.login(&alice()).await?;
    Ok("welcome")
}

fn alice() -> Principal {
    Principal::new("alice").expect("a valid name")
}

fn get(path: &str, cookie: &str) -> TestRequest {
    TestRequest::get().uri(path).insert_header(("cookie", cookie))
}

/// The `name=value` of the cookie that a response sets.
fn cookie<B>(response: &ServiceResponse<B>) -> String {
    let set = response.headers().get("set-cookie").expect("a cookie").to_str().expect("ASCII");
    set.split(';').next().expect("a pair").to_owned()
}

fn header<'a>(headers: &'a actix_web::http::header::HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
}

async fn text<B: MessageBody>(response: ServiceResponse<B>) -> String {
    String::from_utf8(read_body(response).await.to_vec()).expect("UTF-8")
}

#[actix_web::test]
async fn a_visitor_is_counted_and_a_route_that_ignores_the_session_costs_nothing() {
    let spy = SpyStore::new(MemoryStore::new());
    let sessions: Sessions<Visitor> = Sessions::new(spy.clone()).unwrap();
    let app = App::new()
        .wrap(SessionMiddleware::new(sessions))
        .route("/count", web::get().to(count))
        .route("/ignore", web::get().to(async || "no session here"));
    let app = init_service(app).await;
    let first = app.call(get("/count", "").to_request()).await.unwrap();
    let key = cookie(&first);
    assert_eq!(text(first).await, "1");
    assert_eq!(text(app.call(get("/count", &key).to_request()).await.unwrap()).await, "2");
    spy.reset();
    let response = app.call(get("/ignore", &key).to_request()).await.unwrap();
    assert_eq!((spy.calls().total(), response.headers().len()), (0, 1), "content-type alone");
}

#[actix_web::test]
async fn a_guard_sees_who_is_signed_in_if_sessions_are_opened_before_routing() {
    let faulty = FaultyStore::new(MemoryStore::new());
    let sessions: Sessions<Visitor> = Sessions::new(faulty.clone()).unwrap();
    let signed_in = guard::fn_guard(|request| {
        let session =
            request.req_data().get::<RequestSession<Visitor>>().and_then(RequestSession::opened);
        session.is_some_and(|session| session.principal().is_some())
    });
    let app = App::new()
        .wrap(SessionMiddleware::new(sessions).before_routing())
        .route("/login", web::get().to(login))
        .service(
            web::scope("/account").guard(signed_in).route("", web::get().to(async || "yours")),
        );
    let app = init_service(app).await;
    let anonymous = app.call(get("/account", "").to_request()).await.unwrap();
    assert_eq!(
        (anonymous.status(), header(anonymous.headers(), "vary")),
        (StatusCode::NOT_FOUND, "cookie, sec-fetch-site")
    );
    let key = cookie(&app.call(get("/login", "").to_request()).await.unwrap());
    assert_eq!(text(app.call(get("/account", &key).to_request()).await.unwrap()).await, "yours");
    // The session cannot be read, so the guard must not decide.
    faulty.fail_on(Operation::Get, Fault::NotSent);
    let error = try_call_service(&app, get("/account", &key).to_request()).await.unwrap_err();
    let response = error.error_response();
    assert_eq!(
        (response.status(), header(response.headers(), "retry-after")),
        (StatusCode::SERVICE_UNAVAILABLE, "5")
    );
}

#[actix_web::test]
async fn a_sign_in_reaches_the_client_although_other_middleware_fails_after_it() {
    async fn fail_afterwards(
        request: ServiceRequest,
        next: Next<BoxBody>,
    ) -> Result<ServiceResponse<BoxBody>, ActixError> {
        next.call(request).await?;
        Err(error::ErrorBadGateway("a failure after the handler"))
    }
    let sessions: Sessions<Visitor> = Sessions::new(MemoryStore::new()).unwrap();
    let app = App::new()
        .wrap(from_fn(fail_afterwards))
        .wrap(SessionMiddleware::new(sessions))
        .route("/login", web::get().to(login));
    let error = try_call_service(&init_service(app).await, get("/login", "").to_request())
        .await
        .unwrap_err();
    for _ in 0..2 {
        let response = error.error_response();
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
        assert_eq!(response.headers().get_all("set-cookie").count(), 1);
        assert_eq!(header(response.headers(), "cache-control"), "no-store");
    }
}

#[actix_web::test]
async fn other_middleware_and_the_handler_share_one_session() {
    async fn greet(
        mut session: Session<Visitor>,
        request: ServiceRequest,
        next: Next<BoxBody>,
    ) -> Result<ServiceResponse<BoxBody>, ActixError> {
        session.update(|visitor| visitor.visits += 100).await?;
        next.call(request).await
    }
    let spy = SpyStore::new(MemoryStore::new());
    let sessions: Sessions<Visitor> = Sessions::new(spy.clone()).unwrap();
    let app = App::new().service(
        web::scope("/shop")
            .wrap(from_fn(greet))
            .wrap(SessionMiddleware::new(sessions))
            .route("/count", web::get().to(count)),
    );
    let app = init_service(app).await;
    let key = cookie(&app.call(get("/shop/count", "").to_request()).await.unwrap());
    spy.reset();
    assert_eq!(text(app.call(get("/shop/count", &key).to_request()).await.unwrap()).await, "202");
    assert_eq!((spy.calls().get, spy.calls().replace), (1, 2));
}

#[actix_web::test]
async fn a_request_and_its_response_lead_to_the_session_that_the_handler_has() {
    async fn greet(
        request: ServiceRequest,
        next: Next<BoxBody>,
    ) -> Result<ServiceResponse<BoxBody>, ActixError> {
        let request_session: RequestSession<Visitor> = request.request_session()?;
        assert!(request_session.opened().is_none(), "nothing has asked the store");
        let mut session: Session<Visitor> = request.session().await?;
        session.update(|visitor| visitor.visits += 100).await?;
        let mut response = next.call(request).await?;
        let session: Session<Visitor> = response.session().await?;
        let visits = session.value().visits.into();
        response.headers_mut().insert("x-visits".parse().expect("a name"), visits);
        Ok(response)
    }
    async fn count(request: HttpRequest) -> Result<String, Error> {
        let mut session: Session<Visitor> = request.session().await?;
        session.update(|visitor| visitor.visits += 1).await?;
        Ok(session.value().visits.to_string())
    }
    let spy = SpyStore::new(MemoryStore::new());
    let sessions: Sessions<Visitor> = Sessions::new(spy.clone()).unwrap();
    let app = App::new()
        .wrap(from_fn(greet))
        .wrap(SessionMiddleware::new(sessions))
        .route("/count", web::get().to(count));
    let app = init_service(app).await;
    let key = cookie(&app.call(get("/count", "").to_request()).await.unwrap());
    spy.reset();
    let response = app.call(get("/count", &key).to_request()).await.unwrap();
    assert_eq!(header(response.headers(), "x-visits"), "202");
    assert_eq!(text(response).await, "202");
    assert_eq!((spy.calls().get, spy.calls().replace), (1, 2));
}

#[actix_web::test]
async fn a_request_without_the_middleware_or_of_another_kind_has_no_session() {
    async fn of_admin(request: HttpRequest) -> Result<String, Error> {
        let _session: Session<Visitor, Admin> = request.session().await?;
        Ok(String::new())
    }
    let sessions: Sessions<Visitor> = Sessions::new(MemoryStore::new()).unwrap();
    let app = App::new().service(web::resource("/bare").route(web::get().to(of_admin))).service(
        web::resource("/visitor")
            .wrap(SessionMiddleware::new(sessions))
            .route(web::get().to(of_admin)),
    );
    let app = init_service(app).await;
    for path in ["/bare", "/visitor"] {
        let response = app.call(get(path, "").to_request()).await.unwrap();
        let error = response.response().error().and_then(|error| error.as_error::<Error>());
        assert_eq!(error.map(Error::kind), Some(ErrorKind::NoLayer));
    }
}

#[actix_web::test]
async fn an_outage_is_a_503_whose_error_middleware_sees_and_a_client_does_not() {
    let faulty = FaultyStore::new(MemoryStore::new());
    let sessions: Sessions<Visitor> = Sessions::new(faulty.clone()).unwrap();
    let app =
        App::new().wrap(SessionMiddleware::new(sessions)).route("/count", web::get().to(count));
    let app = init_service(app).await;
    let key = cookie(&app.call(get("/count", "").to_request()).await.unwrap());
    faulty.fail_on(Operation::Get, Fault::NotSent);
    let response = app.call(get("/count", &key).to_request()).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(!response.headers().contains_key("set-cookie"));
    let error = response.response().error().and_then(|error| error.as_error::<Error>());
    assert_eq!(error.map(Error::kind), Some(ErrorKind::Unavailable));
    assert_eq!(text(response).await, "");
}

/// A rule of actix-web for `Option<T>`, which the documentation of the integration points out.
#[actix_web::test]
async fn an_optional_session_is_none_for_actix_when_the_store_is_down() {
    let faulty = FaultyStore::new(MemoryStore::new());
    let sessions: Sessions<Visitor> = Sessions::new(faulty.clone()).unwrap();
    let app = App::new().wrap(SessionMiddleware::new(sessions)).route(
        "/",
        web::get().to(async |session: Option<Session<Visitor>>| session.is_some().to_string()),
    );
    let app = init_service(app).await;
    assert_eq!(
        text(app.call(get("/", "").to_request()).await.unwrap()).await,
        "true",
        "a session handle without a session"
    );
    faulty.fail_all(Some(Fault::NotSent));
    let key = format!("__Host-id={}", "A".repeat(43));
    assert_eq!(text(app.call(get("/", &key).to_request()).await.unwrap()).await, "false");
}

/// The outer middleware must not remove the cookie that a sign-in inside has set.
#[actix_web::test]
async fn the_same_middleware_twice_opens_one_session() {
    let spy = SpyStore::new(MemoryStore::new());
    let sessions: Sessions<Visitor> = Sessions::new(spy.clone()).unwrap();
    let scope = web::scope("/in")
        .wrap(SessionMiddleware::new(sessions.clone()))
        .route("", web::get().to(login));
    let app = App::new().wrap(SessionMiddleware::new(sessions).before_routing()).service(scope);
    let app = init_service(app).await;
    let stale = format!("__Host-id={}", "A".repeat(43));
    let request = get("/in", &stale).insert_header(("sec-fetch-mode", "navigate")).to_request();
    let response = app.call(request).await.unwrap();
    assert!(!cookie(&response).ends_with('='), "the cookie was removed");
    assert_eq!((spy.calls().get, response.headers().get_all("set-cookie").count()), (1, 1));
}

#[actix_web::test]
async fn a_missing_middleware_is_a_500_that_only_a_debug_build_explains() {
    let app = init_service(App::new().route("/count", web::get().to(count))).await;
    let response = app.call(get("/count", "").to_request()).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(text(response).await.is_empty(), !cfg!(debug_assertions));
}

#[actix_web::test]
async fn two_values_under_one_cookie_are_an_error_that_names_both() {
    #[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
    struct Preferences {
        theme: String,
    }

    async fn theme(mut session: Session<Preferences>) -> Result<&'static str, Error> {
        session.update(|preferences| preferences.theme.push('x')).await?;
        Ok("changed")
    }

    let visitors: Sessions<Visitor> = Sessions::new(MemoryStore::new()).unwrap();
    let preferences: Sessions<Preferences> = Sessions::new(MemoryStore::new()).unwrap();
    // The last one that is wrapped around the others is the outer one.
    let app = App::new()
        .wrap(SessionMiddleware::new(preferences))
        .wrap(SessionMiddleware::new(visitors))
        .route("/count", web::get().to(count))
        .route("/theme", web::get().to(theme));
    let app = init_service(app).await;
    let response = app.call(get("/theme", "").to_request()).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let error = response.response().error().unwrap().as_error::<Error>().unwrap();
    let message = error.to_string();
    assert!(message.contains("Visitor") && message.contains("Preferences"), "{message}");
    let response = app.call(get("/count", "").to_request()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[actix_web::test]
async fn two_kinds_of_session_coexist_and_the_peer_address_is_known() {
    let store = std::sync::Arc::new(MemoryStore::new());
    let visitors: Sessions<Visitor> = Sessions::new(store.clone()).unwrap();
    let policy = ClientPolicy::user_agents().with_addresses(AddressRule::direct());
    let admins: Sessions<Visitor, Admin> =
        Sessions::builder(store).clients(policy).build().unwrap();
    let app = App::new()
        .wrap(SessionMiddleware::new(visitors))
        .wrap(SessionMiddleware::new(admins.clone()))
        .route(
            "/both",
            web::get().to(
                async |mut visitor: Session<Visitor>, mut admin: Session<Visitor, Admin>| {
                    visitor.update(|visitor| visitor.visits += 1).await?;
                    admin.login(&alice()).await?;
                    Ok::<_, Error>("")
                },
            ),
        );
    let app = init_service(app).await;
    let peer = "192.0.2.7:4711".parse().unwrap();
    let response = app.call(get("/both", "").peer_addr(peer).to_request()).await.unwrap();
    let names: Vec<_> = response
        .headers()
        .get_all("set-cookie")
        .map(|set| set.to_str().unwrap().split('=').next().unwrap())
        .collect();
    assert_eq!(names, ["__Host-id", "__Host-id-admin"]);
    let vary: Vec<_> = response.headers().get_all("vary").collect();
    assert_eq!(vary, ["cookie, sec-fetch-site"], "each once, for both kinds");
    let listed = admins.list(&alice(), Page::first(9)).await.unwrap();
    assert_eq!(listed[0].client().address(), Some(peer.ip()));
}

#[actix_web::test]
async fn debug_of_a_requests_headers_shows_no_key() {
    let sessions: Sessions<Visitor> = Sessions::new(MemoryStore::new()).unwrap();
    let show = async |request: HttpRequest| format!("{:?}", request.headers());
    let app = App::new().wrap(SessionMiddleware::new(sessions)).route("/", web::get().to(show));
    let app = init_service(app).await;
    let request = get("/", "__Host-id=KEY")
        .append_header(("cookie", "theme=KEY"))
        .append_header(("authorization", "Bearer KEY"))
        .append_header(("accept", "text/html"));
    let response = app.call(request.to_request()).await.unwrap();
    let text = text(response).await;
    assert!(!text.contains("KEY") && text.contains("text/html"), "{text}");
}

#[actix_web::test]
async fn a_sign_out_clears_site_data_next_to_what_the_handler_clears() {
    let builder = Sessions::builder(MemoryStore::new()).clear_site_data(SiteData::Storage);
    let sessions: Sessions<Visitor> = builder.build().unwrap();
    let sign_out = async |mut session: Session<Visitor>| {
        session.logout().await?;
        let mut response = actix_web::HttpResponse::Ok();
        Ok::<_, Error>(response.append_header(("clear-site-data", "\"prefetchCache\"")).finish())
    };
    let app = App::new()
        .wrap(SessionMiddleware::new(sessions))
        .route("/login", web::get().to(login))
        .route("/sign-out", web::get().to(sign_out));
    let app = init_service(app).await;
    let signed_in = app.call(get("/login", "").to_request()).await.unwrap();
    assert!(!signed_in.headers().contains_key("clear-site-data"));
    let response = app.call(get("/sign-out", &cookie(&signed_in)).to_request()).await.unwrap();
    let cleared: Vec<_> = response.headers().get_all("clear-site-data").collect();
    assert_eq!(cleared, ["\"prefetchCache\"", "\"storage\""]);
}

#[actix_web::test]
async fn a_response_with_a_key_lets_no_cache_store_it() {
    let sessions: Sessions<Visitor> = Sessions::new(MemoryStore::new()).unwrap();
    let cached = async |mut session: Session<Visitor>| {
        session.update(|visitor| visitor.visits += 1).await?;
        let mut response = actix_web::HttpResponse::Ok();
        response.append_header(("cache-control", "public"));
        response.append_header(("cdn-cache-control", "max-age=600"));
        response.append_header(("surrogate-control", "max-age=600"));
        response.append_header(("expires", "Fri, 31 Dec 9999 23:59:59 GMT"));
        Ok::<_, Error>(response.finish())
    };
    let app = App::new().wrap(SessionMiddleware::new(sessions)).route("/", web::get().to(cached));
    let app = init_service(app).await;
    let response = app.call(get("/", "").to_request()).await.unwrap();
    let mut names: Vec<_> =
        response.headers().keys().map(actix_web::http::header::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["cache-control", "set-cookie", "vary"]);
    assert_eq!(header(response.headers(), "cache-control"), "no-store");
}
