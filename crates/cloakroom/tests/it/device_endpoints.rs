//! The endpoints of device binding, on each framework, and the policies that cannot be bound.

use std::time::Duration;

use actix_web::test::{TestRequest, init_service, read_body};
use actix_web::{App, web};
use axum::Router;
use axum::body::Body;
use axum::routing::post;
use cloakroom::device_binding::{DeviceBinding, DeviceEndpoint};
use cloakroom::http::{CookiePolicy, SameSite};
use cloakroom::{
    Error, MemoryStore, Principal, Session, SessionKind, SessionLayer, SessionMap,
    SessionMiddleware, Sessions, Transport,
};
use cloakroom_testkit::{DeviceBrowser, DeviceRequest, ManualClock};
use http::{HeaderMap, Request, Response, StatusCode};
use tower::ServiceExt as _;

const PAGE: &str = "https://shop.example/";
const LIFE: Duration = Duration::from_secs(10 * 60);

async fn sign_in(mut session: Session<SessionMap>) -> Result<&'static str, Error> {
    session.login(&Principal::new("alice").expect("a valid name")).await?;
    Ok("welcome")
}

async fn who(session: Session<SessionMap>) -> String {
    let device = session.device().map_or("no device", |_| "a device");
    format!("{:?} on {device}", session.principal().map(Principal::as_str))
}

fn sessions(clock: &ManualClock, policy: DeviceBinding) -> Sessions<SessionMap> {
    let builder = Sessions::builder(MemoryStore::new()).clock(clock.clone());
    builder.device_binding(policy).build().unwrap()
}

/// A browser signs in, registers, idles and refreshes, through the application's middleware.
async fn assert_binds(
    clock: ManualClock,
    paths: [&str; 2],
    send: impl AsyncFn(&str, &str, &HeaderMap) -> Response<String>,
) {
    let mut browser = DeviceBrowser::new().with_clock(clock.clone());
    let own = async |sent: &DeviceRequest| {
        let request = sent.request();
        send("POST", request.uri().path(), request.headers()).await
    };
    let page = async |browser: &DeviceBrowser, method: &str, path: &str| {
        let cookies = browser.client().cookies_for(PAGE).into_iter();
        let headers = cookies.map(|cookies| (http::header::COOKIE, cookies)).collect();
        send(method, path, &headers).await
    };
    let signed_in = page(&browser, "POST", "/login").await;
    assert_eq!(signed_in.body(), "welcome");
    let registration = browser.receive(PAGE, signed_in.headers()).remove(0);
    assert_eq!(registration.request().uri().path(), paths[0]);
    let answer = own(&registration).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.headers()["cross-origin-resource-policy"], "same-origin");
    browser.take_answer(registration, &answer);
    assert_eq!(page(&browser, "POST", "/who").await.body(), "Some(\"alice\") on a device");

    clock.advance(LIFE);
    let refresh = browser.refresh_if_due(PAGE).unwrap();
    assert_eq!(refresh.request().uri().path(), paths[1]);
    let answer = own(&refresh).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.headers().get_all("set-cookie").iter().count() > 0);
    browser.take_answer(refresh, &answer);
    assert_eq!(page(&browser, "POST", "/who").await.body(), "Some(\"alice\") on a device");

    for path in paths {
        let wrong = send("GET", path, &HeaderMap::new()).await;
        assert_eq!(
            (wrong.status(), &wrong.headers()["allow"]),
            (StatusCode::METHOD_NOT_ALLOWED, &http::HeaderValue::from_static("POST"))
        );
        let nothing = send("POST", path, &HeaderMap::new()).await;
        assert_eq!(nothing.status(), 400);
        let below = send("POST", &format!("{path}/x"), &HeaderMap::new()).await;
        assert_eq!(below.status(), 404, "other paths are the application's");
    }
}

const PATHS: [&str; 2] = ["/.cloakroom/device/register", "/.cloakroom/device/refresh"];

async fn assert_binds_on_axum(policy: DeviceBinding, paths: [&str; 2]) {
    let clock = ManualClock::new();
    let app = Router::new()
        .route("/login", post(sign_in))
        .route("/who", post(who))
        .layer(SessionLayer::new(sessions(&clock, policy)).serving_device_binding());
    assert_binds(clock, paths, async |method, path, headers| {
        let mut request = Request::builder().method(method).uri(path);
        *request.headers_mut().unwrap() = headers.clone();
        let request = request.body(Body::empty()).unwrap();
        let (parts, body) = app.clone().oneshot(request).await.unwrap().into_parts();
        let body = axum::body::to_bytes(body, 4_096).await.unwrap();
        Response::from_parts(parts, String::from_utf8(body.to_vec()).unwrap())
    })
    .await;
}

#[tokio::test]
async fn a_tower_layer_serves_the_endpoints() {
    assert_binds_on_axum(DeviceBinding::offer(), PATHS).await;
}

#[tokio::test]
async fn the_endpoints_are_where_the_policy_says() {
    let policy = DeviceBinding::offer().with_paths("/auth/bind", "/auth/prove");
    assert_binds_on_axum(policy, ["/auth/bind", "/auth/prove"]).await;
}

#[actix_web::test]
async fn an_actix_middleware_serves_the_endpoints() {
    let clock = ManualClock::new();
    let sessions = sessions(&clock, DeviceBinding::offer());
    let app = App::new()
        .wrap(SessionMiddleware::new(sessions).serving_device_binding())
        .route("/login", web::post().to(sign_in))
        .route("/who", web::post().to(who));
    let app = init_service(app).await;
    assert_binds(clock, PATHS, async |method, path, headers| {
        let mut request = TestRequest::with_uri(path).method(method.parse().unwrap());
        for (name, value) in headers {
            request = request.append_header((name.as_str(), value.as_bytes()));
        }
        let answer = actix_web::test::call_service(&app, request.to_request()).await;
        let mut response = Response::builder().status(answer.status().as_u16());
        for (name, value) in answer.headers() {
            response = response.header(name.as_str(), value.as_bytes());
        }
        let body = read_body(answer).await;
        response.body(String::from_utf8(body.to_vec()).unwrap()).unwrap()
    })
    .await;
}

struct Admin;

impl SessionKind for Admin {
    const NAME: &'static str = "admin";
}

struct BoundOnce;

impl SessionKind for BoundOnce {
    const NAME: &'static str = "admin-bound";
}

#[test]
fn each_kind_of_session_has_endpoints_and_a_cookie_of_its_own() {
    cloakroom::block_on(async {
        let binding = DeviceBinding::offer;
        let builder = Sessions::<SessionMap>::builder(MemoryStore::new());
        let shop = builder.device_binding(binding()).build().unwrap();
        let builder = Sessions::<SessionMap, Admin>::builder(MemoryStore::new());
        let admin = builder.device_binding(binding()).build().unwrap();
        let path = "/.cloakroom/device/admin/register";
        assert_eq!(admin.device_endpoint(path), Some(DeviceEndpoint::Register));
        assert_eq!((shop.device_endpoint(path), admin.device_endpoint(PATHS[0])), (None, None));

        let mut browser = DeviceBrowser::new();
        let request_session = admin.request_session().with_method("POST");
        let mut session = request_session.session(&HeaderMap::new()).await.unwrap();
        session.login(&Principal::new("root").unwrap()).await.unwrap();
        let mut response = HeaderMap::new();
        request_session.finish(&mut response);
        let registration = browser.receive(PAGE, &response).remove(0);
        let headers = registration.request().headers();
        let answer = shop.answer_device(DeviceEndpoint::Register, "POST", headers).await;
        assert_eq!(answer.status(), 400, "of another kind");
        let answer = admin.answer_device(DeviceEndpoint::Register, "POST", headers).await;
        browser.take_answer(registration, &answer);
        let cookies = browser.client().cookies_for(PAGE).unwrap();
        let cookies = cookies.to_str().unwrap();
        assert!(cookies.contains("__Host-id-admin=") && cookies.contains("__Host-id-admin-bound="));
    });
    let builder = Sessions::<SessionMap, BoundOnce>::builder(MemoryStore::new());
    let error = builder.build().unwrap_err().to_string();
    assert!(error.contains("`bound`, `here` or `left`"), "{error}");
}

#[test]
fn a_policy_that_browsers_could_not_bind_is_refused() {
    let refusal = |binding: DeviceBinding, transport: Transport| {
        let builder = Sessions::<SessionMap>::builder(MemoryStore::new()).transport(transport);
        builder.device_binding(binding).build().map(drop).map_err(|error| error.to_string())
    };
    let cookie = || Transport::cookie(CookiePolicy::default());
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    for life in [minutes(1), minutes(60)] {
        assert_eq!(refusal(DeviceBinding::offer().with_cookie_life(life), cookie()), Ok(()));
    }
    for life in [Duration::from_secs(59), minutes(61), Duration::ZERO] {
        let binding = DeviceBinding::offer().with_cookie_life(life);
        assert!(refusal(binding, cookie()).unwrap_err().contains("from one minute to 60"));
    }
    for (register, refresh) in [
        ("/a", "/a"),
        ("a", "/b"),
        ("//a.example/", "/b"),
        ("/a", "/b?c"),
        ("/a\"", "/b"),
        ("", ""),
    ] {
        let binding = DeviceBinding::offer().with_paths(register, refresh);
        let error = refusal(binding, cookie()).unwrap_err();
        assert!(error.contains("two paths of plain ASCII"), "{register} {refresh}: {error}");
    }
    let none = CookiePolicy::default().with_same_site(SameSite::None);
    let cases = [
        (CookiePolicy::for_plain_http("id"), "Secure"),
        (none.clone().partitioned(), "Partitioned"),
        (CookiePolicy::secure("id").with_domain("shop.example"), "Domain"),
    ];
    for (policy, name) in cases {
        let refused = refusal(DeviceBinding::offer(), Transport::cookie(policy));
        assert!(refused.unwrap_err().contains(name), "{name}");
    }
    assert_eq!(refusal(DeviceBinding::offer(), Transport::cookie(none)), Ok(()));
    let below = CookiePolicy::secure("id").with_path("/shop");
    let outside = refusal(DeviceBinding::offer(), Transport::cookie(below));
    assert!(outside.unwrap_err().contains("below the path of the cookie"));
    assert!(refusal(DeviceBinding::offer(), Transport::bearer()).is_err());
}
