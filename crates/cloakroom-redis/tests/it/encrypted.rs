//! Over TLS, to a server whose certificate is good, and to no other.

use cloakroom::{SessionMap, Sessions};
use cloakroom_redis::{RedisErrorKind, RedisStore};
use cloakroom_testkit::servers::hardship::PATIENCE;
use cloakroom_testkit::servers::{Certificates, Durability, Redis};
use tokio::runtime::Runtime;

#[test]
fn a_server_is_spoken_to_over_tls_if_its_certificate_is_good_for_its_name_and_by_a_root_that_is_trusted()
 {
    let (good, other) = (Certificates::new(), Certificates::new());
    let (_server, port) = Redis::start_encrypted(Durability::None, &good);
    let reach =
        |host: &str| RedisStore::builder(format!("rediss://{host}:{port}")).timeout(4 * PATIENCE);
    Runtime::new().unwrap().block_on(async {
        for host in ["127.0.0.1", "localhost"] {
            let store = reach(host).trusting(good.root()).connect().await.unwrap();
            let sessions: Sessions<SessionMap> = Sessions::new(store).unwrap();
            assert!(sessions.generate(SessionMap::default()).await.is_ok());
        }
        for wary in [reach("127.0.0.1"), reach("127.0.0.1").trusting(other.root())] {
            let error = wary.connect().await.unwrap_err();
            assert_eq!(error.kind(), RedisErrorKind::Tls, "{error:?}");
        }
        // Nor is the password shown to who only listens at that port.
        let plain = RedisStore::builder(format!("redis://127.0.0.1:{port}")).timeout(PATIENCE);
        assert!(plain.connect().await.is_err());
        let absent = reach("127.0.0.1").trusting("/nowhere/root.pem").connect().await.unwrap_err();
        assert_eq!(absent.kind(), RedisErrorKind::Tls, "{absent}");
    });
}
