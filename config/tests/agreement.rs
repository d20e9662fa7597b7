//! What the reader accepts, the JSON Schema accepts too; and what the schema refuses by structure, the reader refuses.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what panics in a test fails it"
)]

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::select;
use rhumb_config::{keys, parse, schema};
use serde_json::{Map, Value, json};

/// Whether `value` follows `schema`; of the words of JSON Schema those that ours uses, patterns left out.
fn follows(schema: &Value, value: &Value) -> bool {
    let Value::Object(words) = schema else { return schema == &json!(true) };
    words.iter().all(|(word, rule)| match word.as_str() {
        "type" => is_type(rule.as_str().unwrap(), value),
        "properties" => value.as_object().is_none_or(|entries| {
            entries.iter().all(|(key, value)| rule.get(key).is_none_or(|schema| follows(schema, value)))
        }),
        "additionalProperties" => value
            .as_object()
            .is_none_or(|entries| entries.keys().all(|key| words["properties"].get(key).is_some())),
        "required" => rule.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some()),
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| follows(rule, item))),
        "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
        "uniqueItems" => value
            .as_array()
            .is_none_or(|items| items.iter().enumerate().all(|(i, item)| !items[..i].contains(item))),
        "minimum" => value.as_i64().is_none_or(|number| number >= rule.as_i64().unwrap()),
        "maximum" => value.as_i64().is_none_or(|number| number <= rule.as_i64().unwrap()),
        "minLength" => {
            value.as_str().is_none_or(|text| text.chars().count() as u64 >= rule.as_u64().unwrap())
        }
        "maxLength" => {
            value.as_str().is_none_or(|text| text.chars().count() as u64 <= rule.as_u64().unwrap())
        }
        "enum" => rule.as_array().unwrap().contains(value),
        "const" => rule == value,
        "not" => !follows(rule, value),
        "anyOf" => rule.as_array().unwrap().iter().any(|schema| follows(schema, value)),
        "oneOf" => rule.as_array().unwrap().iter().filter(|schema| follows(schema, value)).count() == 1,
        "description" | "default" | "pattern" | "title" | "$schema" => true,
        other => panic!("{other} is not known here"),
    })
}

fn is_type(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        other => panic!("{other} is not known here"),
    }
}

fn scalar() -> impl Strategy<Value = Value> {
    select(vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(53),
        json!(1232),
        json!(70_000),
        json!(-1),
        json!(1.5),
        json!(""),
        json!("::"),
        json!("0.0.0.0"),
        json!("192.0.2.1"),
        json!("192.0.2.1:5353"),
        json!("127.0.0.1:9153"),
        json!("example.com"),
        json!("."),
        json!("1d"),
        json!("30s"),
        json!("256MiB"),
        json!("auto"),
        json!("off"),
        json!("info"),
        json!("json"),
        json!("udp"),
        json!("tls"),
        json!("0600"),
        json!("fastest"),
        json!("built-in"),
        json!("10.0.0.0/8"),
    ])
}

/// Every key there is, and one that is none.
fn key() -> impl Strategy<Value = String> {
    let keys = keys().into_iter().filter_map(|key| key.path.rsplit('.').next().map(str::to_owned));
    select(keys.chain(["other".to_owned()]).collect::<Vec<_>>())
}

fn document() -> impl Strategy<Value = Value> {
    let inner = scalar().prop_recursive(4, 32, 4, |inner| {
        prop_oneof![proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::Array), section(inner),]
    });
    section(inner)
}

fn section(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    proptest::collection::vec((key(), inner), 0..4)
        .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>()))
}

/// Walks down to the values of an example that is right and puts `value` where the numbers lead.
fn put(document: &mut Value, way: &[usize], value: Value) {
    let mut here = document;
    for step in way {
        let next = match &mut *here {
            Value::Object(entries) if !entries.is_empty() => {
                let index = step % entries.len();
                entries.values_mut().nth(index)
            }
            Value::Array(items) if !items.is_empty() => {
                let index = step % items.len();
                items.get_mut(index)
            }
            _ => None,
        };
        match next {
            Some(_) => {}
            None => break,
        }
        here = match here {
            Value::Object(entries) => {
                let index = step % entries.len();
                entries.values_mut().nth(index).unwrap()
            }
            Value::Array(items) => {
                let index = step % items.len();
                &mut items[index]
            }
            _ => unreachable!(),
        };
    }
    *here = value;
}

fn right() -> Value {
    json!({
        "listen": [
            { "address": "::", "port": 5300, "v6only": true, "transports": ["udp", "tcp"] },
            { "address": "0.0.0.0", "port": 5300 },
            { "address": "192.0.2.1", "transports": ["tls"], "certificate": "c", "key": "k" },
        ],
        "workers": 2,
        "zones": [{ "name": "example.com", "file": "a" }, { "directory": "b" }],
        "forward": [{
            "domain": ".",
            "upstreams": ["192.0.2.53", { "list": "l" }, { "resolv-conf": "r" }],
            "policy": "random",
            "fallback": "iterate",
        }],
        "stub": [{ "domain": "lab.example", "servers": ["192.0.2.53", "[2001:db8::1]:5353"] }],
        "recursion": {
            "allow": ["127.0.0.0/8"], "dnssec": "validate", "root-hints": "built-in", "local-root": { "file": "r" },
            "trust-anchors": [". DS 20326 8 2 E06D"], "aggressive-nsec": false,
            "negative-trust-anchors": [{ "domain": "a.test", "until": "2027-01-31" }, { "domain": "b.test" }], "qname-minimisation": "strict",
            "ipv4": false, "ipv6": true, "query-loopback": true, "source-addresses": ["192.0.2.1", "2001:db8::1"],
        },
        "cache": { "size": "64MiB", "serve-stale": 0, "min-ttl": "0s", "max-ttl": "1h", "prefetch": false },
        "metrics": { "listen": "127.0.0.1:9153" },
        "control": { "socket": "s", "mode": "0660" },
        "log": { "level": "debug", "format": "text", "queries": true },
        "user": 65532,
        "server": {
            "nsid": "ns", "tcp-clients": 5, "tcp-clients-per-network": 2, "tcp-idle": "5s", "tcp-first-query": "1s",
            "tcp-in-flight": 3, "edns-size": 1400, "receive-buffer": 65536, "identity": "i", "version": "v",
            "cookies": true, "cookie-secrets": ["000102030405060708090a0b0c0d0e0f"], "report-channel": "agent.example",
            "rate-limit": {
                "responses-per-second": 10, "errors-per-second": 5, "slip": 0, "ipv4-prefix": 32, "ipv6-prefix": 64,
                "exempt": ["10.0.0.0/8"], "table-size": 5000,
            },
        },
    })
}

/// JSON is YAML, so one text serves both.
fn accepted(value: &Value) -> bool {
    parse(&value.to_string(), Path::new("x.yaml")).is_ok()
}

#[test]
fn what_is_right_is_accepted_by_both() {
    let value = right();
    parse(&value.to_string(), Path::new("x.yaml")).unwrap();
    assert!(follows(&schema(), &value));
}

/// A value may have one of several forms.
#[test]
fn other_forms_are_accepted_by_both() {
    for anchors in [json!("built-in"), json!({ "file": "root.key" }), json!([])] {
        let mut value = right();
        value["recursion"]["trust-anchors"] = anchors;
        assert!(accepted(&value) && follows(&schema(), &value), "{value}");
    }
}

#[test]
fn what_is_wrong_by_structure_is_refused_by_both() {
    let schema = schema();
    for (way, wrong) in [
        (&["listen", "0", "address"][..], json!(1)),
        (&["listen", "0", "port"], json!(0)),
        (&["listen", "0", "transports"], json!([])),
        (&["listen", "0", "transports"], json!(["udp", "udp"])),
        (&["listen", "0", "transports"], json!(["dtls"])),
        (&["listen", "2", "certificate"], json!("")),
        (&["listen", "2", "key"], json!([])),
        (&["listen"], json!([])),
        (&["zones", "0"], json!({ "name": "a" })),
        (&["zones", "0"], json!({ "name": "a", "directory": "b" })),
        (&["zones", "0"], json!({ "name": "a", "file": "c", "directory": "b" })),
        (&["zones", "0", "file"], json!("")),
        (&["forward", "0", "upstreams"], json!([])),
        (&["forward", "0", "upstreams", "1"], json!({ "list": "a", "resolv-conf": "b" })),
        (&["forward", "0", "policy"], json!("fast")),
        (&["forward", "0", "fallback"], json!("root")),
        (&["stub", "0", "servers"], json!([])),
        (&["stub", "0"], json!({ "domain": "lab.example" })),
        (&["recursion", "qname-minimisation"], json!("on")),
        (&["recursion", "ipv4"], json!(4)),
        (&["cache", "serve-stale"], json!(true)),
        (&["recursion", "dnssec"], json!("on")),
        (&["recursion", "trust-anchors"], json!({ "path": "root.key" })),
        (&["recursion", "trust-anchors"], json!({ "file": "" })),
        (&["recursion", "negative-trust-anchors", "0"], json!({ "until": "2027-01-31" })),
        (&["cache", "max-ttl"], json!(0)),
        (&["cache", "size"], json!(1)),
        (&["log", "level"], json!("loud")),
        (&["control", "mode"], json!(600)),
        (&["workers"], json!(0)),
        (&["user"], json!(-1)),
        (&["server", "edns-size"], json!(100)),
        (&["server", "identity"], json!("")),
        (&["server", "cookies"], json!("yes")),
        (&["server", "cookie-secrets"], json!([])),
        (&["server", "cookie-secrets", "0"], json!("0102")),
        (&["server", "rate-limit", "slip"], json!(101)),
        (&["server", "rate-limit", "ipv4-prefix"], json!(33)),
        (&["server", "rate-limit", "responses-per-second"], json!(0)),
        (&["server", "rate-limit"], json!(null)),
        (&["metrics"], json!({})),
        (&["cache"], json!({ "colour": 1 })),
        (&["cache"], json!(null)),
    ] {
        let mut value = right();
        let pointer = format!("/{}", way.join("/"));
        *value.pointer_mut(&pointer).unwrap() = wrong.clone();
        assert!(!follows(&schema, &value), "the schema accepts {wrong} at {pointer}");
        assert!(!accepted(&value), "the reader accepts {wrong} at {pointer}");
    }
}

proptest! {
    #[test]
    fn the_schema_accepts_what_the_reader_accepts(value in document()) {
        if accepted(&value) {
            prop_assert!(follows(&schema(), &value), "{value}");
        }
    }

    #[test]
    fn also_when_one_value_is_replaced(
        way in proptest::collection::vec(0_usize..16, 1..5), new in prop_oneof![scalar(), document()],
    ) {
        let mut value = right();
        put(&mut value, &way, new);
        if accepted(&value) {
            prop_assert!(follows(&schema(), &value), "{value}");
        }
    }
}
