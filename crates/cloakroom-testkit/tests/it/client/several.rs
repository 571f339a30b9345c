//! Several cookies of one name.

use super::{HOME, client_with, response_with};

const DEEP: &str = "https://shop.example/app/page";

#[test]
fn a_host_only_cookie_and_one_with_a_domain_are_two_and_the_older_is_sent_first() {
    let host = "id=host; Path=/";
    let domain = "id=domain; Path=/; Domain=shop.example";
    assert_eq!(client_with(HOME, &[host, domain]).cookies_for(HOME).unwrap(), "id=host; id=domain");
    assert_eq!(client_with(HOME, &[domain, host]).cookies_for(HOME).unwrap(), "id=domain; id=host");
}

#[test]
fn a_removal_leaves_the_cookie_of_another_scope() {
    for (removal, left) in [
        ("id=; Max-Age=0; Path=/", "id=deep; id=domain"),
        ("id=; Max-Age=0; Path=/; Domain=shop.example", "id=deep; id=host"),
        ("id=; Max-Age=0; Path=/app", "id=host; id=domain"),
        ("id=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/app", "id=host; id=domain"),
        ("id=; Max-Age=0; Path=/other", "id=deep; id=host; id=domain"),
        ("ID=; Max-Age=0; Path=/", "id=deep; id=host; id=domain"),
    ] {
        let cookies =
            ["id=host; Path=/", "id=domain; Path=/; Domain=shop.example", "id=deep; Path=/app"];
        let mut client = client_with(HOME, &cookies);
        client.absorb(HOME, &response_with(removal));
        assert_eq!(client.cookies_for(DEEP).unwrap(), left, "{removal}");
    }
}

#[test]
fn a_removal_with_a_host_prefix_and_without_secure_does_nothing() {
    let mut client = client_with(HOME, &["__Host-id=x; Secure; Path=/"]);
    client.absorb(HOME, &response_with("__Host-id=; Max-Age=0; Path=/"));
    assert!(client.cookies_for(HOME).is_some());
    client.absorb(HOME, &response_with("__Host-id=; Max-Age=0; Path=/; Secure"));
    assert_eq!(client.cookies_for(HOME), None);
}

#[test]
fn longer_paths_are_sent_first() {
    let cookies = ["id=root; Path=/", "id=page; Path=/app/page", "id=app; Path=/app"];
    let client = client_with(HOME, &cookies);
    assert_eq!(client.cookies_for(DEEP).unwrap(), "id=page; id=app; id=root");
    assert_eq!(client.cookies_for("https://shop.example/app").unwrap(), "id=app; id=root");
    assert_eq!(client.cookies_for("https://shop.example/application").unwrap(), "id=root");
}

#[test]
fn a_cookie_without_path_belongs_to_the_directory_of_its_page() {
    let client = client_with(DEEP, &["id=x"]);
    assert!(client.cookies_for("https://shop.example/app").is_some());
    assert_eq!(client.cookies_for(HOME), None);
}

/// As in Chromium. In Firefox, it keeps its place.
#[test]
fn a_cookie_whose_value_changes_becomes_the_newest() {
    let cookies = ["id=1; Path=/", "id=domain; Path=/; Domain=shop.example"];
    let mut client = client_with(HOME, &cookies);
    client.absorb(HOME, &response_with("id=1; Path=/; Max-Age=60"));
    assert_eq!(client.cookies_for(HOME).unwrap(), "id=1; id=domain");
    client.absorb(HOME, &response_with("id=2; Path=/"));
    assert_eq!(client.cookies_for(HOME).unwrap(), "id=domain; id=2");
}

#[test]
fn an_old_answer_that_arrives_late_wins() {
    let mut client = client_with(HOME, &["id=1; Path=/"]);
    let tabs = [client.page(HOME).link(HOME), client.page(HOME).link(HOME)];
    client.receive(&tabs[1], &response_with("id=3; Path=/"));
    client.receive(&tabs[0], &response_with("id=2; Path=/"));
    assert_eq!(client.cookies_for(HOME).unwrap(), "id=2");
}
