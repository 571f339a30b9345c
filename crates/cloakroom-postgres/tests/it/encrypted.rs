//! TLS: only a server with a valid, trusted certificate is accepted.

use cloakroom::{ErrorKind, SessionMap, Sessions, Store as _};
use cloakroom_postgres::{PostgresErrorKind, PostgresStore};
use cloakroom_testkit::servers::chaos::STORE_TIMEOUT;
use cloakroom_testkit::servers::{Certificates, Durability, Postgres, Server};
use tokio::runtime::Runtime;
use tokio_postgres::NoTls;

#[test]
fn tls_needs_a_certificate_that_is_trusted_and_valid_for_the_host() {
    let (good, other) = (Certificates::new(), Certificates::new());
    let server = Postgres::start_encrypted(Durability::None, &good);
    let builder = |url: &str| {
        PostgresStore::builder(format!("{url}?sslmode=require")).timeout(4 * STORE_TIMEOUT)
    };
    let url = server.url();
    Runtime::new().unwrap().block_on(async {
        for url in [&url, &url.replace("127.0.0.1", "localhost")] {
            let store = builder(url).root_certificate(good.root()).connect().await.unwrap();
            assert!(store.inspect().await.unwrap().is_encrypted);
            let sessions: Sessions<SessionMap> = Sessions::new(store).unwrap();
            assert!(sessions.generate(SessionMap::default()).await.is_ok());
        }
        // The application decides which cryptography its process uses.
        assert!(rustls::crypto::CryptoProvider::get_default().is_none());
        for untrusting in [builder(&url), builder(&url).root_certificate(other.root())] {
            let error = untrusting.connect().await.unwrap_err();
            assert_eq!(error.kind(), PostgresErrorKind::Tls, "{error:?}");
        }
        let missing =
            builder(&url).root_certificate("/nowhere/root.pem").connect().await.unwrap_err();
        assert_eq!(missing.kind(), PostgresErrorKind::Tls, "{missing}");
        // There is no fallback to an unencrypted connection.
        let plain = Postgres::start(Durability::None);
        let error =
            builder(&plain.url()).root_certificate(good.root()).connect().await.unwrap_err();
        assert_eq!(error.kind(), PostgresErrorKind::Tls, "{error:?}");
    });
}

#[test]
fn a_certificate_is_replaced_while_the_store_is_in_use() {
    let (ours, other) = (Certificates::new(), Certificates::new());
    let server = Postgres::start_encrypted(Durability::None, &ours);
    let builder = || {
        let url = format!("{}?sslmode=require", server.url());
        PostgresStore::builder(url).timeout(4 * STORE_TIMEOUT).root_certificate(ours.root())
    };
    Runtime::new().unwrap().block_on(async {
        let store = std::sync::Arc::new(builder().connect().await.unwrap());
        let sessions: Sessions<SessionMap> = Sessions::new(store.clone()).unwrap();
        let key = sessions.generate(SessionMap::default()).await.unwrap().key().unwrap().clone();
        let (admin, driver) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
        let driver = tokio::spawn(driver);
        let drop_connections = async || {
            let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
            admin.execute(kill, &[]).await.unwrap();
        };

        ours.renew();
        server.rotate(&ours);
        assert!(sessions.of_key(&key).await.is_ok());
        drop_connections().await;
        while store.health().await.is_err() {}
        assert!(sessions.of_key(&key).await.is_ok());

        // Of another root: no one connects until that is mended.
        server.rotate(&other);
        while builder().connect().await.is_ok() {} // until the server has read the files
        drop_connections().await;
        let refused = loop {
            if let Err(error) = sessions.of_key(&key).await {
                if format!("{error:?}").contains("Tls") {
                    break error;
                }
            }
        };
        assert_eq!(refused.kind(), ErrorKind::Unavailable, "{refused:?}");
        server.rotate(&ours);
        while store.health().await.is_err() {}
        assert!(sessions.of_key(&key).await.is_ok());
        driver.abort();
    });
}
