use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use tokio::task::JoinHandle;

use super::*;

struct Fixed {
    ready: Result<Vec<String>, Vec<String>>,
    healthy: Result<(), Vec<String>>,
    metrics: String,
}

impl Fixed {
    fn good() -> Self {
        Self { ready: Ok(Vec::new()), healthy: Ok(()), metrics: String::new() }
    }
}

impl HttpPages for Fixed {
    fn metrics(&self) -> String {
        self.metrics.clone()
    }

    fn ready(&self) -> Result<Vec<String>, Vec<String>> {
        self.ready.clone()
    }

    fn healthy(&self) -> Result<(), Vec<String>> {
        self.healthy.clone()
    }

    fn status(&self) -> String {
        "<!doctype html><title>x</title>".to_owned()
    }
}

struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(limits: Limits, pages: Fixed) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(serve_within(listener, Arc::new(pages), stopped, limits));
        Self { address, stop, task }
    }

    async fn plain() -> Self {
        Self::start(LIMITS, Fixed { metrics: "a 1\n".to_owned(), ..Fixed::good() }).await
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends this and reads what comes until the server closes.
    async fn ask(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request).await.unwrap();
        let mut said = Vec::new();
        stream.read_to_end(&mut said).await.unwrap();
        String::from_utf8(said).unwrap()
    }

    async fn get(&self, path: &str) -> (String, String) {
        let said = self.ask(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await;
        let (head, body) = said.split_once("\r\n\r\n").unwrap();
        (head.to_ascii_lowercase(), body.to_owned())
    }

    /// Waits until a place is free: soon after one that had it hung up or was cut off.
    async fn has_room(&self) {
        let begun = Instant::now();
        loop {
            let mut stream = self.connect().await;
            let mut said = String::new();
            let asked = stream.write_all(b"GET /health HTTP/1.1\r\n\r\n").await;
            if asked.is_ok() && stream.read_to_string(&mut said).await.is_ok() && said.contains("200 OK") {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(3), "no place became free");
            sleep(Duration::from_millis(10)).await;
        }
    }
}

fn status(said: &str) -> &str {
    said.get(9..12).unwrap_or(said)
}

#[tokio::test]
async fn each_page_has_its_answer() {
    let server = Server::plain().await;
    let (head, body) = server.get("/metrics").await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    assert!(head.contains("connection: close"), "{head}");
    assert_eq!(body, "a 1\n");
    assert_eq!(server.get("/health").await.1, "ok\n");
    assert_eq!(server.get("/ready?x=1").await.1, "ready\n");
    assert_eq!(status(&server.get("/metrics/").await.0), "404");
    let head = server.ask(b"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(
        status(&head) == "200" && head.ends_with("\r\n\r\n") && head.contains("content-length: 4"),
        "{head}"
    );
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"] {
        let said = server.ask(format!("{method} /metrics HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await;
        assert!(status(&said) == "405" && said.contains("allow: GET, HEAD"), "{said}");
    }
    assert_eq!(status(&server.ask(b"garbage\r\n\r\n").await), "400");
}

#[tokio::test]
async fn not_ready_says_why() {
    let reasons = vec!["zone a.\nis broken".to_owned(), "no upstream answers".to_owned()];
    let server = Server::start(LIMITS, Fixed { ready: Err(reasons), ..Fixed::good() }).await;
    let (head, body) = server.get("/ready").await;
    assert_eq!(status(&head), "503");
    assert_eq!(body, "not ready\nzone a. is broken\nno upstream answers\n");
    assert_eq!(status(&server.get("/health").await.0), "200");
}

#[tokio::test]
async fn ready_says_what_does_not_work_all_the_same() {
    let degraded = vec!["forward corp.example.: no upstream answers".to_owned(), "zone a.:\rx".to_owned()];
    let server = Server::start(LIMITS, Fixed { ready: Ok(degraded), ..Fixed::good() }).await;
    let (head, body) = server.get("/ready").await;
    assert_eq!(status(&head), "200");
    assert_eq!(body, "ready\nforward corp.example.: no upstream answers\nzone a.: x\n");
}

#[tokio::test]
async fn health_fails_with_its_reasons() {
    let healthy = Err(vec!["reload: no progress for 31 s".to_owned()]);
    let server = Server::start(LIMITS, Fixed { healthy, ..Fixed::good() }).await;
    let (head, body) = server.get("/health").await;
    assert_eq!(status(&head), "503");
    assert_eq!(body, "failed\nreload: no progress for 31 s\n");
    assert_eq!(status(&server.get("/ready").await.0), "200");
}

#[tokio::test]
async fn the_status_page_may_load_nothing_else() {
    let server = Server::plain().await;
    let (head, body) = server.get("/").await;
    assert!(head.contains("text/html") && head.contains("default-src 'none'"), "{head}");
    assert_eq!(body, "<!doctype html><title>x</title>");
}

#[tokio::test]
async fn a_head_ends_at_8_kib() {
    let server = Server::plain().await;
    let fits = format!("GET /health HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(8 * 1024 - 100));
    assert_eq!(status(&server.ask(fits.as_bytes()).await), "200");
    let long_uri = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(9000));
    let said = server.ask(long_uri.as_bytes()).await;
    assert!(matches!(status(&said), "414" | "431"), "{said}");
    let lines = format!("GET /health HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(65));
    assert_eq!(status(&server.ask(lines.as_bytes()).await), "431");

    let mut endless = server.connect().await;
    endless.write_all(b"GET /metrics HTTP/1.1\r\nA: ").await.unwrap();
    let begun = Instant::now();
    let mut sent = 0_usize;
    // What the buffers on the way take is sent; the rest fails when the server has hung up.
    while endless.write_all(&[b'x'; 4096]).await.is_ok() {
        sent += 4096;
        assert!(sent < 64 << 20, "still reading");
    }
    assert!(begun.elapsed() < LIMITS.head, "closed by its size, not by the clock");
}

#[tokio::test]
async fn a_body_is_refused_unread() {
    let server = Server::plain().await;
    for request in [
        "GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n",
        "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n",
    ] {
        let said = server.ask(request.as_bytes()).await;
        assert_eq!(status(&said), "413", "{said}");
        assert_eq!(said.matches("HTTP/1.1").count(), 1, "{said}");
    }
    for request in [
        "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
        "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: x\r\n\r\n",
    ] {
        assert_eq!(status(&server.ask(request.as_bytes()).await), "400", "{request}");
    }
    assert_eq!(status(&server.ask(b"GET /health HTTP/1.1\r\nContent-Length: 0\r\n\r\n").await), "200");
}

#[tokio::test]
async fn a_thousand_silent_connections_are_32_and_shut_nobody_out() {
    let server = Server::plain().await;
    let mut held = Vec::new();
    for nth in 0..1000 {
        held.push(server.connect().await);
        if nth % 100 == 99 {
            assert_eq!(server.get("/health").await.1, "ok\n", "beside {nth} silent ones");
        }
    }
    sleep(Duration::from_millis(100)).await;
    let mut open = 0;
    for (nth, stream) in held.iter_mut().enumerate() {
        let is_open = timeout(Duration::from_millis(10), stream.read(&mut [0; 1])).await.is_err();
        assert!(!is_open || nth >= 1000 - LIMITS.connections, "the old end first, and {nth} is open");
        open += usize::from(is_open);
    }
    assert!((LIMITS.connections - 2..=LIMITS.connections).contains(&open), "{open} are open");
}

/// Whoever holds all places loses one to each of the others, and those keep theirs.
#[tokio::test]
async fn another_network_is_let_in_and_stays() {
    let server = Server::plain().await;
    let from = |host: u8| {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::new(127, 0, 0, host), 0).into()).unwrap();
        socket.connect(server.address)
    };
    let mut connections = Vec::new();
    for _ in 0..LIMITS.connections {
        connections.push(from(2).await.unwrap());
    }
    let mut other = from(3).await.unwrap();
    for _ in 0..100 {
        connections.push(from(2).await.unwrap());
    }
    sleep(Duration::from_millis(50)).await;
    other.write_all(b"GET /health HTTP/1.1\r\n\r\n").await.unwrap();
    let mut said = String::new();
    other.read_to_string(&mut said).await.unwrap();
    assert_eq!(status(&said), "200", "{said}");
}

#[tokio::test]
async fn a_slow_head_is_cut_off() {
    let server = Server::plain().await;
    let begun = Instant::now();
    let mut silent = server.connect().await;
    let mut slow = server.connect().await;
    let drip = async {
        let mut request = b"GET /metrics HTTP/1.1\r\nA: ".iter().copied().chain(std::iter::repeat(b'x'));
        while begun.elapsed() < LIMITS.head * 2 {
            if slow.write_all(&[request.next().unwrap()]).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
        panic!("still open");
    };
    let silence = async {
        let _ = silent.read(&mut [0; 1]).await;
        begun.elapsed()
    };
    let ((), silent_for) = tokio::join!(drip, silence);
    for seconds in [silent_for.as_secs_f64(), begun.elapsed().as_secs_f64()] {
        assert!((4.5..7.0).contains(&seconds), "{seconds} s");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let limits = Limits { connections: 1, write: Duration::from_millis(300), ..LIMITS };
    let server = Server::start(limits, Fixed { metrics: "x".repeat(64 << 20), ..Fixed::good() }).await;
    let mut stuck = server.connect().await;
    stuck.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").await.unwrap();
    sleep(Duration::from_millis(100)).await;
    assert_eq!(server.connect().await.read(&mut [0; 1]).await.unwrap_or(0), 0, "its place is taken");
    server.has_room().await;
    let mut said = Vec::new();
    // The rest of the page never comes.
    let _ = stuck.read_to_end(&mut said).await;
    assert!(said.len() < 64 << 20);
}

#[tokio::test]
async fn a_stop_ends_it() {
    let server = Server::plain().await;
    let _idle = server.connect().await;
    sleep(Duration::from_millis(50)).await;
    server.stop.send(true).unwrap();
    let begun = Instant::now();
    server.task.await.unwrap();
    assert!(begun.elapsed() < DRAIN + Duration::from_secs(1));
    assert!(TcpStream::connect(server.address).await.is_err());

    let Server { stop, task, .. } = Server::plain().await;
    drop(stop);
    timeout(Duration::from_secs(2), task).await.unwrap().unwrap();
}

#[test]
fn the_bounds_are_those_promised() {
    assert_eq!((LIMITS.connections, LIMITS.head_bytes), (32, 8192));
    assert_eq!((LIMITS.head.as_secs(), LIMITS.write.as_secs()), (5, 10));
}
