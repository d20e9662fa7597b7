//! Settings (RFC 9113, section 6.5).

use super::error_code::Http2ErrorCode;
use super::frame::{LARGEST, LONGEST_FRAME, kind, put_frame};
use super::request_head::LONGEST_HEAD;

/// Streams at a time.
pub(super) const MOST_STREAMS: usize = 100;
/// What is held of the content of a request until there is room for more of it, in bytes: any usual query.
pub const STREAM_WINDOW: u32 = 4096;
/// The window that streams have as long as no settings say otherwise, and that connections begin with (RFC 9113, section 6.9.2).
pub(super) const FIRST_WINDOW: u32 = 65_535;

const HEADER_TABLE_SIZE: u16 = 1;
const ENABLE_PUSH: u16 = 2;
const MAX_CONCURRENT_STREAMS: u16 = 3;
const INITIAL_WINDOW_SIZE: u16 = 4;
const MAX_FRAME_SIZE: u16 = 5;
const MAX_HEADER_LIST_SIZE: u16 = 6;
/// The largest frame that anybody may ask for.
const MOST_FRAME_SIZE: u32 = (1 << 24) - 1;

/// What a client changes that matters to a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SettingsChange {
    /// The size of the table for header blocks: the least one that was said, and the last (RFC 7541, section 4.2).
    pub(super) table: Option<(u32, u32)>,
    /// The window that streams begin with.
    pub(super) window: Option<u32>,
}

/// Reads the content of a frame. Of a setting that comes more than once the last value counts. Errors: a value that must not be.
pub(super) fn read_settings(content: &[u8]) -> Result<SettingsChange, Http2ErrorCode> {
    let (settings, rest) = content.as_chunks::<6>();
    if !rest.is_empty() {
        return Err(Http2ErrorCode::FrameSize);
    }
    let mut change = SettingsChange::default();
    for [i1, i2, v1, v2, v3, v4] in settings {
        let value = u32::from_be_bytes([*v1, *v2, *v3, *v4]);
        match u16::from_be_bytes([*i1, *i2]) {
            HEADER_TABLE_SIZE => {
                let least = change.table.map_or(value, |(least, _)| least.min(value));
                change.table = Some((least, value));
            }
            ENABLE_PUSH if value > 1 => return Err(Http2ErrorCode::Protocol),
            INITIAL_WINDOW_SIZE if value > LARGEST => return Err(Http2ErrorCode::FlowControl),
            INITIAL_WINDOW_SIZE => change.window = Some(value),
            MAX_FRAME_SIZE if !(LONGEST_FRAME as u32..=MOST_FRAME_SIZE).contains(&value) => {
                return Err(Http2ErrorCode::Protocol);
            }
            // Nothing is pushed, no frame is longer than all have to take, and the heads of responses are short.
            _ => {}
        }
    }
    Ok(change)
}

/// Writes what this side sets.
pub(super) fn put_settings(out: &mut Vec<u8>) {
    let settings = [
        (MAX_CONCURRENT_STREAMS, MOST_STREAMS as u32),
        (INITIAL_WINDOW_SIZE, STREAM_WINDOW),
        (MAX_HEADER_LIST_SIZE, LONGEST_HEAD as u32),
    ];
    let mut content = [0; 18];
    for (place, (setting, value)) in content.as_chunks_mut::<6>().0.iter_mut().zip(settings) {
        let ([i1, i2], [v1, v2, v3, v4]) = (setting.to_be_bytes(), value.to_be_bytes());
        *place = [i1, i2, v1, v2, v3, v4];
    }
    put_frame(out, kind::SETTINGS, 0, 0, &content);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(setting: u16, value: u32) -> Vec<u8> {
        [&setting.to_be_bytes()[..], &value.to_be_bytes()].concat()
    }

    #[test]
    fn values_that_must_not_be_are_errors() {
        for (wrong, code) in [
            (setting(ENABLE_PUSH, 2), Http2ErrorCode::Protocol),
            (setting(INITIAL_WINDOW_SIZE, 1 << 31), Http2ErrorCode::FlowControl),
            (setting(MAX_FRAME_SIZE, 16_383), Http2ErrorCode::Protocol),
            (setting(MAX_FRAME_SIZE, 1 << 24), Http2ErrorCode::Protocol),
            (vec![0; 5], Http2ErrorCode::FrameSize),
            (vec![0; 7], Http2ErrorCode::FrameSize),
        ] {
            assert_eq!(read_settings(&wrong), Err(code), "{wrong:?}");
        }
    }

    #[test]
    fn the_last_value_counts_and_unknown_settings_do_not() {
        let content = [
            setting(HEADER_TABLE_SIZE, 100),
            setting(0x7777, u32::MAX),
            setting(INITIAL_WINDOW_SIZE, 0),
            setting(HEADER_TABLE_SIZE, 7),
            setting(ENABLE_PUSH, 1),
            setting(MAX_CONCURRENT_STREAMS, 0),
            setting(MAX_FRAME_SIZE, 16_384),
            setting(INITIAL_WINDOW_SIZE, LARGEST),
            setting(HEADER_TABLE_SIZE, 5000),
        ];
        let change = read_settings(&content.concat()).unwrap();
        assert_eq!(change, SettingsChange { table: Some((7, 5000)), window: Some(LARGEST) });
        assert_eq!(read_settings(&[]), Ok(SettingsChange::default()));
    }
}
