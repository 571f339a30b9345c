//! Several cookies of one name, as browsers have them after a change of the cookie's scope.

use cloakroom::CookiePolicy;
use cloakroom::encrypted_cookie::{EncryptedSession, EncryptedSessions, NoEncryptedSession};
use cloakroom::http::CookieScope;
use cloakroom_testkit::{Client, ManualClock};
use http::HeaderMap;

use super::{MINUTE, ORIGIN, builder, response, ring};

type Sessions = EncryptedSessions<u32>;

fn with(clock: &ManualClock, policy: CookiePolicy) -> Sessions {
    builder(ring(), clock).cookie(policy).build().unwrap()
}

/// With a Domain.
fn wide(clock: &ManualClock) -> Sessions {
    with(clock, CookiePolicy::secure("id").with_domain("shop.example"))
}

/// For the host alone, which was a Domain before.
fn narrow(clock: &ManualClock) -> Sessions {
    let former = CookieScope::domain("shop.example");
    with(clock, CookiePolicy::secure("id").formerly(former))
}

/// Opens the client's session, and keeps what the response to the change sets.
fn visit(
    client: &mut Client,
    sessions: &Sessions,
    change: impl FnOnce(&mut EncryptedSession<u32>),
) -> (u32, Option<NoEncryptedSession>) {
    let mut request = HeaderMap::new();
    if let Some(cookies) = client.cookies_for(ORIGIN) {
        request.insert("cookie", cookies);
    }
    let mut session = sessions.open(&request);
    change(&mut session);
    client.absorb(ORIGIN, &response(&session));
    (*session.value(), session.no_session())
}

fn increment(session: &mut EncryptedSession<u32>) {
    session.update(|number| *number += 1).unwrap();
}

fn count(client: &Client) -> usize {
    let cookies = client.cookies_for(ORIGIN);
    cookies.map_or(0, |cookies| cookies.to_str().unwrap().split(';').count())
}

#[test]
fn changes_reach_a_session_whose_cookie_was_set_in_a_former_scope() {
    let clock = ManualClock::new();
    let (before, after) = (wide(&clock), narrow(&clock));
    let mut client = Client::new();
    visit(&mut client, &before, increment);
    let numbers: Vec<_> = (0..5).map(|_| visit(&mut client, &after, increment).0).collect();
    assert_eq!(numbers, [2, 3, 4, 5, 6]);
    assert_eq!(count(&client), 2);
    assert_eq!(visit(&mut client, &after, |_| ()), (6, None));
    assert_eq!(count(&client), 1, "a response that sets none removes the former one");
    assert_eq!(visit(&mut client, &after, |_| ()), (6, None));
}

#[test]
fn the_last_cookie_wins_although_its_server_has_a_slow_clock() {
    let (slow, fast) = (ManualClock::new(), ManualClock::new());
    fast.advance(MINUTE);
    let (before, after) = (wide(&fast), narrow(&slow));
    let mut client = Client::new();
    visit(&mut client, &before, increment);
    let numbers: Vec<_> = (0..3).map(|_| visit(&mut client, &after, increment).0).collect();
    assert_eq!(numbers, [2, 3, 4]);
}

#[test]
fn a_sign_out_is_not_undone_by_a_cookie_in_a_former_scope() {
    let clock = ManualClock::new();
    let (before, after) = (wide(&clock), narrow(&clock));
    for changes in [0, 1] {
        let mut client = Client::new();
        visit(&mut client, &before, increment);
        for _ in 0..changes {
            visit(&mut client, &after, increment);
        }
        visit(&mut client, &after, EncryptedSession::end);
        for _ in 0..3 {
            let ended = Some(NoEncryptedSession::Ended);
            assert_eq!(visit(&mut client, &after, |_| ()), (0, ended));
        }
        assert_eq!(count(&client), 1, "the former one was removed");
        assert_eq!(visit(&mut client, &after, increment), (1, None));
        assert_eq!(visit(&mut client, &after, increment), (2, None));
    }
}

/// In a rolling deployment, or after a rollback.
#[test]
fn a_cookie_in_a_former_scope_is_not_removed_while_it_is_the_newest() {
    let clock = ManualClock::new();
    let (before, after) = (wide(&clock), narrow(&clock));
    let mut client = Client::new();
    visit(&mut client, &after, increment);
    clock.advance(MINUTE);
    visit(&mut client, &before, |session| session.begin(40).unwrap());
    assert_eq!(count(&client), 2);
    for _ in 0..3 {
        clock.advance(MINUTE / 60);
        assert_eq!(visit(&mut client, &after, |_| ()), (40, None));
    }
    assert_eq!(count(&client), 1);
    assert_eq!(visit(&mut client, &after, increment), (41, None));
}

#[test]
fn a_single_cookie_in_a_former_scope_is_left_alone_by_reads() {
    let clock = ManualClock::new();
    let mut client = Client::new();
    visit(&mut client, &wide(&clock), increment);
    let before = client.cookies_for(ORIGIN);
    visit(&mut client, &narrow(&clock), |_| ());
    assert_eq!(client.cookies_for(ORIGIN), before);
}
