//! What /proc tells about a process (proc(5)).

use std::fs;
use std::time::Duration;

use crate::failure::{Context, Failure};

/// The value of a line of `/proc/PID/status`, without its title.
pub fn status_field(pid: i32, title: &str) -> Result<String, Failure> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).context("process status")?;
    text.lines()
        .find_map(|line| line.strip_prefix(title)?.strip_prefix(':'))
        .map(|value| value.trim().to_owned())
        .context(format!("no {title} in the status of {pid}"))
}

/// Resident memory in bytes.
pub fn resident(pid: i32) -> Result<u64, Failure> {
    let field = status_field(pid, "VmRSS")?;
    let kilobytes: u64 = field.trim_end_matches("kB").trim().parse().context(field)?;
    Ok(kilobytes * 1024)
}

/// CPU time used so far by all threads, user and system together.
pub fn cpu_time(pid: i32) -> Result<Duration, Failure> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).context("process stat")?;
    // The command, in parentheses, may hold blanks; utime and stime are the 12th and 13th field behind it.
    let rest = text.rsplit_once(')').context("stat without a command")?.1;
    let ticks: u64 =
        rest.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}

/// Open file descriptors.
pub fn descriptors(pid: i32) -> Result<usize, Failure> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd")).context("open descriptors")?.count())
}
