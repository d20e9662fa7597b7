//! CRC-32C (RFC 3720 section 12.1), eight bytes at a time.

/// The polynomial, its bits reversed.
const POLYNOMIAL: u32 = 0x82f6_3b78;

const TABLES: [[u32; 256]; 8] = tables();

#[allow(clippy::indexing_slicing, reason = "at compile time, where an index out of bounds is an error")]
const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut value = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            value = value >> 1 ^ if value & 1 == 1 { POLYNOMIAL } else { 0 };
            bit += 1;
        }
        tables[0][byte] = value;
        byte += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before: u32 = tables[table - 1][byte];
            tables[table][byte] = before >> 8 ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        table += 1;
    }
    tables
}

/// The entry of a table for the lowest byte of `value`.
const fn entry(table: &[u32; 256], value: u32) -> u32 {
    let [byte, ..] = value.to_le_bytes();
    let found = table.split_at(byte as usize).1;
    // A byte is always within the table.
    match found.first() {
        Some(entry) => *entry,
        None => 0,
    }
}

/// The checksum of the parts one behind the other, CRC-32C (RFC 3720 section 12.1).
pub fn crc32c(parts: &[&[u8]]) -> u32 {
    !parts.iter().fold(u32::MAX, |crc, part| update(crc, part))
}

fn update(mut crc: u32, bytes: &[u8]) -> u32 {
    let [t0, t1, t2, t3, t4, t5, t6, t7] = &TABLES;
    let (chunks, rest) = bytes.as_chunks::<8>();
    for &[b0, b1, b2, b3, b4, b5, b6, b7] in chunks {
        let low = crc ^ u32::from_le_bytes([b0, b1, b2, b3]);
        let high = u32::from_le_bytes([b4, b5, b6, b7]);
        crc = entry(t7, low)
            ^ entry(t6, low >> 8)
            ^ entry(t5, low >> 16)
            ^ entry(t4, low >> 24)
            ^ entry(t3, high)
            ^ entry(t2, high >> 8)
            ^ entry(t1, high >> 16)
            ^ entry(t0, high >> 24);
    }
    rest.iter().fold(crc, |crc, byte| crc >> 8 ^ entry(t0, crc ^ u32::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::crc32c;

    /// RFC 3720 appendix B.4.
    #[test]
    fn known_values() {
        let ascending: Vec<u8> = (0..32).collect();
        for (bytes, expected) in [
            (&[0; 32][..], 0x8a91_36aa),
            (&[0xff; 32], 0x62a8_ab43),
            (&ascending, 0x46dd_794e),
            (b"123456789", 0xe306_9283),
            (b"", 0),
        ] {
            assert_eq!(crc32c(&[bytes]), expected);
            for at in 0..=bytes.len() {
                let (one, other) = bytes.split_at(at);
                assert_eq!(crc32c(&[one, other]), expected, "in two at {at}");
            }
        }
    }
}
