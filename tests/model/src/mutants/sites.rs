//! Wrong decisions about where a request comes from, and what can begin.

use cloakroom::policy::SameSite;
use cloakroom::protocol::{self, Failure, KeyStatus, NoSession, Protocol, RequestOrigin};

super::decisions! {
    FirstKeyCounts "of several keys that open nothing the first counts" in two_dead {
        fn weight(&self, _: KeyStatus) -> u8 {
            0
        }
    }
    SupersededBegins "a superseded key begins a session at the first write" in sign_in {
        fn beginning(&self, no_session: NoSession) -> Option<Failure> {
            match no_session {
                NoSession::Superseded => None,
                other => Protocol.beginning(other),
            }
        }
    }
    UnreadableBegins "the holder of an unreadable session begins another" in damaged {
        fn beginning(&self, no_session: NoSession) -> Option<Failure> {
            match no_session {
                NoSession::Unreadable => None,
                other => Protocol.beginning(other),
            }
        }
    }
    WithheldBegins "a request without its cookie begins a session" in foreign_lax {
        fn beginning(&self, no_session: NoSession) -> Option<Failure> {
            match no_session {
                NoSession::Withheld => None,
                other => Protocol.beginning(other),
            }
        }
    }
    NothingWithheld "a cookie is never taken to be withheld" in foreign_lax {
        fn is_withheld(&self, _: RequestOrigin, _: SameSite, _: bool) -> bool {
            false
        }
    }
    FramesNotWithheld "a cookie is taken to be withheld from forms only" in foreign_lax {
        fn is_withheld(&self, origin: RequestOrigin, same_site: SameSite, known: bool) -> bool {
            origin == RequestOrigin::Unsafe && protocol::is_withheld(origin, same_site, known)
        }
    }
    MarkerIgnored "the marker of a Strict cookie is ignored" in foreign_strict {
        fn is_withheld(&self, origin: RequestOrigin, same_site: SameSite, _: bool) -> bool {
            protocol::is_withheld(origin, same_site, false)
        }
    }
    LinksWithheld "every link from another site counts as withheld" in first_visit {
        fn is_withheld(&self, origin: RequestOrigin, same_site: SameSite, _: bool) -> bool {
            protocol::is_withheld(origin, same_site, true)
        }
    }
    LoginForged "a form of another site signs in" in embedded {
        fn is_login_forged(&self, _: RequestOrigin, _: bool) -> bool {
            false
        }
    }
    VerificationIgnored "a form that was checked does not sign in" in form_post {
        fn is_login_forged(&self, origin: RequestOrigin, _: bool) -> bool {
            protocol::is_login_forged(origin, false)
        }
    }
}
