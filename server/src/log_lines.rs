//! Standard error: whole lines of several threads, none of which waits for long for whoever reads them.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd;

/// The most bytes of one write: what a pipe with any room takes at once (pipe(7)).
pub const PIECE: usize = 4096;
/// How long a line may wait for a reader, in milliseconds. Once one has waited in vain, the next ones do not.
const LONGEST_WAIT: u8 = 100;

/// Standard error of this process.
pub static STDERR: LogLines = LogLines::new();

/// Lines on their way out.
#[derive(Debug)]
pub struct LogLines {
    writing: Mutex<LogState>,
    dropped: AtomicU64,
}

#[derive(Debug)]
struct LogState {
    /// Lines that were dropped since the last one that was written.
    left_out: u64,
    /// Whether the end of the last line is missing.
    torn: bool,
}

impl LogLines {
    const fn new() -> Self {
        Self { writing: Mutex::new(LogState { left_out: 0, torn: false }), dropped: AtomicU64::new(0) }
    }

    /// Lines that were dropped because nobody reads them.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    /// Writes a line with its end, or drops it where there is no room for it. `notice` is a line that says how many were dropped before.
    pub fn write(&self, line: &[u8], notice: impl FnOnce(u64) -> String) {
        self.write_to(io::stderr().as_fd(), line, notice);
    }

    /// Writes whole lines of at most [`PIECE`] bytes and waits for room as long as it takes. For one thread that nobody waits for.
    pub fn write_with_room(&self, lines: &[u8]) {
        self.write_with_room_to(io::stderr().as_fd(), lines);
    }

    fn write_to(&self, out: BorrowedFd<'_>, line: &[u8], notice: impl FnOnce(u64) -> String) {
        let mut state = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = if state.left_out == 0 { PollTimeout::from(LONGEST_WAIT) } else { PollTimeout::ZERO };
        if !has_room(out, wait) {
            return self.drop_line(&mut state);
        }
        let before = state.missing(notice);
        let line = if before.is_empty() { line } else { &[before.as_bytes(), line].concat() };
        for (number, piece) in line.chunks(PIECE).enumerate() {
            if number > 0 && !has_room(out, wait) {
                state.torn = true;
                return self.drop_line(&mut state);
            }
            put(out, piece);
        }
    }

    fn write_with_room_to(&self, out: BorrowedFd<'_>, lines: &[u8]) {
        for piece in lines.chunks(PIECE) {
            loop {
                has_room(out, PollTimeout::NONE);
                let mut state = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
                // Another thread may have taken it.
                if has_room(out, PollTimeout::ZERO) {
                    if std::mem::take(&mut state.torn) {
                        put(out, b"\n");
                    } else {
                        put(out, piece);
                        break;
                    }
                }
            }
        }
    }

    fn drop_line(&self, state: &mut LogState) {
        state.left_out += 1;
        self.dropped.fetch_add(1, Relaxed);
    }
}

impl LogState {
    /// What has to be written before the next line.
    fn missing(&mut self, notice: impl FnOnce(u64) -> String) -> String {
        let end = if std::mem::take(&mut self.torn) { "\n" } else { "" };
        match std::mem::take(&mut self.left_out) {
            0 => end.to_owned(),
            lines => end.to_owned() + &notice(lines),
        }
    }
}

/// Whether a piece can be written without waiting for longer than this. An error is the write's to tell.
fn has_room(out: BorrowedFd<'_>, timeout: PollTimeout) -> bool {
    let mut fds = [PollFd::new(out, PollFlags::POLLOUT)];
    loop {
        match poll(&mut fds, timeout) {
            Err(Errno::EINTR) => {}
            found => return found != Ok(0),
        }
    }
}

fn put(out: BorrowedFd<'_>, mut piece: &[u8]) {
    while !piece.is_empty() {
        match unistd::write(out, piece) {
            Ok(written) if written > 0 => piece = piece.get(written..).unwrap_or_default(),
            Err(Errno::EINTR) => {}
            // Where standard error is gone there is nobody to be told.
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, Read as _, pipe};
    use std::sync::Arc;
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    fn notice(lines: u64) -> String {
        format!("{lines} left out\n")
    }

    fn read(mut reader: PipeReader, most: usize) -> String {
        let mut bytes = vec![0; most];
        let mut read = 0;
        let mut fds = [PollFd::new(reader.as_fd(), PollFlags::POLLIN)];
        while poll(&mut fds, PollTimeout::ZERO) == Ok(1) && read < most {
            read += reader.read(&mut bytes[read..]).unwrap();
            fds = [PollFd::new(reader.as_fd(), PollFlags::POLLIN)];
        }
        String::from_utf8(bytes[..read].to_vec()).unwrap()
    }

    #[test]
    fn lines_are_dropped_and_counted_where_nobody_reads() {
        let (reader, writer) = pipe().unwrap();
        let lines = LogLines::new();
        let begun = Instant::now();
        for number in 0..200_000 {
            lines.write_to(writer.as_fd(), format!("line {number}\n").as_bytes(), notice);
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", begun.elapsed());
        let dropped = lines.dropped();
        assert!((1..200_000).contains(&dropped), "{dropped}");
        let text = read(reader.try_clone().unwrap(), 1 << 20);
        assert_eq!(text.lines().count() as u64, 200_000 - dropped);
        assert!(text.lines().enumerate().all(|(number, line)| line == format!("line {number}")));
        lines.write_to(writer.as_fd(), b"next\n", notice);
        lines.write_to(writer.as_fd(), b"last\n", notice);
        assert_eq!(read(reader, 1 << 20), format!("{dropped} left out\nnext\nlast\n"));
        assert_eq!(lines.dropped(), dropped);
    }

    #[test]
    fn a_line_that_breaks_off_ends_before_the_next() {
        let (reader, writer) = pipe().unwrap();
        let lines = LogLines::new();
        lines.write_to(writer.as_fd(), &vec![b'x'; 1 << 20], notice);
        assert_eq!(lines.dropped(), 1);
        let begin = read(reader.try_clone().unwrap(), 1 << 20);
        assert!(begin.bytes().all(|byte| byte == b'x') && begin.len() >= PIECE);
        lines.write_to(writer.as_fd(), b"next\n", notice);
        assert_eq!(read(reader, 100), "\n1 left out\nnext\n");
    }

    #[test]
    fn one_that_waits_for_room_loses_nothing_and_holds_up_no_other() {
        let (mut reader, writer) = pipe().unwrap();
        let lines = Arc::new(LogLines::new());
        let (waiting, other) = (Arc::clone(&lines), writer.try_clone().unwrap());
        let thread = thread::spawn(move || {
            for _ in 0..500 {
                waiting.write_with_room_to(
                    other.as_fd(),
                    &[b"p".repeat(99), b"\n".to_vec()].concat().repeat(10),
                );
            }
        });
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(300) {
            lines.write_to(writer.as_fd(), b"other\n", notice);
        }
        let others = thread::spawn(move || drop(writer));
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        thread.join().unwrap();
        others.join().unwrap();
        assert_eq!(text.lines().filter(|line| *line == "p".repeat(99)).count(), 5000);
        assert!(
            text.lines().all(|line| line == "p".repeat(99) || line == "other" || line.ends_with("left out"))
        );
    }

    #[test]
    fn a_reader_that_is_gone_holds_up_nobody() {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let lines = LogLines::new();
        lines.write_to(writer.as_fd(), b"line\n", notice);
        lines.write_with_room_to(writer.as_fd(), b"line\n");
        assert_eq!(lines.dropped(), 0);
    }
}
