//! How long cookies last.

use std::time::Duration;

use cloakroom_testkit::{Client, ManualClock};

use super::{HOME, response_with};

const DAY: u64 = 24 * 60 * 60;

/// A client on a clock that shows the first moment of 2100, with one cookie.
fn with_cookie(attributes: &str) -> (Client, ManualClock) {
    let clock = ManualClock::new();
    let mut client = Client::new().with_clock(clock.clone());
    client.absorb(HOME, &response_with(&format!("id=x; {attributes}")));
    (client, clock)
}

/// After how many seconds the cookie is gone; `None` if it lasts until the browser is closed.
#[track_caller]
fn lasts(attributes: &str, seconds: Option<u64>) {
    let (mut client, clock) = with_cookie(attributes);
    if let Some(seconds) = seconds {
        if seconds > 0 {
            clock.advance(Duration::from_secs(seconds - 1));
            assert!(client.cookies_for(HOME).is_some(), "{attributes}");
            clock.advance(Duration::from_secs(1));
        }
        assert_eq!(client.cookies_for(HOME), None, "{attributes}");
    } else {
        clock.advance(Duration::from_secs(10_000 * DAY));
        assert!(client.cookies_for(HOME).is_some(), "{attributes}");
        client.restart();
        assert_eq!(client.cookies_for(HOME), None, "{attributes}");
    }
}

#[test]
fn max_age_and_expires_are_counted_on_the_given_clock() {
    lasts("Max-Age=60", Some(60));
    lasts("Expires=Fri, 01 Jan 2100 00:01:00 GMT", Some(60));
    lasts("Expires=Thu, 31 Dec 2099 23:59:59 GMT", Some(0));
}

#[test]
fn max_age_counts_and_expires_does_not() {
    lasts("Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", Some(60));
    lasts("Expires=Sat, 02 Jan 2100 00:00:00 GMT; Max-Age=60", Some(60));
    lasts("Max-Age=0; Expires=Sat, 02 Jan 2100 00:00:00 GMT", Some(0));
}

#[test]
fn a_max_age_of_zero_or_less_removes_and_the_last_one_counts() {
    lasts("Max-Age=0", Some(0));
    lasts("Max-Age=-5", Some(0));
    lasts("Max-Age=60; Max-Age=30", Some(30));
}

#[test]
fn a_max_age_that_is_not_a_number_is_ignored() {
    for attributes in ["", "Max-Age=abc", "Max-Age=\"60\"", "Max-Age=", "Expires=never"] {
        lasts(attributes, None);
    }
    lasts("Max-Age=abc; Expires=Fri, 01 Jan 2100 00:01:00 GMT", Some(60));
}

#[test]
fn no_cookie_lasts_longer_than_400_days() {
    lasts("Max-Age=99999999999999999999", Some(400 * DAY));
    lasts("Expires=Sat, 01 Jan 2200 00:00:00 GMT", Some(400 * DAY));
}

#[test]
fn a_restart_keeps_cookies_that_have_an_expiry() {
    let (mut client, _) = with_cookie("Max-Age=60");
    client.restart();
    assert!(client.cookies_for(HOME).is_some());
}
