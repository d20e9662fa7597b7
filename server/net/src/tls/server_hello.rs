//! What a server's first message of a handshake tells (RFC 8446, section 4.1.3), for libraries that do not tell it otherwise.

use rustls::NamedGroup;

use super::session_terms::KeyExchange;

/// Its type (RFC 8446, section 4); that of a request for another key share is the same.
const SERVER_HELLO: u8 = 2;
/// Extensions (RFC 8446, section 4.2).
const PRE_SHARED_KEY: u16 = 41;
const KEY_SHARE: u16 = 51;

/// What a handshake agrees on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ServerHello {
    /// Whether an earlier session is resumed.
    pub(crate) resumed: bool,
    /// How the keys are exchanged.
    pub(crate) group: KeyExchange,
}

impl ServerHello {
    /// Of the messages at the front of some bytes. None: the first one is another.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let ([SERVER_HELLO], _length) = (*take::<1>(&mut rest)?, take::<3>(&mut rest)?) else { return None };
        let (_version, _random) = (take::<2>(&mut rest)?, take::<32>(&mut rest)?);
        let [session] = *take::<1>(&mut rest)?;
        rest = rest.get(usize::from(session)..)?;
        let (_suite, _compression) = (take::<2>(&mut rest)?, take::<1>(&mut rest)?);
        let length = number(&mut rest)?;
        let mut extensions = rest.get(..length.into())?;
        let (mut resumed, mut group) = (false, None);
        while !extensions.is_empty() {
            let (kind, length) = (number(&mut extensions)?, number(&mut extensions)?);
            let (mut body, behind) = extensions.split_at_checked(length.into())?;
            extensions = behind;
            match kind {
                PRE_SHARED_KEY => resumed = true,
                KEY_SHARE => group = Some(NamedGroup::from(number(&mut body)?)),
                _ => {}
            }
        }
        Some(Self { resumed, group: KeyExchange::of_group(group) })
    }
}

fn take<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(taken)
}

fn number(bytes: &mut &[u8]) -> Option<u16> {
    take(bytes).copied().map(u16::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message with these extensions.
    fn hello(extensions: &[(u16, &[u8])]) -> Vec<u8> {
        let block: Vec<u8> = extensions
            .iter()
            .flat_map(|(kind, body)| {
                [&kind.to_be_bytes(), &(body.len() as u16).to_be_bytes()[..], body].concat()
            })
            .collect();
        let length = (block.len() as u16).to_be_bytes();
        let fixed = [&[3, 3][..], &[7; 32], &[4, 1, 2, 3, 4], &[0x13, 1], &[0]].concat();
        let size = (fixed.len() + 2 + block.len()) as u32;
        [&[SERVER_HELLO], &size.to_be_bytes()[1..], &fixed, &length, &block].concat()
    }

    #[test]
    fn groups_and_resumption_are_found() {
        let versions = (43, &[3, 4][..]);
        for (extensions, resumed, group) in [
            (vec![versions, (KEY_SHARE, &[0x11, 0xec, 0, 1, 9])], false, KeyExchange::X25519MlKem768),
            (vec![(KEY_SHARE, &[0, 29, 0, 1, 9]), (PRE_SHARED_KEY, &[0, 0])], true, KeyExchange::X25519),
            (vec![(PRE_SHARED_KEY, &[0, 0]), versions], true, KeyExchange::Nothing),
            // A request for another share.
            (vec![versions, (KEY_SHARE, &[0, 23])], false, KeyExchange::Secp256r1),
            (vec![(KEY_SHARE, &[0x7a, 0x7a])], false, KeyExchange::Other),
        ] {
            assert_eq!(ServerHello::read(&hello(&extensions)), Some(ServerHello { resumed, group }));
        }
    }

    #[test]
    fn what_is_cut_or_another_message_is_none() {
        let whole = hello(&[(43, &[3, 4]), (KEY_SHARE, &[0, 29, 0, 1, 9])]);
        for length in 0..whole.len() {
            assert_eq!(ServerHello::read(&whole[..length]), None, "{length} bytes");
        }
        assert_eq!(ServerHello::read(&[&[8], &whole[1..]].concat()), None);
    }
}
