//! Entry points for fuzzing: the parsers of hostile headers.

use http::{HeaderMap, HeaderValue, header::COOKIE};

use crate::http::{CookiePolicy, Transport};

/// Reads `data` as `Cookie` headers, one per line, and returns how many keys were found.
///
/// # Panics
/// Panics if a key is found that is not the value of our cookie in `data`.
pub fn cookie(data: &[u8]) -> usize {
    let Ok(channel) = Transport::cookie(CookiePolicy::for_plain_http("n")).compile("") else {
        return 0;
    };
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(COOKIE, value);
        }
    }
    let presented = channel.read(&headers);
    for key in presented.keys.iter() {
        let pairs = [format!("n={}", key.expose()), format!("n=\"{}\"", key.expose())];
        let is_in_data = |pair: &String| data.windows(pair.len()).any(|it| it == pair.as_bytes());
        assert!(pairs.iter().any(is_in_data), "a key was read that is not in the headers");
    }
    presented.keys.iter().count()
}

/// Opens `data` as `Cookie` headers, one per line, and as the value of one.
///
/// # Panics
/// Panics if a session opens, or if `data` is parsed and is not the only text of what was parsed.
#[cfg(feature = "encrypted-cookie")]
pub fn encrypted_cookie(data: &[u8]) {
    use crate::encrypted_cookie::{
        EncryptedSessions, EncryptionKey, KeyRing, is_canonical_if_parsed,
    };

    const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    let Ok(key) = EncryptionKey::from_text(KEY) else { return };
    let Ok(sessions) = EncryptedSessions::<crate::SessionMap>::new(KeyRing::new(key)) else {
        return;
    };
    let headers: Vec<_> = data.split(|byte| *byte == b'\n').map(|line| ("cookie", line)).collect();
    assert!(!sessions.open(&headers).exists(), "a session was forged");
    let value = [b"__Host-id=", data].concat();
    assert!(!sessions.open(&[("cookie", value)]).exists(), "a session was forged");
    assert!(is_canonical_if_parsed(data), "a second text was accepted for one session");
}

/// Reads `data` as a proof of a device: of a new key, and of one that is registered.
///
/// # Panics
/// Panics if a proof is accepted that was not signed: no one can make one by chance.
#[cfg(feature = "device-binding")]
pub fn device_proof(data: &[u8]) {
    use crate::device_binding::Proof;

    const REGISTRATION: &[u8] = include_bytes!("device_binding/registration.txt");
    const REFRESH: &[u8] = include_bytes!("device_binding/refresh.txt");
    let Ok((_, key)) = Proof::of_new_key(REGISTRATION.trim_ascii()) else { return };
    let is_ours = data == REFRESH.trim_ascii();
    assert_eq!(Proof::of_key(data, &key).is_ok(), is_ours, "a proof was forged, or ours refused");
    if let Ok((_, new)) = Proof::of_new_key(data) {
        assert_eq!(data, REGISTRATION.trim_ascii(), "a proof by {new:?} was forged");
    }
}

/// Reads `data` as the headers of device binding, one value per line: refreshes that were skipped,
/// ids of sessions, and tokens whose signature does not matter yet.
///
/// # Panics
/// Panics if an id is read that is not in `data`, or if two texts stand for one authorization.
#[cfg(feature = "device-binding")]
pub fn device_headers(data: &[u8]) {
    use crate::device_binding::SignedToken;
    use crate::http::{session_id, skipped};
    use crate::protocol::steps::DeviceProof as _;
    use crate::protocol::{Authorization, Challenge, MAX_SKIPPED};

    let is_in_data =
        |id: &str| data.windows(id.len()).any(|it| it.eq_ignore_ascii_case(id.as_bytes()));
    let lines = || data.split(|byte| *byte == b'\n');
    let headers: Vec<_> = lines().map(|line| ("secure-session-skipped", line)).collect();
    let all = skipped(&headers);
    assert!(all.len() <= MAX_SKIPPED, "more were read than are looked at");
    let ids = all.iter().map(|skipped| skipped.id).chain(lines().filter_map(session_id));
    for id in ids {
        assert!(is_in_data(&id.to_string()), "an id was read that is not in the headers");
    }
    for line in lines() {
        let Ok(text) = std::str::from_utf8(line) else { continue };
        if let Some(authorization) = Authorization::parse(text) {
            assert_eq!(authorization.text(), text);
        }
        if let Some(challenge) = Challenge::parse(text) {
            assert_eq!(challenge.text(), text);
        }
        let _ = SignedToken::new(line).claimed_authorization();
    }
}
