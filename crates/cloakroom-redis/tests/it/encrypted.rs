//! TLS: only a server with a valid, trusted certificate is accepted.

use cloakroom::{ErrorKind, SessionMap, Sessions, Store as _};
use cloakroom_redis::{RedisErrorKind, RedisStore};
use cloakroom_testkit::servers::chaos::STORE_TIMEOUT;
use cloakroom_testkit::servers::{Certificates, Durability, Redis};
use tokio::runtime::Runtime;

#[test]
fn tls_needs_a_certificate_that_is_trusted_and_valid_for_the_host() {
    let (good, other) = (Certificates::new(), Certificates::new());
    let (_server, port) = Redis::start_encrypted(Durability::None, &good);
    let builder = |host: &str| {
        RedisStore::builder(format!("rediss://{host}:{port}")).timeout(4 * STORE_TIMEOUT)
    };
    Runtime::new().unwrap().block_on(async {
        for host in ["127.0.0.1", "localhost"] {
            let store = builder(host).root_certificate(good.root()).connect().await.unwrap();
            let sessions: Sessions<SessionMap> = Sessions::new(store).unwrap();
            assert!(sessions.generate(SessionMap::default()).await.is_ok());
        }
        // The application decides which cryptography its process uses.
        assert!(rustls::crypto::CryptoProvider::get_default().is_none());
        for untrusting in
            [builder("127.0.0.1"), builder("127.0.0.1").root_certificate(other.root())]
        {
            let error = untrusting.connect().await.unwrap_err();
            assert_eq!(error.kind(), RedisErrorKind::Tls, "{error:?}");
        }
        // The server does not answer a connection without TLS.
        let plain = RedisStore::builder(format!("redis://127.0.0.1:{port}")).timeout(STORE_TIMEOUT);
        assert!(plain.connect().await.is_err());
        let missing =
            builder("127.0.0.1").root_certificate("/nowhere/root.pem").connect().await.unwrap_err();
        assert_eq!(missing.kind(), RedisErrorKind::Tls, "{missing}");
    });
}

#[test]
fn a_certificate_is_replaced_while_the_store_is_in_use() {
    let (ours, other) = (Certificates::new(), Certificates::new());
    let (server, port) = Redis::start_encrypted(Durability::None, &ours);
    let url = format!("rediss://127.0.0.1:{port}");
    let builder = || {
        let builder = RedisStore::builder(url.clone()).timeout(4 * STORE_TIMEOUT);
        builder.root_certificate(ours.root())
    };
    Runtime::new().unwrap().block_on(async {
        let store = std::sync::Arc::new(builder().connect().await.unwrap());
        let sessions: Sessions<SessionMap> = Sessions::new(store.clone()).unwrap();
        let key = sessions.generate(SessionMap::default()).await.unwrap().key().unwrap().clone();
        let drop_connections = || server.command("CLIENT KILL TYPE normal");

        ours.renew();
        server.rotate(&ours);
        assert!(sessions.of_key(&key).await.is_ok());
        drop_connections();
        while store.health().await.is_err() {}
        assert!(sessions.of_key(&key).await.is_ok());

        // Of another root: who is connected goes on, and no one else connects.
        server.rotate(&other);
        assert!(sessions.of_key(&key).await.is_ok());
        drop_connections();
        let refused = loop {
            let error = sessions.of_key(&key).await.unwrap_err();
            if format!("{error:?}").contains("Tls") {
                break error;
            }
        };
        assert_eq!(refused.kind(), ErrorKind::Unavailable, "{refused:?}");
        server.rotate(&ours);
        while store.health().await.is_err() {}
        assert!(sessions.of_key(&key).await.is_ok());
    });
}
