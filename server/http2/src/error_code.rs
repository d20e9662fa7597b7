//! Why a stream or a connection ends (RFC 9113, section 7).

/// What a client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Http2ErrorCode {
    /// All is well.
    NoError = 0,
    /// The rules were broken.
    Protocol = 1,
    /// More was sent than there was room for.
    FlowControl = 3,
    /// A frame was sent for a stream that has ended.
    StreamClosed = 5,
    /// A frame has a length that it must not have.
    FrameSize = 6,
    /// There are too many streams; nothing was done for this one.
    RefusedStream = 7,
    /// A header block cannot be read.
    Compression = 9,
    /// Too much was sent that is of no use.
    EnhanceYourCalm = 11,
}
