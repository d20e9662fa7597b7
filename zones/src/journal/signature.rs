//! Signatures of messages that were carried out: one that comes again is known by them.

use super::payload::RecordPayload;

/// Bytes of a signature in a record.
const LENGTH: usize = 18;

/// The signature of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalSignature {
    /// The beginning of the MAC, as much of it as there is in every case (RFC 8945 section 5.2.2.1).
    pub mac: [u8; 10],
    /// Until when it is good, in seconds since 1970.
    pub until: u64,
}

impl JournalSignature {
    /// Appends it to the payload of a [`super::RecordKind::Signatures`].
    pub fn write(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.mac);
        into.extend_from_slice(&self.until.to_be_bytes());
    }
}

impl RecordPayload<'_> {
    /// The signatures of a [`super::RecordKind::Signatures`].
    pub fn signatures(self) -> impl Iterator<Item = JournalSignature> {
        let all = self.0.as_chunks::<LENGTH>().0.iter();
        all.filter_map(|bytes| {
            let (mac, until) = bytes.split_first_chunk()?;
            Some(JournalSignature { mac: *mac, until: u64::from_be_bytes(*until.first_chunk()?) })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let signatures = [(1, 1_700_000_300), (2, u64::MAX)];
        let signatures = signatures.map(|(mac, until)| JournalSignature { mac: [mac; 10], until });
        let mut payload = Vec::new();
        for signature in &signatures {
            signature.write(&mut payload);
        }
        let read: Vec<_> = RecordPayload(&payload).signatures().collect();
        assert_eq!(read, signatures);
        let cut = payload.get(..payload.len() - 1).unwrap();
        assert_eq!(RecordPayload(cut).signatures().count(), 1);
    }
}
