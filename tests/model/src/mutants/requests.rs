//! Requests that treat their keys or their sessions wrongly around the operations.

use super::Mutant;
use crate::flaws::Twist;
use crate::scenarios;

pub(super) const ALL: &[Mutant] = &[
    Mutant::request("only the first key is read", scenarios::paired, Twist::FirstKeyOnly),
    Mutant::request(
        "a bearer token opens as a cookie",
        scenarios::bearer_as_cookie,
        Twist::EitherCarrier,
    ),
    Mutant::request(
        "a cookie opens as a bearer token",
        scenarios::cookie_as_bearer,
        Twist::EitherCarrier,
    ),
    Mutant::request(
        "it is not looked at which site started a request",
        scenarios::foreign_lax,
        Twist::OriginIgnored,
    ),
    Mutant::request("a peek counts as a use", scenarios::peeks, Twist::PeekTouches),
    Mutant::request(
        "a key is renewed outside its request",
        scenarios::peeks,
        Twist::OutsideAsInside,
    ),
    Mutant::request(
        "a read with a dead key removes the cookie",
        scenarios::late_removal,
        Twist::DeadCookiesRemoved,
    ),
    Mutant::request(
        "a sign-in ignores a key that was replaced",
        scenarios::lost_sign_in_later,
        Twist::FormerForgotten,
    ),
    Mutant::request(
        "a sign-out ends one of two sessions",
        scenarios::two_sessions,
        Twist::OthersForgotten,
    ),
    Mutant::request(
        "a second sign-in in a request begins with the key of the first",
        scenarios::login_twice,
        Twist::PresentedForgotten,
    ),
];
