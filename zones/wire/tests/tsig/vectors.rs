//! What other implementations made: dnspython, and BIND.

use super::*;

struct Case {
    name: &'static str,
    key: Arc<TsigKey>,
    time: u64,
    request: Vec<u8>,
    responses: Vec<Vec<u8>>,
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn cases() -> Vec<Case> {
    let lines = include_str!("tsig.vectors").lines();
    lines
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let secret = unhex(words[3]);
            Case {
                name: words[0],
                key: Arc::new(key(words[1], words[2].parse().unwrap(), &secret)),
                time: words[4].parse().unwrap(),
                request: unhex(words[5]),
                responses: words[6..].iter().map(|word| unhex(word)).collect(),
            }
        })
        .collect()
}

/// The MAC of a message.
fn mac(message: &[u8]) -> Option<Vec<u8>> {
    TsigRecord::find(message).unwrap().map(|record| record.mac.to_vec())
}

#[test]
fn requests_and_responses_are_signed_as_others_sign_them() {
    let cases = cases();
    assert_eq!(cases.len(), 31);
    for case in cases {
        let record = TsigRecord::find(&case.request).unwrap().unwrap();
        assert_eq!(record.key_name(), case.key.name(), "{}", case.name);
        let (made, mut verifier) = signed(&case.key, &unsigned(&case.request), record.time);
        assert_eq!(mac(&made), mac(&case.request), "{}", case.name);
        if case.name.starts_with("dig-bad") {
            continue;
        }
        let result = verify(&case.request, &ring(&[&case.key]), case.time);
        let mut signer = match result {
            Ok(signer) => signer,
            Err(RequestRejection::Signed(TsigError::BadTime, signer)) if case.name == "badtime" => signer,
            Err(error) => panic!("{}: {error:?}", case.name),
        };
        for response in &case.responses {
            let plain = unsigned(response);
            let result = verifier.verify(response, case.time);
            let Some(expected) = mac(response) else {
                signer.pass(response);
                assert_eq!(result, Ok(response.len()), "{}", case.name);
                assert!(!verifier.is_complete());
                continue;
            };
            assert_eq!(mac(&answered(&mut signer, &plain, case.time)), Some(expected), "{}", case.name);
            if case.name == "badtime" {
                let server_time = Some(case.time);
                let error = TsigError::BadTime;
                assert_eq!(result, Err(ResponseError::RejectedSigned { error, server_time }));
            } else {
                assert_eq!(result, Ok(plain.len()), "{}", case.name);
                assert!(verifier.is_complete(), "{}", case.name);
            }
        }
    }
}

/// What named answered to requests of dig that were signed wrongly is what is answered here.
#[test]
fn errors_are_answered_as_named_answers_them() {
    let cases = cases();
    let case = |name| cases.iter().find(|case| case.name == name).unwrap();
    let known = ring(&[&case("dig").key]);
    for (name, error) in [("dig-badsig", TsigError::BadSignature), ("dig-badkey", TsigError::BadKey)] {
        let case = case(name);
        let record = TsigRecord::find(&case.request).unwrap().unwrap();
        let result = verify_request(&case.request, &record, &known, case.time);
        assert!(matches!(result, Err(RequestRejection::Unsigned(found)) if found == error), "{name}");
        let response = &case.responses[0];
        let plain = unsigned(response);
        let mut buffer = plain.clone();
        buffer.resize(512, 0);
        let length = write_unsigned_error(&record, error, &mut buffer, plain.len()).unwrap();
        // named compresses the name of the key.
        let (ours, theirs) =
            (TsigRecord::find(&buffer[..length]).unwrap(), TsigRecord::find(response).unwrap());
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"), "{name}");
        let (_, mut verifier) = signed(&case.key, &unsigned(&case.request), record.time);
        assert_eq!(verifier.verify(response, case.time), Err(ResponseError::Rejected(error)), "{name}");
    }
    let case = case("dig-badtime");
    let Err(RequestRejection::Signed(TsigError::BadTime, mut signer)) =
        verify(&case.request, &known, case.time)
    else {
        panic!("not BADTIME")
    };
    let response = &case.responses[0];
    assert_eq!(mac(&answered(&mut signer, &unsigned(response), case.time)), mac(response));
    let (_, mut verifier) = signed(&case.key, &unsigned(&case.request), 1_000_000);
    let (error, server_time) = (TsigError::BadTime, Some(case.time));
    let wanted = Err(ResponseError::RejectedSigned { error, server_time });
    assert_eq!(verifier.verify(response, case.time), wanted);
}
