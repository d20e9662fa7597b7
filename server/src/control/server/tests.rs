use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Instant as Clock;

use super::*;
use crate::operator::fake::{FakeOutcome, FakeServer, rest, status_code};

const ERRORS: &str = "{\"errors\":[";

#[test]
fn each_command_has_its_path() {
    let server = FakeServer::start(FakeOutcome::Succeed);
    for (method, path, body, call, said) in [
        ("POST", "/reload", "", "/reload", r#"{"changes":["zone a. loaded"#),
        ("POST", "/diff", "", "/diff", r#"{"changes":[],"broken":[]}"#),
        (
            "POST",
            "/diff",
            r#"{"config":"/a"}"#,
            "/diff?config=%2Fa",
            r#"{"changes":["cache size as in /a"],"broken":[{"name":"b.example.","serial":8,"problems":["a.zone"#,
        ),
        ("POST", "/reload", r#"{"strict":false}"#, "/reload?strict=false", r#"{"changes":["zone a. loaded"#),
        ("GET", "/status", "", "/status", r#"{"version":"1.2.3","uptime":90061,"pid":42,"#),
        (
            "GET",
            "/stats",
            "",
            "/stats",
            r#"{"a_bucket{le=\"1\"}":1.0,"none":0.0,"queries_00000000000000000000":12.0,"ratio"#,
        ),
        ("POST", "/flush", "", "/flush", r#"{"dropped":1234}"#),
        ("POST", "/flush", "{}", "/flush", r#"{"dropped":1234}"#),
        (
            "POST",
            "/flush",
            r#"{"name":"Example.com","subtree":true}"#,
            "/flush?name=Example.com.&subtree=true",
            r#"{"dropped":1}"#,
        ),
        (
            "GET",
            "/zones",
            "",
            "/zones",
            r#"[{"name":"example.com.","serial":7,"records":5,"left_out":0,"ok":true,"#,
        ),
        ("GET", "/healthy", "", "/healthy", r#"{"healthy":true}"#),
        (
            "GET",
            "/explain?name=a%5C.b&type=aaaa",
            "",
            "/explain?name=a%5C.b.&type=AAAA",
            r#"{"steps":[{"step":"#,
        ),
        (
            "GET",
            "/explain?type=TYPE1&to=%3A%3A1&from=192.0.2.1&name=.",
            "",
            "/explain?from=192.0.2.1&name=.&to=%3A%3A1&type=A",
            r#"{"steps":[{"#,
        ),
    ] {
        let (status, answer) = server.request(method, path, body);
        assert_eq!((status, server.fake.calls()), (200, vec![call.to_owned()]), "{path} {body}: {answer}");
        assert!(answer.starts_with(said), "{path} {body}: {answer}");
    }
}

#[test]
fn failures_say_why() {
    let server = FakeServer::start(FakeOutcome::Fail);
    for (method, path, code, said) in [
        (
            "POST",
            "/reload",
            422,
            r#"{"errors":["r.yaml:1:2: listen: is wrong","a.zone:3:1: not a \u001b[31mrecord\nat all"]}"#,
        ),
        ("POST", "/diff", 422, r#"{"errors":["it is wrong"]}"#),
        ("POST", "/flush", 422, r#"{"errors":["there is no cache"]}"#),
        ("GET", "/explain?name=a&type=A", 422, r#"{"errors":["not now"]}"#),
        ("GET", "/healthy", 503, r#"{"errors":["reload: no progress for 31 s"]}"#),
    ] {
        assert_eq!(server.request(method, path, ""), (code, said.to_owned()), "{path}");
        assert_eq!(server.fake.calls().len(), 1);
    }
}

#[test]
fn what_makes_no_sense_does_nothing() {
    let server = FakeServer::start(FakeOutcome::Succeed);
    let deep = format!("{{\"name\":{}{}}}", "[".repeat(9), "]".repeat(9));
    let deepest = format!("{{\"x\":{}", "[".repeat(60_000));
    for (method, path, body, code) in [
        ("GET", "/", "", 404),
        ("GET", "/status/", "", 404),
        ("POST", "/Reload", "", 404),
        ("GET", "/../etc/passwd", "", 404),
        ("GET", "/reload", "", 405),
        ("HEAD", "/flush", "", 405),
        ("DELETE", "/zones", "", 405),
        ("POST", "/status", "", 405),
        ("POST", "/reload?force=1", "", 400),
        ("POST", "/reload", "[]", 400),
        ("POST", "/reload", r#"{"strict":"yes"}"#, 400),
        ("GET", "/status", "x", 400),
        ("POST", "/flush", " ", 400),
        ("POST", "/flush", "all", 400),
        ("POST", "/flush", r#"{"nmae":"a"}"#, 400),
        ("POST", "/flush", r#"{"subtree":true}"#, 400),
        ("POST", "/flush", r#"{"name":"a..b"}"#, 400),
        ("POST", "/flush", r#"{"name":"a"}{}"#, 400),
        ("POST", "/flush", r#"{"name":"a","name":"b"}"#, 400),
        ("POST", "/flush", &deep, 400),
        ("POST", "/flush", &deepest, 400),
        ("POST", "/diff", r#"{"config":"a/b"}"#, 400),
        ("POST", "/diff", r#"{"config":7}"#, 400),
        ("GET", "/explain", "", 400),
        ("GET", "/explain?name=a", "", 400),
        ("GET", "/explain?name=a&type=WHAT", "", 400),
        ("GET", "/explain?name=a&type=A&type=A", "", 400),
        ("GET", "/explain?name=a&type=A&for=me", "", 400),
        ("GET", "/explain?name=a%2&type=A", "", 400),
        ("GET", "/explain?name=a&type=A&from=localhost", "", 400),
        ("GET", "/explain?name=a&type=A&to=", "", 400),
    ] {
        let (found, said) = server.request(method, path, body);
        let shown = body.get(..30).unwrap_or(body);
        assert_eq!(found, code, "{method} {path} {shown}: {said}");
        assert!(method == "HEAD" || (said.starts_with(ERRORS) && said.len() > 25), "{said}");
        assert_eq!(server.fake.calls(), [""; 0], "{method} {path} {shown}");
    }
    assert!(server.request("POST", "/flush", &deep).1.contains("nested deeper than 8"));
    let said = server.ask(b"GET /reload HTTP/1.1\r\n\r\n");
    assert!(said.contains("allow: POST"), "{said}");
}

#[test]
fn heads_and_bodies_are_bounded() {
    let server = FakeServer::start(FakeOutcome::Succeed);
    let padded = |length: usize| {
        let head = "GET /healthy HTTP/1.1\r\nA: \r\n\r\n".len();
        format!("GET /healthy HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(length - head))
    };
    assert_eq!(status_code(&server.ask(padded(8 * 1024).as_bytes())), 200);
    let name = format!("{{\"name\":\"a\"{}}}", " ".repeat(64 * 1024 - 12));
    assert_eq!(name.len(), 64 * 1024);
    assert_eq!(server.request("POST", "/flush", &name).0, 200);
    assert_eq!(server.fake.calls().len(), 2);

    assert_eq!(status_code(&server.ask(padded(8 * 1024 + 1).as_bytes())), 431);
    let lines = format!("GET /healthy HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(33));
    assert_eq!(status_code(&server.ask(lines.as_bytes())), 431);
    assert_eq!(server.request("POST", "/flush", &format!("{name} ")).0, 413);
    let huge = "POST /flush HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n{";
    assert_eq!(status_code(&server.ask(huge.as_bytes())), 413);
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let chunks = format!("POST /flush HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{}", chunk.repeat(2));
    assert_eq!(status_code(&server.ask(chunks.as_bytes())), 413);
    assert_eq!(server.fake.calls(), [""; 0]);
}

#[test]
fn a_connection_is_one_request() {
    let server = FakeServer::start(FakeOutcome::Succeed);
    let said = server.ask(b"GET /healthy HTTP/1.1\r\n\r\nPOST /reload HTTP/1.1\r\n\r\n");
    assert!(said.contains("connection: close") && said.matches("HTTP/1.1").count() == 1, "{said}");
    // Two lengths: where the next request begins is a matter of opinion.
    let two = b"POST /flush HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nPOST /reload HTTP/1.1\r\n\r\n";
    let _ = server.ask(two);
    assert!(!server.fake.calls().contains(&"/reload".to_owned()));
}

#[test]
fn the_17th_client_is_refused() {
    let server = FakeServer::start(FakeOutcome::Succeed);
    let mut held: Vec<UnixStream> = (0..LIMITS.clients).map(|_| server.connect()).collect();
    for _ in 0..100 {
        let said = server.ask(b"POST /reload HTTP/1.1\r\n\r\n");
        assert_eq!(status_code(&said), 503, "{said}");
        assert!(said.ends_with("try again\"]}\n"), "{said}");
    }
    assert_eq!(server.fake.calls(), [""; 0]);
    let mut one = held.pop().unwrap();
    one.write_all(b"GET /healthy HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(status_code(&rest(one)), 200);
    let begun = Clock::now();
    while status_code(&server.ask(b"GET /healthy HTTP/1.1\r\n\r\n")) != 200 {
        assert!(begun.elapsed() < Duration::from_secs(2), "no permit became free");
    }
}

#[test]
fn slow_clients_are_cut_off() {
    let server = FakeServer::start(FakeOutcome::Succeed);
    let begun = Clock::now();
    let silent = server.connect();
    let mut head = server.connect();
    let mut body = server.connect();
    body.write_all(b"POST /flush HTTP/1.1\r\nContent-Length: 2\r\n\r\n{").unwrap();
    head.write_all(b"GET /healthy HTTP/1.1\r\nA: ").unwrap();
    // The drip does not buy time.
    while head.write_all(b"x").is_ok() {
        assert!(begun.elapsed() < LIMITS.read * 2, "still reading");
        std::thread::sleep(Duration::from_millis(100));
    }
    let said = rest(body);
    assert!(status_code(&said) == 408 && said.contains(ERRORS), "{said}");
    let _ = rest(silent);
    let took = begun.elapsed().as_secs_f64();
    assert!((4.5..7.0).contains(&took), "{took} s");
    assert_eq!(server.fake.calls(), [""; 0]);
}

#[test]
fn a_client_that_does_not_read_is_cut_off() {
    let server = FakeServer::start(FakeOutcome::Heavy(Duration::ZERO));
    let mut stuck = server.connect();
    stuck.write_all(b"GET /stats HTTP/1.1\r\n\r\n").unwrap();
    // Its time begins with the response, however long that took to make.
    let mut said = vec![0; 12];
    stuck.read_exact(&mut said).unwrap();
    std::thread::sleep(LIMITS.write + Duration::from_secs(2));
    // The rest never comes.
    let _ = stuck.read_to_end(&mut said);
    assert_eq!(said.get(..12), Some(&b"HTTP/1.1 200"[..]));
    assert!(said.len() < 1 << 20, "{}", said.len());
}

#[test]
fn a_client_that_hangs_up_stops_nothing() {
    let server = FakeServer::start(FakeOutcome::Heavy(Duration::from_millis(300)));
    let mut gone = server.connect();
    gone.write_all(b"POST /reload HTTP/1.1\r\n\r\n").unwrap();
    let begun = Clock::now();
    let mut calls = Vec::new();
    while calls.is_empty() {
        calls = server.fake.calls();
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
    drop(gone);
    while calls != ["/reload", "reloaded"] {
        calls.extend(server.fake.calls());
        assert!(begun.elapsed() < Duration::from_secs(2), "{calls:?}");
    }
}

#[test]
fn a_command_that_panics_is_reported() {
    let server = FakeServer::start(FakeOutcome::Panic);
    for (method, path) in [("GET", "/status"), ("POST", "/reload"), ("GET", "/explain?name=a&type=A")] {
        let (code, said) = server.request(method, path, "");
        assert!(code == 500 && said.starts_with(ERRORS), "{said}");
    }
}

#[test]
fn a_stop_ends_it() {
    let FakeServer { stop, task, path, runtime, folder, .. } = FakeServer::start(FakeOutcome::Succeed);
    let _idle = UnixStream::connect(&path).unwrap();
    stop.send(true).unwrap();
    let begun = Clock::now();
    runtime.block_on(task).unwrap();
    assert!(begun.elapsed() < DRAIN + Duration::from_secs(1));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file is gone");

    let FakeServer { stop, task, runtime, .. } = FakeServer::start(FakeOutcome::Succeed);
    drop(stop);
    runtime.block_on(task).unwrap();
}

#[test]
fn the_bounds_are_those_promised() {
    assert_eq!((LIMITS.clients, LIMITS.head_bytes, LIMITS.body_bytes), (16, 8192, 65_536));
    assert_eq!((LIMITS.read.as_secs(), LIMITS.write.as_secs()), (5, 5));
}
